"""Server-sent events: bytes in, events out. Pure and incremental.

GigaChat writes ``data: <json>`` with LF and a blank line (v1), and an ``event:`` line before it (v2).
Gateways on the way may rewrite line ends, add comments or split anywhere, so the whole of the
``text/event-stream`` format is read: CRLF, CR, comments, several data lines, no space after the colon,
a byte order mark, ``id`` and ``retry`` (both skipped), unknown fields.
"""

from __future__ import annotations

from typing import NamedTuple

from ..errors import BadAnswerError

MAX_EVENT = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """``event`` is ``message`` where the stream does not name it; ``data`` is never empty."""

    event: str
    data: str


class SSEDecoder:
    """Feed it the bytes of each network read; it returns the events that this read completed.

    An event without data is skipped. Raises BadAnswerError when one event passes ``limit`` bytes.
    """

    __slots__ = ("_after_cr", "_at_start", "_limit", "_newline_last", "_parts", "_size")

    def __init__(self, limit: int = MAX_EVENT) -> None:
        self._limit = limit
        self._parts: list[bytes] = []  # of the event that is not complete yet, joined once it is
        self._size = 0
        self._newline_last = False
        self._after_cr = False
        self._at_start = True

    def feed(self, data: bytes) -> list[Event]:
        if b"\r" in data or self._after_cr:
            data = self._with_lf(data)
        if not data:
            return []
        if b"\n\n" not in data and not (self._newline_last and data[0] == 10):
            self._hold(data)
            return []
        if self._parts:
            self._parts.append(data)
            data = b"".join(self._parts)
            self._parts.clear()
        blocks = data.split(b"\n\n")
        rest = blocks.pop()
        self._size = 0
        self._newline_last = False
        if rest:
            self._hold(rest)
        if self._at_start:
            self._at_start = False
            blocks[0] = blocks[0].removeprefix(_BOM)
        return _events(blocks)

    def flush(self) -> list[Event]:
        """What stands unfinished when the stream ends: servers forget the last blank line, not only cut streams do."""
        block = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        if self._at_start:
            block = block.removeprefix(_BOM)
        return _events([block])

    def _hold(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)
        self._newline_last = data[-1] == 10
        if self._size > self._limit:
            self._parts.clear()
            raise BadAnswerError(f"one event of the stream is longer than {self._limit} bytes")

    def _with_lf(self, data: bytes) -> bytes:
        """The same bytes with LF for CRLF and CR. A CR at the very end is a line end already; an LF after it is not."""
        if self._after_cr and data[:1] == b"\n":
            data = data[1:]
            if not data:
                self._after_cr = False
                return data
        if data:
            self._after_cr = data[-1] == 13
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _events(blocks: list[bytes]) -> list[Event]:
    events: list[Event] = []
    for block in blocks:
        if block[:6] == b"data: " and b"\n" not in block:  # what GigaChat sends; the rest is for the other cases
            if len(block) > 6:
                events.append(Event("message", block[6:].decode("utf-8", "replace")))
        elif block:
            event = _read_block(block)
            if event is not None:
                events.append(event)
    return events


def _read_block(block: bytes) -> Event | None:
    name = "message"
    data: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")  # a comment has an empty field name
        if value[:1] == b" ":
            value = value[1:]
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value.decode("utf-8", "replace") or "message"
    text = b"\n".join(data)
    return Event(name, text.decode("utf-8", "replace")) if text else None
