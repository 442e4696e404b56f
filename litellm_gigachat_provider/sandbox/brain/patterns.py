"""A string that matches a regular expression: enough of the syntax for ``response_format`` of type regex."""

from __future__ import annotations

import re
from typing import Final

from ..rules.refusal import invalid

_CLASSES: Final = {"d": "0123456789", "w": "abc123", "s": " ", "D": "x", "W": "-", "S": "x"}
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_REPEATS: Final = {"*": (0, None), "+": (1, None), "?": (0, 1)}


def example(pattern: str, hint: str = "") -> str:
    """Something in ``hint`` that matches the whole pattern, else a generated string; 422 for what we can't generate."""
    compiled = re.compile(pattern)
    for found in compiled.finditer(hint):
        if found.group() and compiled.fullmatch(found.group()):
            return found.group()
    text = _Generator(pattern).run()
    if compiled.fullmatch(text) is None:
        raise invalid("response_format.regex uses constructs that are not supported")
    return text


class _Generator:
    """Recursive descent; takes the first alternative and the fewest repeats that are not zero."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._turn = 0

    def run(self) -> str:
        return self._alternatives()

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        self._at += 1
        return char

    def _alternatives(self) -> str:
        first = self._sequence()
        while self._peek() == "|":
            self._at += 1
            self._sequence()
        return first

    def _sequence(self) -> str:
        out: list[str] = []
        while self._peek() not in ("", "|", ")"):
            start = self._at
            piece = self._atom()
            least, most = self._repeat()
            count = max(least, 1) if most is None or most >= 1 else 0
            out.append(piece)
            end = self._at
            for _ in range(count - 1):
                # The atom is run again so that \d\d\d gives 123, not 111.
                self._at = start
                out.append(self._atom())
            self._at = end
            if count == 0:
                out.pop()
        return "".join(out)

    def _atom(self) -> str:
        char = self._next()
        if char == "(":
            return self._group()
        if char == "[":
            return self._pick(self._set())
        if char == "\\":
            return self._escape()
        if char == ".":
            return "x"
        return "" if char in "^$" else char

    def _group(self) -> str:
        if self._peek() == "?":
            head = re.match(r"\?(?::|P<\w+>|<\w+>)", self._pattern[self._at :])
            if head is None:
                raise invalid("response_format.regex uses look-around, which is not supported")
            self._at += head.end()
        inner = self._alternatives()
        self._at += 1  # the closing bracket; re.compile has already proved it is there
        return inner

    def _escape(self) -> str:
        char = self._next()
        if char in _CLASSES:
            return self._pick(_CLASSES[char])
        if char in "bBAZ":
            return ""
        return _ESCAPES.get(char, char)

    def _pick(self, choices: str) -> str:
        self._turn += 1
        return choices[self._turn % len(choices)]

    def _set(self) -> str:
        negated = self._peek() == "^"
        if negated:
            self._at += 1
        chars = ""
        while self._peek() != "]" or not chars:
            char = self._next()
            if char == "\\":
                char = self._next()
                chars += _CLASSES.get(char, _ESCAPES.get(char, char))
            elif self._peek() == "-" and self._pattern[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                chars += "".join(map(chr, range(ord(char), min(ord(self._next()), ord(char) + 200) + 1)))
            else:
                chars += char
        self._at += 1
        if negated:
            return next((free for free in "abcdefghij0123456789 -_" if free not in chars), "x")
        return chars

    def _repeat(self) -> tuple[int, int | None]:
        limits: tuple[int, int | None] = (1, 1)
        char = self._peek()
        if char in _REPEATS:
            self._at += 1
            limits = _REPEATS[char]
        elif char == "{":
            match = re.match(r"\{(\d+)(,?)(\d*)\}", self._pattern[self._at :])
            if match is None:
                return limits
            self._at += match.end()
            least = int(match[1])
            limits = (least, int(match[3]) if match[3] else None if match[2] else least)
        if self._peek() in ("?", "+"):  # lazy or possessive
            self._at += 1
        return limits
