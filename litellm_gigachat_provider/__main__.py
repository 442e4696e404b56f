"""``python -m litellm_gigachat_provider``: the console command."""

import sys

from .cli import main

sys.exit(main())
