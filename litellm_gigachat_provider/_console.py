"""Imported before everything else of the package: sets up this process if it is the console command.

LiteLLM's import tries to download a price list, about 5 s offline. The command must not wait for the network
without need, and before the package's own import of LiteLLM is the last moment to say so. In any other process
nothing is read but ``sys.orig_argv``, and nothing is changed.
"""

from __future__ import annotations

import os
import sys
from pathlib import PurePath

_COMMANDS = ("litellm-gigachat", "litellm-gigachat.exe", "litellm-gigachat-script.py")


def is_console_command(argv: list[str]) -> bool:
    """``argv`` as ``sys.orig_argv`` has it, the interpreter first."""
    return PurePath(argv[1] if len(argv) > 1 else "").name in _COMMANDS or argv[1:3] == ["-m", __package__]


if is_console_command(sys.orig_argv):
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
