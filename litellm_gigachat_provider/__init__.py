"""GigaChat for LiteLLM: importing this package makes ``gigachat/<model>`` answer through it.

::

    import litellm, litellm_gigachat_provider

    litellm.completion(model="gigachat/GigaChat-2-Max", messages=[{"role": "user", "content": "Привет!"}])

In a LiteLLM proxy's ``config.yaml``: ``custom_provider_map: [{provider: gigachat, custom_handler:
litellm_gigachat_provider.gigachat}]``. Importing does no network, reads no environment and logs nothing.
"""

from __future__ import annotations

import os
import sys
from typing import Any

_COMMANDS = ("litellm-gigachat", "litellm-gigachat.exe", "litellm-gigachat-script.py")
if os.path.basename(sys.orig_argv[1] if len(sys.orig_argv) > 1 else "") in _COMMANDS or (  # noqa: PTH119
    sys.orig_argv[1:3] == ["-m", __name__]
):
    # Only as the console command: LiteLLM's import tries to download a price list, about 5 s offline. The command
    # must not wait for the network without need, and this is the last moment before that import.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

from . import registration
from .provider import GigaChatLLM
from .registration import SeamError, register

__version__ = "0.1.0"
__all__ = ["GigaChatLLM", "SeamError", "gigachat", "register", "stats", "token_info"]

gigachat = GigaChatLLM()
"""The ready handler: settings come from each call, the environment and ``.env``."""

registration.install(gigachat)


def token_info(**settings: Any) -> dict[str, Any]:
    """State of the access token for the current settings: never the token itself, and no network.

    ``settings`` are those of :class:`GigaChatLLM`. Keys: ``has_token``, ``expires_in_seconds`` (None when
    unknown), ``expires_at`` (Unix seconds), ``valid``, ``auth_mode``, ``scope``, ``fingerprint``, ``last_error``.
    """
    from .settings import Overrides, resolve
    from .transport.auth import token_status

    status = token_status(resolve(Overrides(**settings)))
    return {**status, "expires_in_seconds": status.pop("seconds_left")}


def stats() -> dict[str, Any]:
    """Counters of this process since its start: requests, errors by kind, token refreshes, conversions, cache hits."""
    from .status import snapshot

    return snapshot()
