"""Ids: of answers, and of tool calls, which carry GigaChat's state id through any OpenAI or Anthropic client.

``functions_state_id`` (v1) and ``tool_state_id`` (v2) are UUIDs that belong to an assistant turn.
OpenAI clients send nothing of that turn back but the id of each call, so the state travels there:
``giga_<32 hex digits>`` for the first call, ``giga<n>_<32 hex digits>`` for call ``n``. At most 40
characters of ``[A-Za-z0-9_-]``, which every known client accepts. The number does not stand at the end: Claude Code
reads ``<other id>_<n>`` as "entry n of call <other id>" and loses the second result. Version 0.1.0 wrote it there.
"""

from __future__ import annotations

import random
import re

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Searched at the end: gateways put "call_" or "fc_" in front of ids that are not their own.
_OURS = re.compile(r"giga(?:[1-9][0-9]{0,2})?_([0-9a-f]{32})(?:_[1-9][0-9]{0,3})?\Z")


def new_id() -> str:
    """32 hexadecimal digits. Not a secret, so the operating system need not be asked for each."""
    return f"{random.getrandbits(128):032x}"


def is_state_id(value: object) -> bool:
    """Whether ``value`` is a UUID in the form GigaChat writes it (lower case, with dashes)."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def call_id(state_id: str | None, index: int, fallback: str) -> str:
    """The id of call ``index`` of a turn; ``fallback`` where there is no state id of the known form."""
    if state_id is None or not is_state_id(state_id) or not 0 <= index <= 999:
        return fallback
    return f"giga{index or ''}_{state_id.replace('-', '')}"


def state_of(call_id: object) -> str | None:
    """The state id that :func:`call_id` put into ``call_id``; None for ids of any other origin."""
    if not isinstance(call_id, str):
        return None
    found = _OURS.search(call_id)
    if found is None:
        return None
    digits = found.group(1)
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
