"""The text of an answer, cleaned while it arrives: thoughts, generated media, citation markers.

One class does it for plain and streamed answers alike, so that a text split anywhere gives the same
result as the whole. It holds characters back only while they can still become one of these:

* ``<think>…</think>`` at the very start (some models put their reasoning there instead of into
  ``reasoning_content``);
* ``<img src="<file id>" fuse="true"/>`` and ``<video cover="…" src="…" fuse="true"/>``: files the model
  made. The ``src`` is a file id, never a URL, so an ``<img>`` with any other ``src`` is the caller's HTML
  and stays;
* ``[sources=[1, 2]]``: citations of the v2 web search, written as ``[1][2]``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..types import MediaRef

_OPEN, _CLOSE = "<think>", "</think>"
_FILE_ID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
# The length limits are part of the grammar: they bound what a stream may hold back.
_TOKEN = re.compile(r"<(?P<tag>img|video)\s(?P<attributes>[^<>]{0,500})>|\[sources=\[(?P<sources>[\d\s,]{1,80})\]\]")
_ATTRIBUTE = re.compile(rf'\b(src|cover)="({_FILE_ID})"')
_TAG_PREFIX = re.compile(r"<(?:(?:img|video)\s[^<>]{0,500})?\Z")
_TAG_STARTS = frozenset(tag[:length] for tag in ("<img", "<video") for length in range(1, len(tag) + 1))
_MARK_START = "[sources=["
_MARK_PREFIX = re.compile(r"\[sources=\[[\d\s,]{0,80}\]?\Z")
_SUSPECT = re.compile(r"[<\[]")


@dataclass(slots=True)
class Clean:
    """What a piece of raw text came to. ``citations``: (source number, start, end) in the clean text."""

    content: str = ""
    reasoning: str = ""
    media: list[MediaRef] = field(default_factory=list)
    citations: list[tuple[str, int, int]] = field(default_factory=list)


def whole(text: str) -> Clean:
    """Clean text of a whole answer without citations."""
    if "<" not in text:
        return Clean(text)
    cleaner = TextCleaner()
    head, tail = cleaner.feed(text), cleaner.end()
    return Clean(head.content + tail.content, head.reasoning + tail.reasoning, head.media + tail.media)


class TextCleaner:
    """Feed raw text, get clean text. ``sources`` says whether citation markers are looked for (v2)."""

    __slots__ = ("_hold", "_length", "_skip_blank", "_sources", "_state")

    def __init__(self, *, sources: bool = False) -> None:
        self._state = "start"  # start -> (thinking ->) body
        self._hold = ""
        self._sources = sources
        self._skip_blank = ""  # characters to swallow after a removed tag or a closed thought
        self._length = 0  # of the clean content so far

    def passes(self, text: str) -> bool:
        """Whether ``text`` is clean as it is, and counted; otherwise it is to be fed."""
        if self._state == "body" and not self._hold and not self._skip_blank and not _SUSPECT.search(text):
            self._length += len(text)
            return True
        return False

    def feed(self, text: str) -> Clean:
        if self.passes(text):
            return Clean(text)
        return self._run(self._hold + text, final=False)

    def end(self) -> Clean:
        """What was held back, which nothing can complete any more."""
        return self._run(self._hold, final=True) if self._hold else Clean()

    def _run(self, text: str, *, final: bool) -> Clean:
        clean = Clean()
        self._hold = ""
        if self._state == "start":
            text = self._start(text, final)
        if self._state == "thinking":
            text = self._think(text, clean, final)
        if self._state == "body":
            self._body(text, clean, final)
        return clean

    def _start(self, text: str, final: bool) -> str:
        head = text.lstrip()
        if head.startswith(_OPEN):
            self._state, self._skip_blank = "thinking", " \t\r\n"
            return head[len(_OPEN) :]
        if not final and _OPEN.startswith(head):
            self._hold = text
            return ""
        self._state = "body"
        return text

    def _think(self, text: str, clean: Clean, final: bool) -> str:
        text = self._swallow(text)
        inner, closed, rest = text.partition(_CLOSE)
        if closed:
            clean.reasoning = inner.rstrip()
            self._state, self._skip_blank = "body", " \t\r\n"
            return rest
        keep = inner if final else inner[: len(inner) - _overlap(inner, _CLOSE)]
        clean.reasoning = keep.rstrip()
        if not final:
            self._hold = inner[len(clean.reasoning) :]
        return ""

    def _body(self, text: str, clean: Clean, final: bool) -> None:
        cut = len(text) if final else self._safe(text)
        self._hold = text[cut:]
        pieces: list[str] = []
        at = 0
        for match in _TOKEN.finditer(text, 0, cut):
            written = self._token(match, clean)
            if written is None:
                continue
            self._write(text[at : match.start()], pieces)
            at = match.end()
            if match["tag"]:
                # The tag stands before its caption: `<img …/> caption`. A text starts with its first letter.
                self._skip_blank = " \t" if self._length else " \t\r\n"
                continue
            for number in written:
                clean.citations.append((number, self._length, self._length + len(number) + 2))
                self._write(f"[{number}]", pieces)
        self._write(text[at:cut], pieces)
        clean.content = "".join(pieces)

    def _token(self, match: re.Match[str], clean: Clean) -> list[str] | None:
        """The source numbers of a marker; [] for a media tag that was taken out; None for neither."""
        if match["tag"]:
            found = dict(_ATTRIBUTE.findall(match["attributes"]))
            if "src" not in found:
                return None
            clean.media.append(MediaRef(found["src"], "image" if match["tag"] == "img" else "video"))
            if "cover" in found:
                clean.media.append(MediaRef(found["cover"], "image"))
            return []
        numbers = re.findall(r"\d+", match["sources"]) if self._sources else []
        return numbers or None

    def _write(self, text: str, pieces: list[str]) -> None:
        text = self._swallow(text)
        if text:
            pieces.append(text)
            self._length += len(text)

    def _swallow(self, text: str) -> str:
        if self._skip_blank and text:
            text = text.lstrip(self._skip_blank)
            if text:
                self._skip_blank = ""
        return text

    def _safe(self, text: str) -> int:
        """How much of ``text`` cannot be part of a token that is not complete yet."""
        tag = text.rfind("<")
        if tag >= 0 and (text[tag:] in _TAG_STARTS or _TAG_PREFIX.match(text, tag)):
            return tag
        if self._sources:
            inner = text.rfind("[")  # a marker has two brackets: the outer one is looked at first
            for mark in (text.rfind("[", 0, inner), inner) if inner >= 0 else ():
                if mark >= 0 and (_MARK_START.startswith(text[mark:]) or _MARK_PREFIX.match(text, mark)):
                    return mark
        return len(text)


def _overlap(text: str, word: str) -> int:
    """Length of the longest end of ``text`` that is a proper beginning of ``word``."""
    for length in range(min(len(word) - 1, len(text)), 0, -1):
        if text.endswith(word[:length]):
            return length
    return 0
