"""The chunked transfer coding, read so that nothing waits: all that one network read brought is handed out.

The usual readers give one chunk at a time and may block on the next one. GigaChat sends one event per chunk,
and passing on events one by one is what makes a stream expensive further up.
"""

from __future__ import annotations

from ..errors import ConnectionFailureError

_MAX_LINE = 4096
_DIGITS = b"0123456789abcdefABCDEF"


class ChunkDecoder:
    """Feed it what the network brought; it returns the content in it. ``ended`` after the last chunk's trailer."""

    __slots__ = ("_in_trailer", "_left", "_line", "ended")

    def __init__(self) -> None:
        self._left = 0  # of the chunk being read, its closing CRLF included
        self._line = b""  # beginning of a size or trailer line that is not complete yet
        self._in_trailer = False
        self.ended = False

    def feed(self, data: bytes) -> bytes:
        content: list[bytes] = []
        at, size = 0, len(data)
        if not self._left and not self._line and not self._in_trailer:
            at = _whole_chunks(data, content)
        while at < size and not self.ended:
            if self._left > 2:
                taken = min(self._left - 2, size - at)
                content.append(data[at : at + taken])
                self._left -= taken
                at += taken
            elif self._left > 0:
                taken = min(self._left, size - at)
                if data[at : at + taken] != b"\r\n"[2 - self._left :][:taken]:
                    raise _broken("a chunk does not end where its size says")
                self._left -= taken
                at += taken
            else:
                at = self._read_line(data, at)
        return content[0] if len(content) == 1 else b"".join(content)

    def _read_line(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at)
        line = self._line + (data[at:] if end < 0 else data[at:end])
        if len(line) > _MAX_LINE:
            raise _broken("a chunk's head is too long")
        if end < 0:
            self._line = line
            return len(data)
        self._line = b""
        line = line.rstrip(b"\r")
        if self._in_trailer:
            self.ended = not line
        else:
            self._begin(line.partition(b";")[0].strip())
        return end + 1

    def _begin(self, digits: bytes) -> None:
        if not digits or len(digits) > 15 or digits.strip(_DIGITS):
            raise _broken("a chunk without a size")
        size = int(digits, 16)
        if size:
            self._left = size + 2
        else:
            self._in_trailer = True


def _whole_chunks(data: bytes, content: list[bytes]) -> int:
    """Take the chunks that are all there, which is nearly all of them; gives where the first other thing begins."""
    at = 0
    while (end := data.find(b"\r\n", at, at + 18)) > at:
        digits = data[at:end]
        if digits.strip(_DIGITS):
            break
        start = end + 2
        stop = start + int(digits, 16)
        if stop == start or data[stop : stop + 2] != b"\r\n":
            break
        content.append(data[start:stop])
        at = stop + 2
    return at


def _broken(what: str) -> ConnectionFailureError:
    return ConnectionFailureError(f"GigaChat's answer breaks the HTTP protocol: {what}")
