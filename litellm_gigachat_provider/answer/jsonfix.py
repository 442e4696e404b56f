"""Getting the one JSON value out of a model's reply, where it is unambiguous which one that is.

Models asked for JSON write a fence around it, a sentence before or after it, or a byte order mark. What is
done here loses nothing of the value: the JSON text itself is handed on as the model wrote it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

BLANK = "\ufeff \t\r\n"
_FENCE = re.compile(r"```[A-Za-z0-9_-]*[ \t]*\r?\n?(.*?)```", re.DOTALL)
_CONTAINER = re.compile(r"[{\[]")
_MAX_TRIES = 500  # places in one reply that are tried as the beginning of a value


@dataclass(frozen=True, slots=True)
class Found:
    """A JSON value and its text in the reply."""

    value: Any
    text: str


def find_json(reply: str, fits: Callable[[Any], bool] | None = None) -> Found | None:
    """The only JSON value in ``reply``; where there are several, the only one that ``fits``. Else None."""
    whole = _read(reply.strip(BLANK))
    if whole is not None:
        return whole
    fenced = [found for block in _FENCE.findall(reply) if (found := _read(block.strip(BLANK))) is not None]
    for candidates in (fenced, list(_embedded(reply))):
        if chosen := _only(candidates) or _only([c for c in candidates if fits is not None and fits(c.value)]):
            return chosen
    return None


def _only(candidates: list[Found]) -> Found | None:
    """The candidate, if all of them say the same (models like to repeat themselves)."""
    if candidates and all(other.value == candidates[0].value for other in candidates[1:]):
        return candidates[0]
    return None


def _read(text: str) -> Found | None:
    try:
        return Found(_DECODER.decode(text), text)
    except (ValueError, RecursionError):
        return None


def _embedded(reply: str) -> Iterator[Found]:
    """Objects and arrays that stand in the reply one after the other, prose between them."""
    at = 0
    for _ in range(_MAX_TRIES):
        start = _CONTAINER.search(reply, at)
        if start is None:
            return
        try:
            value, at = _DECODER.raw_decode(reply, start.start())
        except (ValueError, RecursionError):
            at = start.end()
        else:
            yield Found(value, reply[start.start() : at])


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")  # Python's reader takes NaN and Infinity


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


class JsonStream:
    """Lets a JSON object or array through while it arrives, and nothing that stands around it.

    A reply that begins otherwise (a fence, prose) is held back whole. ``text`` is all that came, ``sent`` how many
    characters were let through. At the end the caller finds the value in ``text`` and sends what is missing of it.
    """

    __slots__ = ("_begins", "_buffer", "_depth", "_escaped", "_in_string", "_openings", "_parts", "_state", "sent")

    def __init__(self, *, arrays: bool) -> None:
        self._openings = _ARRAY_OR_OBJECT if arrays else _OBJECT
        self._state = "start"  # -> inside -> after, or -> held
        self._parts: list[str] = []
        self._buffer = ""
        self._depth = 0
        self._in_string = self._escaped = False
        self._begins = 0  # where in `text` the value begins
        self.sent = 0

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def sent_text(self) -> str:
        return self.text[self._begins : self._begins + self.sent]

    def unsent(self) -> str:
        """The rest as it is, for a reply that was cut short and can be no JSON."""
        return self.text[self._begins + self.sent :]

    def feed(self, text: str) -> str:
        self._parts.append(text)
        if self._state == "start":
            text = self._buffer = (self._buffer + text).lstrip(BLANK)
            if not self._begin(text):
                return ""
        if self._state != "inside":
            return ""
        end = self._end(text)
        self.sent += end
        return text[:end]

    def _begin(self, head: str) -> bool:
        if self._openings.match(head):
            self._state = "inside"
            self._begins = sum(map(len, self._parts)) - len(head)
        elif not _UNDECIDED.fullmatch(head):
            self._state = "held"
        return self._state == "inside"

    def _end(self, text: str) -> int:
        """How much of ``text`` belongs to the value. Looks at quotes, brackets and backslashes only."""
        at = 1 if self._escaped else 0
        self._escaped = False
        while match := (_IN_STRING if self._in_string else _OUTSIDE).search(text, at):
            sign, at = match[0], match.end()
            if sign == "\\":
                self._escaped = at == len(text)
                at += 1
            elif sign == '"':
                self._in_string = not self._in_string
            elif sign in "{[":
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth <= 0:
                    self._state = "after"
                    return at
        return len(text)


_OBJECT = re.compile(r'\{\s*["}]')
_ARRAY_OR_OBJECT = re.compile(r'\{\s*["}]|\[')
_UNDECIDED = re.compile(r"(\{\s*)?")
_IN_STRING = re.compile(r'["\\]')
_OUTSIDE = re.compile(r'[{}\[\]"]')
