"""Connections that carry one request at a time: streams where HTTP/2 may be spoken, and unusual proxies.

GigaChat sends events as they are made only over HTTP/2; over HTTP/1.1 they come all at the end. httpcore cannot keep
the streams of one HTTP/2 connection apart (one's timeout or cancellation ends the others), so each has a connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Hashable
from typing import Any

import httpx

from .closing import close_soon

_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=None)


class Unit:
    """One ``httpx.AsyncHTTPTransport`` with its one connection."""

    def __init__(self, context: ssl.SSLContext, proxy: httpx.Proxy | None, *, http2: bool) -> None:
        self.transport = httpx.AsyncHTTPTransport(
            verify=context, proxy=proxy, http1=True, http2=http2, limits=_ONE, trust_env=False
        )
        self.network: Any = None  # httpcore's network stream, once there is one
        self.idle_since = 0.0

    def usable(self) -> bool:
        """False once the server has sent something to the idle connection: in most cases that it is closed."""
        return self.network is None or not self.network.get_extra_info("is_readable")


class Units:
    """The units of one event loop. The idle ones are kept by what they may be used for."""

    def __init__(self, keep_alive: float) -> None:
        self._keep_alive = keep_alive
        self._idle: dict[Hashable, list[Unit]] = {}
        self._all: set[Unit] = set()
        self._sweep: asyncio.TimerHandle | None = None

    def take(self, key: Hashable) -> Unit | None:
        """The idle unit that was used last, if the server still has it open."""
        idle = self._idle.get(key, [])
        while idle:
            unit = idle.pop()
            if unit.usable():
                return unit
            self.discard(unit)
        return None

    def add(self, unit: Unit) -> Unit:
        self._all.add(unit)
        return unit

    def give_back(self, key: Hashable, unit: Unit) -> None:
        if unit not in self._all:  # everything was closed meanwhile
            self.discard(unit)
            return
        unit.idle_since = time.monotonic()
        self._idle.setdefault(key, []).append(unit)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(self._keep_alive, self._close_old)

    def discard(self, unit: Unit) -> None:
        self._all.discard(unit)
        close_soon(unit.transport.aclose())

    def _close_old(self) -> None:
        self._sweep = None
        now = time.monotonic()
        for key, idle in list(self._idle.items()):
            for unit in [unit for unit in idle if now - unit.idle_since >= self._keep_alive or not unit.usable()]:
                idle.remove(unit)
                self.discard(unit)
            if not idle:
                del self._idle[key]
        oldest = min((unit.idle_since for idle in self._idle.values() for unit in idle), default=None)
        if oldest is not None:
            wait = max(0.05, oldest + self._keep_alive - now)
            self._sweep = asyncio.get_running_loop().call_later(wait, self._close_old)

    async def aclose(self) -> None:
        units, self._all, self._idle = self._all, set(), {}
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        await asyncio.gather(*(unit.transport.aclose() for unit in units), return_exceptions=True)


class OwnConnectionTransport(httpx.AsyncBaseTransport):
    """A connection of its own for each request, taken from the idle ones and put back after a whole answer."""

    def __init__(self, units: Units, context: ssl.SSLContext, proxy: httpx.Proxy | None, *, http2: bool) -> None:
        self._units = units
        self._context = context
        self._proxy = proxy
        self._http2 = http2
        way = (str(proxy.url), proxy.raw_auth) if proxy is not None else None
        self._key = (context, way, http2)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        key = (self._key, request.url.scheme, request.url.host, request.url.port)
        unit = self._units.take(key) or self._units.add(Unit(self._context, self._proxy, http2=self._http2))
        with contextlib.ExitStack() as undo:
            undo.callback(self._units.discard, unit)
            answer = await unit.transport.handle_async_request(request)
            undo.pop_all()
        unit.network = answer.extensions.get("network_stream")
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        stream = _Answer(answer.stream, self._units, key, unit)
        return httpx.Response(
            answer.status_code, headers=answer.headers, stream=stream, request=request, extensions=answer.extensions
        )


class _Answer(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, units: Units, key: Hashable, unit: Unit) -> None:
        self._stream = stream
        self._units = units
        self._key = key
        self._unit: Unit | None = unit
        self._next: asyncio.Future[bytes] | None = None  # a read that is under way
        self._whole = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Each part is all that has arrived: httpcore hands out one frame or chunk at a time.

        The next read is begun at once; what is done after two turns of the loop (httpcore takes a lock, which is one)
        was there already.
        """
        parts = self._stream.__aiter__()
        while not self._whole:
            gathered = [await (self._next or anext(parts, b""))]
            self._next = None
            while gathered[-1]:
                self._next = asyncio.ensure_future(anext(parts, b""))
                for _ in range(2):
                    await asyncio.sleep(0)
                if not self._next.done() or self._next.exception() is not None:
                    break
                gathered.append(self._next.result())
            self._whole = not gathered[-1]
            yield b"".join(gathered)

    async def aclose(self) -> None:
        unit, self._unit = self._unit, None
        if unit is None:
            return
        if self._whole:
            await self._stream.aclose()
            self._units.give_back(self._key, unit)
            return
        if self._next is not None:
            self._next.cancel()
        self._units.discard(unit)
