"""A stream of events that is open: what ``Transport.aopen_stream`` and ``open_stream`` return.

Iterating gives, for each network read, the list of all events that the read completed, so that a caller can
pass them on together. Every way out (end, error, ``aclose``, cancellation, garbage collection) closes the
connection and gives the concurrency slot back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import NamedTuple

import httpx

from ..errors import GigaChatError
from ..portal import PORTAL
from .closing import close_soon
from .deadline import Deadline, time_limit
from .exchange import MAX_REPLY, inflater_for, parts_of
from .failures import NETWORK_ERRORS, translate
from .sse import Event, SSEDecoder

_PROGRESS = 1024  # bytes: a read that completes no event counts as progress only if it brings a line or this much

# Seconds to wait for the end of a stream whose finish was seen. `data: [DONE]` and the end of the body come with it
# or right behind; a connection that is closed before them cannot be used again.
_LINGER = 0.2


class _Reader:
    """What happens between the reads: unpack, decode, and notice whether it gets anywhere."""

    __slots__ = ("_decoder", "_inflater", "_silent")

    def __init__(self, headers: httpx.Headers) -> None:
        self._decoder = SSEDecoder()
        self._inflater = inflater_for(headers.get("content-encoding"), MAX_REPLY)
        self._silent = 0

    def feed(self, data: bytes) -> list[Event]:
        if self._inflater is not None:
            data = self._inflater.feed(data)
        return self._decoder.feed(data)

    def progressed(self, data: bytes) -> bool:
        """False for a peer that drips a byte now and then to keep the connection from timing out."""
        self._silent += len(data)
        if b"\n" not in data and self._silent < _PROGRESS:
            return False
        self._silent = 0
        return True

    def finish(self) -> list[Event]:
        """The last event, if only its blank line is missing; a half one is left for the caller to miss."""
        return [event for event in self._decoder.flush() if event.data == "[DONE]" or event.data.endswith("}")]


class Hooks(NamedTuple):
    """What a stream needs of the transport that opened it. ``release`` is called exactly once."""

    host: str
    timeout: float | None
    release: Callable[[], None]
    failed: Callable[[GigaChatError], None]


class AsyncEventStream:
    """Async iterator of ``list[Event]``; belongs to the event loop it was opened in. Call :meth:`aclose`.

    ``headers`` and ``status`` are the answer's. Raises TimeoutFailureError when nothing comes for ``timeout``
    seconds, ConnectionFailureError when the connection breaks, BadAnswerError for an endless event.
    """

    def __init__(self, response: httpx.Response, hooks: Hooks) -> None:
        self.headers = response.headers
        self.status = response.status_code
        self._hooks = hooks
        self._loop = asyncio.get_running_loop()
        self._response = response
        self._parts = parts_of(response)
        self._reader = _Reader(response.headers)
        self._over = self._closed = False

    def __aiter__(self) -> AsyncIterator[list[Event]]:
        return self

    async def __anext__(self) -> list[Event]:
        events = await self.read()
        if events is None:
            raise StopAsyncIteration
        return events

    async def read(self) -> list[Event] | None:
        """The events of the next read that completes any; None at the end."""
        events: list[Event] | None = None
        try:
            if not self._over:
                events = await self._next()
        except NETWORK_ERRORS as error:
            failure = self._failure(error)
        except BaseException:  # cancelled: nothing more may be awaited
            self._drop()
            raise
        else:
            if events is None:
                await self.aclose()
            return events
        await self.aclose()
        raise failure

    async def _next(self) -> list[Event] | None:
        """The same within the timeout, and without closing."""
        deadline = Deadline(self._hooks.timeout)
        while True:
            async with time_limit(deadline.left()):
                data = await anext(self._parts, b"")
            if not data:
                self._over = True
                return self._reader.finish() or None
            events = self._reader.feed(data)
            if events:
                return events
            if self._reader.progressed(data):
                deadline = Deadline(self._hooks.timeout)

    def _failure(self, error: BaseException) -> GigaChatError:
        hooks = self._hooks
        failure = translate(error, host=hooks.host, timeout=hooks.timeout, doing="go on with the stream", answered=True)
        hooks.failed(failure)
        return failure

    async def aclose(self) -> None:
        """Ends the stream; the server is told to stop. Any number of times."""
        if not self._end():
            return
        try:
            await self._response.aclose()
        except NETWORK_ERRORS:
            pass  # it is being thrown away
        finally:
            self._hooks.release()

    async def afinish(self, within: float = _LINGER) -> None:
        """Close after the last event that matters: what is left is read for at most ``within`` seconds."""
        try:
            async with time_limit(within):
                while not self._over:
                    self._over = not await anext(self._parts, b"")
        except NETWORK_ERRORS:
            pass  # everything was delivered; only the connection is lost
        finally:
            await self.aclose()

    def _end(self) -> bool:
        """True for the first way out that is taken."""
        first = not self._closed
        self._over = self._closed = True
        return first

    def _drop(self) -> None:
        """Close without waiting for anything, from the loop's own thread."""
        if self._end():
            try:
                close_soon(self._response.aclose())
            finally:
                self._hooks.release()

    async def __aenter__(self) -> AsyncEventStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        if getattr(self, "_closed", True):
            return
        self._closed = True
        response = self._response
        try:
            self._loop.call_soon_threadsafe(lambda: close_soon(response.aclose()))
        except RuntimeError:
            pass  # the loop is closed and took the connection with it
        finally:
            self._hooks.release()


class EventStream:
    """An :class:`AsyncEventStream` of the portal's loop for synchronous code: an iterator with ``close``."""

    def __init__(self, stream: AsyncEventStream) -> None:
        self._stream = stream
        self.headers = stream.headers
        self.status = stream.status

    def __iter__(self) -> Iterator[list[Event]]:
        return self

    def __next__(self) -> list[Event]:
        events = PORTAL.call(self._stream.read())
        if events is None:
            raise StopIteration
        return events

    def close(self) -> None:
        """Ends the stream; the server is told to stop. Any number of times."""
        PORTAL.call(self._stream.aclose())

    def finish(self, within: float = _LINGER) -> None:
        """:meth:`AsyncEventStream.afinish`."""
        PORTAL.call(self._stream.afinish(within))

    def __enter__(self) -> EventStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
