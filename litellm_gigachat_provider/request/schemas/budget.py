"""How large schemas may become when their references are written out, one by one and for all tools together.

GigaChat resolves no references, so each is replaced by what it points at; seven classes that name each other, or
twelve that each name the next one twice, would take hundreds of kilobytes of every call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .. import plain

GROWTH = 8.0  # times the given text
LARGEST = 64 * 1024  # bytes, of all tools together
_TRIES = 8
_SMALL = 60  # bytes of a structure that are no more than its name would take
DEFINITIONS = frozenset({"$defs", "definitions"})


def size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


class Room:
    """What unfolded references may take, in bytes of the given text. Structures not shown yet go first."""

    def __init__(self, root: Any, left: int) -> None:
        self._left = left
        self._shown: set[str] = set()
        self._sizes: dict[str, tuple[int, bool]] = {}
        named = [root.get(word) for word in DEFINITIONS] if isinstance(root, dict) else []
        self._reserved = sum(size(part) for part in named if part)

    def takes(self, reference: str, target: Any) -> bool:
        """Whether ``target`` may be written out here; what it takes is then gone."""
        if reference not in self._sizes:
            self._sizes[reference] = size(target), '"$' in json.dumps(target)
        taken, nested = self._sizes[reference]
        if taken <= _SMALL and not nested:
            return True
        repeated = reference in self._shown
        if taken > self._left - (max(self._reserved, 0) if repeated else 0):
            return False
        self._left -= taken
        if not repeated:
            self._shown.add(reference)
            self._reserved -= taken
        return True

    def more(self, taken: int) -> bool:
        if taken > self._left - max(self._reserved, 0):
            return False
        self._left -= taken
        return True


def fitting(text: str, ratio: float, write: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
    """What ``write`` makes of the schema ``text``, with the most room for references whose result still fits."""
    allowed = int(min(ratio * len(text.encode()), LARGEST))
    room = allowed
    result = write(room)
    if '"$' not in text:  # no references: nothing to be saved
        return result
    for tried in range(_TRIES):
        taken = size(result)
        if taken <= allowed:
            break
        room = int(room * 0.9 * allowed / taken) if tried < _TRIES - 1 else 0
        result = write(room)
    return result


def shared_out(tools: Sequence[Any], read: Callable[..., Mapping[str, Any]]) -> list[Any]:
    """``tools``, their ``parameters`` cut to one budget by ``read`` where they are larger together than it."""
    words = [_word(tool) for tool in tools]
    given = [(tool, word, tool.spec[word]) for tool, word in zip(tools, words, strict=True) if tool.spec and word]
    if sum(size(read(value, f"{tool.where}.{word}")) for tool, word, value in given) <= LARGEST:
        return list(tools)
    ratio = LARGEST / sum(len(plain.dump(value, tool.where).encode()) for tool, _, value in given)
    return [
        replace(tool, spec={**tool.spec, word: read(tool.spec[word], f"{tool.where}.{word}", ratio=min(ratio, GROWTH))})
        if tool.spec and word
        else tool
        for tool, word in zip(tools, words, strict=True)
    ]


def _word(tool: Any) -> str | None:
    spec = tool.spec or {}
    return next((word for word in ("parameters", "input_schema") if spec.get(word) is not None), None)
