"""A connection of ``lane_http1_async``: what arrives on it, and who waits for it."""

from __future__ import annotations

import asyncio
from typing import Any

from .deadline import Deadline, clock
from .incoming import Incoming

_PIECE = 256 * 1024  # a larger body is written in pieces, so that one upload does not hold the loop
_UNREAD = 1024 * 1024  # bytes that may wait to be read before the server has to wait


class Connection(asyncio.Protocol):
    """What arrives on one connection, and who waits for it."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.expires = 0.0
        self._parts: list[bytes] = []
        self._unread = 0
        self._ended = False
        self._error: BaseException | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._full = False  # the transport's buffer for writing
        self._limit: Deadline | None = None
        self._timer: asyncio.TimerHandle | None = None

    # --- called by the loop -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        self._unread += len(data)
        if self._unread > _UNREAD:
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._error = exc
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    # --- called by the lane -------------------------------------------------------------------------

    @property
    def usable(self) -> bool:
        """Open, and with nothing to read that nobody asked for."""
        return not (self._ended or self._parts or self.transport.is_closing()) and clock() <= self.expires

    @property
    def has_data(self) -> bool:
        return bool(self._parts)

    async def send(self, head: bytes, body: bytes) -> None:
        """Stops early where the server answers early, as with a body that is too large for it."""
        if len(body) <= _PIECE:
            self.transport.write(head + body)
            return
        self.transport.write(head)
        view = memoryview(body)
        for start in range(0, len(body), _PIECE):
            if self._parts or self._ended:
                return
            self.transport.write(view[start : start + _PIECE])
            if self._full:
                self._writer = asyncio.get_running_loop().create_future()
                await self._writer
            else:
                await asyncio.sleep(0)

    async def receive(self, limit: Deadline | None = None) -> bytes:
        """All that has come, waiting if that is nothing; b"" once the server has closed.

        Raises OSError, and TimeoutError once ``limit`` has passed.
        """
        while not self._parts:
            if self._error is not None:
                raise self._error
            if self._ended:
                return b""
            loop = asyncio.get_running_loop()
            self._reader = loop.create_future()
            self._limit = limit
            if limit is not None and self._timer is None and (left := limit.left()) is not None:
                self._timer = loop.call_later(left, self._check_limit)
            await self._reader
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        if self._unread > _UNREAD and not self._ended:
            self.transport.resume_reading()
        self._unread = 0
        return data

    def _check_limit(self) -> None:
        """One timer serves all waits of a stream: where the limit has moved on meanwhile, it is set again."""
        self._timer = None
        if self._reader is None or self._reader.done() or self._limit is None:
            return
        left = self._limit.left()
        if left:
            self._timer = asyncio.get_running_loop().call_later(left, self._check_limit)
        elif left is not None:
            self._reader.set_exception(TimeoutError())

    async def answer(self, method: str) -> tuple[Incoming, bytes]:
        """The answer to what was sent, once its head is there, and the content that came with it."""
        incoming = Incoming(method)
        content = b""
        while incoming.head is None:
            data = await self.receive()
            if data:
                content = incoming.feed(data)
            else:
                incoming.finish()
        return incoming, content

    def rest(self) -> None:
        """Nobody waits any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        self.rest()
        if self.transport is not None:
            self.transport.abort()
