"""What the lanes share: the shapes they return and how they read a body.

A lane moves one prepared request over the network with one library; it knows nothing of tokens, limits
or GigaChat. ``lane_core`` is httpcore, blocking and async: streams over HTTP/2 and unusual proxies.
``lane_http1`` and ``lane_http1_async`` do plain calls, and streams where there is no HTTP/2.
``lane_client`` is a client object of the caller.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import httpx

from ..errors import BadAnswerError, GigaChatError
from .deadline import Deadline
from .encoding import unpack

KEEP_ALIVE = 30.0  # seconds; shorter than the idle limit of usual gateways (75 s), so a reused connection is alive
MAX_REPLY = 64 * 1024 * 1024
MAX_FILE = 100 * 1024 * 1024


@dataclass(slots=True)
class Raw:
    """A whole answer, unpacked."""

    status: int
    headers: httpx.Headers
    body: bytes


class RawStream(Protocol):
    """An answer whose body is still coming. ``read`` gives what has arrived, and b"" at the end."""

    status: int
    headers: httpx.Headers
    http_version: str

    def read(self) -> bytes: ...

    def close(self) -> None: ...


class AsyncRawStream(Protocol):
    status: int
    headers: httpx.Headers
    http_version: str
    watches_limit: bool  # whether `read` itself raises TimeoutError once `limit` has passed
    limit: Deadline | None

    async def read(self) -> bytes: ...

    async def aclose(self) -> None: ...

    def drop(self) -> None:
        """Give the connection up at once, from its loop's thread, without waiting for anything."""


class Lane(Protocol):
    def send(self, request: httpx.Request, url: str, deadline: Deadline, limit: int) -> Raw: ...

    def open(self, request: httpx.Request, url: str, deadline: Deadline) -> RawStream: ...

    def close(self) -> None: ...


class AsyncLane(Protocol):
    async def send(self, request: httpx.Request, url: str, deadline: Deadline, limit: int) -> Raw: ...

    async def open(self, request: httpx.Request, url: str, deadline: Deadline) -> AsyncRawStream: ...

    async def aclose(self) -> None: ...

    def abandon(self) -> None:
        """The loop is gone: close what can be closed without it."""


class Collector:
    """Gathers a body and stops it at ``limit`` bytes, with BadAnswerError or the failure that is given."""

    __slots__ = ("_left", "_limit", "_parts", "_too_large")

    def __init__(self, limit: int, too_large: GigaChatError | None = None) -> None:
        self._limit = self._left = limit
        self._too_large = too_large
        self._parts: list[bytes] = []

    def add(self, part: bytes) -> None:
        self._left -= len(part)
        if self._left < 0:
            raise self._too_large or BadAnswerError(f"GigaChat's answer is longer than {self._limit} bytes")
        self._parts.append(part)

    def body(self) -> bytes:
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)


def collect(parts: Iterable[bytes], limit: int) -> bytes:
    collector = Collector(limit)
    for part in parts:
        collector.add(part)
    return collector.body()


_closing: set[asyncio.Task[None]] = set()


def keep_until_done(task: asyncio.Task[None]) -> None:
    """A loop holds its tasks weakly; this one closes a connection nobody waits for, and may fail silently."""
    _closing.add(task)
    task.add_done_callback(_forget)


def _forget(task: asyncio.Task[None]) -> None:
    _closing.discard(task)
    if not task.cancelled():
        task.exception()


def unpacked(body: bytes, headers: httpx.Headers, limit: int) -> bytes:
    encoding = headers.get("content-encoding")
    return body if encoding is None else unpack(body, encoding, limit)
