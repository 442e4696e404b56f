"""All connections of this process: one set for each event loop, shared by tenants, closed when the loop ends.

An idle connection carries no credential: tenants with the same origin, TLS identity (a client certificate is part of
it) and proxy take each other's. A connection belongs to the loop it was opened in, and a loop that ends takes its
connections with it: an async generator, parked in the loop, is finished by ``loop.shutdown_asyncgens()``, which
``asyncio.run`` and all servers call.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import threading
import weakref
from collections.abc import AsyncGenerator

import aiohttp
import httpx

from ..settings import Settings
from . import tls
from .over_aiohttp import AiohttpTransport, new_session
from .own_connection import OwnConnectionTransport, Units
from .proxies import proxy_for

KEEP_ALIVE = 30.0  # seconds; shorter than the idle limit of usual gateways (75 s), so a reused connection is alive


class LoopConnections:
    """The connections of one event loop. Made inside it."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._units = Units(KEEP_ALIVE)
        self._keeper = _until_the_loop_ends(self)
        with contextlib.suppress(StopIteration):
            self._keeper.__anext__().send(None)  # starting it here makes the loop know it

    def way(self, context: ssl.SSLContext, url: httpx.URL, *, http2: bool) -> httpx.AsyncBaseTransport:
        """What carries one request to ``url``. Raises ConnectionFailureError for a proxy that cannot be used."""
        proxy = proxy_for(url)
        if http2 or (proxy is not None and proxy.url.scheme != "http"):  # aiohttp speaks to plain HTTP proxies only
            return OwnConnectionTransport(self._units, context, proxy, http2=http2)
        if self._session is None:
            self._session = new_session(KEEP_ALIVE)
        return AiohttpTransport(self._session, context, proxy)

    async def aclose(self) -> None:
        """Usable afterwards as well, until the loop ends."""
        session, self._session = self._session, None
        await self._units.aclose()
        if session is not None:
            await session.close()


async def _until_the_loop_ends(connections: LoopConnections) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        with _lock:
            _of_loops.pop(asyncio.get_running_loop(), None)
        await connections.aclose()


_of_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, LoopConnections] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def connections() -> LoopConnections:
    """Those of the running loop."""
    loop = asyncio.get_running_loop()
    found = _of_loops.get(loop)
    if found is None:
        found = LoopConnections()
        with _lock:
            for ended in [known for known in _of_loops if known.is_closed()]:
                del _of_loops[ended]  # closed without finishing its async generators: left to the garbage collector
            _of_loops[loop] = found
    return found


def way_to(settings: Settings, url: httpx.URL, *, stream: bool = False) -> httpx.AsyncBaseTransport:
    """What carries one request to GigaChat, its OAuth server or ``url``, with the TLS identity of ``settings``."""
    http2 = stream and url.scheme == "https"
    return connections().way(tls.context_for(settings, http2=http2), url, http2=http2)


def close_all() -> None:
    """Close every connection of every loop, calls under way included; the next call opens new ones."""
    with _lock:
        found = dict(_of_loops)
    for loop, open_ in found.items():
        closing = open_.aclose()
        try:
            asyncio.run_coroutine_threadsafe(closing, loop)
        except RuntimeError:  # the loop is closed
            closing.close()


_of_the_parent: list[object] = []


def _after_fork() -> None:
    """The connections are the parent's: kept alive, so that nothing closes them."""
    global _of_loops, _lock
    _of_the_parent.append(list(_of_loops.items()))
    _of_loops, _lock = weakref.WeakKeyDictionary(), threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
