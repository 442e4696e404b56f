"""A stream of events that is open: what ``Transport.open_stream`` returns.

Iterating gives, for each network read, the list of all events that the read completed, so that a caller can
pass them on together. Every way out (end, error, ``close``, cancellation, garbage collection) closes the
connection's part and gives the concurrency slot back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import NamedTuple

import httpx

from ..errors import GigaChatError
from .deadline import Deadline, clamp, time_limit
from .encoding import inflater_for
from .failures import network_errors, translate
from .lanes import MAX_REPLY, AsyncRawStream, RawStream
from .sse import Event, SSEDecoder

_PROGRESS = 1024  # bytes: a read that completes no event counts as progress only if it brings a line or this much

# Seconds to wait for the end of a stream whose finish was seen. `data: [DONE]` and the end of the body come with it
# or right behind; a connection that is closed before them cannot be used again.
_LINGER = 0.2


class _Reader:
    """What both streams do between the reads: unpack, decode, and notice whether it gets anywhere."""

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


class _Stream:
    def __init__(self, raw: RawStream | AsyncRawStream, hooks: Hooks) -> None:
        self._reader = _Reader(raw.headers)
        self.headers = raw.headers
        self.status = raw.status
        self._host = hooks.host
        self._timeout = hooks.timeout
        self._failed = hooks.failed
        self._release = hooks.release
        self._over = False

    def _failure(self, error: BaseException) -> GigaChatError:
        failure = translate(error, host=self._host, timeout=self._timeout, doing="go on with the stream", answered=True)
        self._failed(failure)
        return failure


class EventStream(_Stream):
    """Iterator of ``list[Event]``. Use it as a context manager or call :meth:`close`.

    ``headers`` and ``status`` are the answer's. Raises TimeoutFailureError when nothing comes for ``timeout``
    seconds, ConnectionFailureError when the connection breaks, BadAnswerError for an endless event.
    """

    def __init__(self, raw: RawStream, hooks: Hooks) -> None:
        self._raw = raw
        super().__init__(raw, hooks)

    def __iter__(self) -> Iterator[list[Event]]:
        return self

    def __next__(self) -> list[Event]:
        if self._over:
            raise StopIteration
        try:
            events = self._next()
        except network_errors() as error:
            failure = self._failure(error)
        except BaseException:
            self.close()
            raise
        else:
            if events is not None:
                return events
            self.close()
            raise StopIteration
        self.close()
        raise failure

    def _next(self) -> list[Event] | None:
        deadline = Deadline(self._timeout)
        while True:
            with clamp(deadline):
                data = self._raw.read()
            if not data:
                self._over = True
                return self._reader.finish() or None
            events = self._reader.feed(data)
            if events:
                return events
            if self._reader.progressed(data):
                deadline = Deadline(self._timeout)

    def close(self) -> None:
        """Ends the stream; the server is told to stop. Any number of times."""
        self._over = True
        release, self._release = self._release, _nothing
        if release is _nothing:
            return
        try:
            self._raw.close()
        except network_errors():
            pass  # it is being thrown away
        finally:
            release()

    def finish(self, within: float = _LINGER) -> None:
        """Close after the last event that matters: what is left is read for at most ``within`` seconds."""
        deadline = Deadline(within)
        try:
            while not self._over:
                with clamp(deadline):
                    self._over = not self._raw.read()
        except network_errors():
            pass  # everything was delivered; only the connection is lost
        finally:
            self.close()

    def __enter__(self) -> EventStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_release", _nothing) is not _nothing:
            self.close()


class AsyncEventStream(_Stream):
    """The same for ``async for``; belongs to the event loop it was opened in."""

    def __init__(self, raw: AsyncRawStream, hooks: Hooks) -> None:
        self._raw = raw
        self._loop = asyncio.get_running_loop()
        super().__init__(raw, hooks)

    def __aiter__(self) -> AsyncIterator[list[Event]]:
        return self

    async def __anext__(self) -> list[Event]:
        if self._over:
            await self.aclose()
            raise StopAsyncIteration
        try:
            events = await self._next()
        except network_errors() as error:
            failure = self._failure(error)
        except BaseException:
            self._drop()  # cancelled: nothing more may be awaited
            raise
        else:
            if events is not None:
                return events
            await self.aclose()
            raise StopAsyncIteration
        await self.aclose()
        raise failure

    async def _next(self) -> list[Event] | None:
        deadline = Deadline(self._timeout)
        while True:
            data = await self._read(deadline)
            if not data:
                self._over = True
                return self._reader.finish() or None
            events = self._reader.feed(data)
            if events:
                return events
            if self._reader.progressed(data):
                deadline = Deadline(self._timeout)

    async def _read(self, deadline: Deadline) -> bytes:
        raw = self._raw
        if raw.watches_limit:  # one timer for the stream: one for every wait costs a tenth of a chunk
            raw.limit = deadline
            return await raw.read()
        async with time_limit(deadline.left()):
            return await raw.read()

    async def aclose(self) -> None:
        """Ends the stream; the server is told to stop. Any number of times."""
        self._over = True
        release, self._release = self._release, _nothing
        if release is _nothing:
            return
        try:
            await self._raw.aclose()
        except network_errors():
            pass
        finally:
            release()

    async def afinish(self, within: float = _LINGER) -> None:
        """Close after the last event that matters: what is left is read for at most ``within`` seconds."""
        try:
            async with time_limit(within):
                while not self._over:
                    self._over = not await self._raw.read()
        except network_errors():
            pass  # everything was delivered; only the connection is lost
        finally:
            await self.aclose()

    def _drop(self) -> None:
        self._over = True
        release, self._release = self._release, _nothing
        if release is _nothing:
            return
        try:
            self._raw.drop()
        finally:
            release()

    async def __aenter__(self) -> AsyncEventStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        release = getattr(self, "_release", _nothing)
        if release is _nothing or self._loop.is_closed():
            release()
            return
        self._release = _nothing
        try:
            self._loop.call_soon_threadsafe(self._raw.drop)
        except RuntimeError:
            pass  # the loop was closed meanwhile and took the connection with it
        finally:
            release()


def _nothing() -> None:
    """Stands where a release was used up."""
