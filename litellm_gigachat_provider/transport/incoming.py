"""The bytes of one HTTP/1.1 answer, as they come: first its head, then its content. Nothing here does I/O."""

from __future__ import annotations

import http.client

from .chunked import ChunkDecoder
from .head import Head, end_of_head, parse_head


class Incoming:
    """Feed it what the network brought; it gives the content in it, all of it, at once.

    ``head`` is None until it is complete; ``ended`` once the content is. ``reusable``: the connection can carry
    another exchange then.
    """

    __slots__ = ("_begun", "_chunks", "_left", "_method", "_surplus", "ended", "head")

    def __init__(self, method: str) -> None:
        self._method = method
        self._begun = b""
        self._chunks: ChunkDecoder | None = None
        self._left: int | None = None
        self._surplus = False
        self.head: Head | None = None
        self.ended = False

    @property
    def reusable(self) -> bool:
        return self.ended and not self._surplus and self.head is not None and not self.head.will_close

    def feed(self, data: bytes) -> bytes:
        """Raises ``http.client.HTTPException`` or ConnectionFailureError for what is no HTTP."""
        if self.head is None:
            data = self._take_head(data)
            if self.head is None:
                return b""
        if self.ended:
            self._surplus = self._surplus or bool(data)
            return b""
        if self._chunks is not None:
            content = self._chunks.feed(data)
            self.ended = self._chunks.ended
            return content
        if self._left is not None:
            left = self._left
            if len(data) > left:
                data, self._surplus = data[:left], True
            self._left = left = left - len(data)
            self.ended = left == 0
        return data

    def finish(self) -> None:
        """The connection has ended. Raises ``http.client.HTTPException`` if that is too early."""
        if self.head is None:
            if not self._begun:
                raise http.client.RemoteDisconnected("Remote end closed connection without response")
            raise http.client.IncompleteRead(b"")
        if not self.ended and (self._chunks is not None or self._left is not None):
            raise http.client.IncompleteRead(b"")
        self.ended = True

    def _take_head(self, data: bytes) -> bytes:
        searched = 0
        if self._begun:
            searched = max(0, len(self._begun) - 2)
            data = self._begun + data
        while True:
            end = end_of_head(data, searched)
            if end < 0:
                self._begun = data
                return b""
            head = parse_head(data[:end], self._method)
            data, searched = data[end:], 0
            if head.status >= 200 or head.status == 101:  # anything less announces the answer that is to come
                self.head = head
                self._chunks = ChunkDecoder() if head.chunked else None
                self._left = head.length
                self.ended = head.length == 0
                return data
