"""A string that matches a regular expression: enough of the syntax for ``response_format`` of type regex."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Final

from ..rules.refusal import invalid

_CLASSES: Final = {"d": "0123456789", "w": "abc123", "s": " ", "D": "x", "W": "-", "S": "x"}
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_TOKEN: Final = re.compile(
    r"(?P<open>\((?:\?(?::|P?<\w+>))?(?!\?))|(?P<close>\))|(?P<bar>\|)|(?P<edge>\\[bBAZ]|[\^$])"
    r"|(?:(?P<sign>[*+?])|\{(?P<least>\d+)(?P<comma>,?)(?P<most>\d*)\})[?+]?"  # + or ? behind it: possessive or lazy
    r"|\[(?P<negated>\^?)(?P<set>(?:\]|\\.|[^\]\\])(?:\\.|[^\]\\])*)\]|(?P<one>\\.|.)",
    re.DOTALL,
)
_SET_ITEM: Final = re.compile(r"(\\.|.)(?:-(\\.|[^\]]))?", re.DOTALL)


def example(pattern: str, hint: str = "") -> str:
    """Something in ``hint`` that matches the whole pattern, else a generated string; 422 for what we can't generate."""
    compiled = re.compile(pattern)
    for found in compiled.finditer(hint):
        if found.group() and compiled.fullmatch(found.group()):
            return found.group()
    text = _generated(pattern)
    if text is None or compiled.fullmatch(text) is None:
        raise invalid("response_format.regex uses constructs that are not supported")
    return text


def _generated(pattern: str) -> str | None:
    """Of each group the first alternative, of each repetition the fewest that are not zero; None for look-around."""
    turn = itertools.count(1)
    groups: list[list[list[Callable[[], str]]]] = [[[]]]  # open groups of alternatives of atoms

    def one_of(choices: str) -> Callable[[], str]:
        return lambda: choices[next(turn) % len(choices)] if len(choices) > 1 else choices

    def row(atoms: list[Callable[[], str]]) -> Callable[[], str]:
        return lambda: "".join([atom() for atom in atoms])

    for token in _TOKEN.finditer(pattern):
        atoms = groups[-1][-1]
        if token["one"] == "(":
            return None
        if token["open"]:
            groups.append([[]])
        elif token["close"]:
            inner = groups.pop()[0]
            groups[-1][-1].append(row(inner))
        elif token["bar"]:
            groups[-1].append([])
        elif token["sign"] or token["least"]:
            least = int(token["least"] or token["sign"] == "+")
            most = least if token["least"] and not token["comma"] else int(token["most"] or 1)
            # Each time anew, so that \d\d\d and \d{3} give 123, not 111.
            atoms.append(row([atoms.pop()] * max(least, min(most, 1))))
        elif not token["edge"]:
            atoms.append(one_of(_set(token["set"], token["negated"]) if token["set"] else _characters(token["one"])))
    return row(groups[0][0])()


def _characters(item: str) -> str:
    if item[0] != "\\":
        return "x" if item == "." else item
    return _CLASSES.get(item[1]) or _ESCAPES.get(item[1], item[1])


def _set(items: str, negated: str) -> str:
    chars = ""
    for first, last in _SET_ITEM.findall(items):
        start = first if first == "." else _characters(first)
        end = ord(_characters(last)[0]) if last else 0
        chars += "".join(map(chr, range(ord(start), min(end, ord(start) + 200) + 1))) if last else start
    return next((free for free in "abcdefghij0123456789 -_" if free not in chars), "x") if negated else chars
