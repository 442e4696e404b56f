"""Stop strings, which GigaChat does not know: the text is cut here, exactly where OpenAI would cut it."""

from __future__ import annotations

from collections.abc import Sequence


class StopCutter:
    """Cuts a text before the stop string that begins first in it, however the text is split.

    Holds back only what may be the beginning of a stop string: at most one character less than the longest,
    and only while the text's end really matches. ``stopped`` is True once the cut was made; nothing comes after.
    """

    __slots__ = ("_beginnings", "_hold", "_longest", "_stops", "stopped")

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._longest = max(map(len, self._stops), default=0)
        self._beginnings = frozenset(stop[:length] for stop in self._stops for length in range(1, len(stop)))
        self._hold = ""
        self.stopped = False

    def feed(self, text: str) -> str:
        """The part of the text so far, not given out yet, that is certain to stand before any stop string."""
        if self.stopped or not text:
            return ""
        text = self._hold + text
        safe = len(text) - self._open_end(text)
        found = self._find(text)
        # A longer stop string that begins before the found one may still be on its way: it would cut earlier.
        if 0 <= found <= safe:
            return self._cut(text, found)
        self._hold = text[safe:]
        return text[:safe]

    def end(self) -> str:
        """What was held back, now that nothing more comes."""
        text, self._hold = self._hold, ""
        found = self._find(text)
        return self._cut(text, found) if found >= 0 else text

    def _cut(self, text: str, at: int) -> str:
        self.stopped = True
        self._hold = ""
        return text[:at]

    def _find(self, text: str) -> int:
        return min((at for stop in self._stops if (at := text.find(stop)) >= 0), default=-1)

    def _open_end(self, text: str) -> int:
        """Length of the longest end of ``text`` that begins a stop string."""
        for length in range(min(self._longest - 1, len(text)), 0, -1):
            if text[-length:] in self._beginnings:
                return length
        return 0
