"""The tools of a request, read once for as long as the same tools are sent: agents send theirs with every call.

Reading twenty tools costs a quarter of a millisecond, finding them again a tenth of that. The key is their whole
content, so nothing can be taken for anything else; only what was understood is kept.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from . import tools
from .gate import Gate
from .names import Names
from .schemas import schema
from .schemas.budget import shared_out
from .tools import Tool, ToolSet

_WORDS = ("tools", "functions", "web_search_options")
_LARGEST = 256 * 1024  # bytes of a key that is kept, 64 of them at most


def read_tools(params: Mapping[str, Any], messages: Any, gate: Gate) -> tuple[ToolSet, Names]:
    """The functions to offer, and the names of this request: the caller's own to fill, not shared."""
    legacy = not params.get("tools") and (
        params.get("functions") is not None or params.get("function_call") is not None
    )
    given = {word: params[word] for word in _WORDS if params.get(word) is not None}
    if not given:
        return ToolSet(legacy=legacy), Names()
    key = _key(given)
    known = _known(key, gate, legacy) if key is not None else None
    if known is not None:
        built, names = known
        return built, names.copy()
    return _read(given, messages, gate, legacy)


def _key(given: dict[str, Any]) -> bytes | None:
    """Exact for JSON-like data of Python's own types; None for anything else, and for what is too large to keep."""
    try:
        key = marshal.dumps(given)
    except ValueError:
        return None
    return key if len(key) <= _LARGEST else None


@lru_cache(maxsize=64)
def _known(key: bytes, gate: Gate, legacy: bool) -> tuple[ToolSet, Names] | None:
    given = marshal.loads(key)  # noqa: S302 - our own bytes of a moment ago
    if not tools.all_legal(tools.collect(given, gate)):
        return None  # aliases depend on the names in the history
    return _read(given, (), gate, legacy)


def _read(params: Mapping[str, Any], messages: Any, gate: Gate, legacy: bool) -> tuple[ToolSet, Names]:
    found = tools.collect(params, gate)
    names = Names([*tools.caller_names(found), *_history_names(messages, found)])
    return tools.build(shared_out(found, schema.parameters), names, legacy=legacy), names


def _history_names(messages: Any, given: Sequence[Tool]) -> list[str]:
    """Names of earlier calls; needed only where an alias could take one of them."""
    if tools.all_legal(given) or not isinstance(messages, Sequence):
        return []
    found: list[str] = []
    for message in messages:
        if isinstance(message, Mapping):
            calls = message.get("tool_calls")
            for call in [
                *(calls if isinstance(calls, (list, tuple)) else ()),
                {"function": message.get("function_call")},
            ]:
                function = call.get("function") if isinstance(call, Mapping) else None
                name = function.get("name") if isinstance(function, Mapping) else None
                if isinstance(name, str):
                    found.append(name)
    return found
