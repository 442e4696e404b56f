"""The lanes of one tenant: a pair for all threads, and a set for each event loop, closed when the loop ends.

A connection belongs to the loop it was opened in; using it from another is "Event loop is closed". So every
loop gets its own lanes, and a loop that ends takes its connections with it: an async generator, parked in
the loop, is finished by ``loop.shutdown_asyncgens()``, which ``asyncio.run`` and all servers call.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib.util
import threading
import weakref
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import httpx

from ..settings import Settings
from . import tls
from .deadline import clock
from .lane_http1 import Http1Lane
from .lane_http1_async import AsyncHttp1Lane
from .lanes import AsyncLane, Lane, keep_until_done
from .proxies import ProxyMap

if TYPE_CHECKING:
    from .lane_core import AsyncCoreLane, CoreLane

_RELEARN = 300.0  # seconds for which an origin that chose HTTP/1.1 for a stream is not asked again for HTTP/2


@functools.lru_cache(maxsize=1)
def _with_h2() -> bool:
    return importlib.util.find_spec("h2") is not None


class LoopLanes:
    """The lanes of one event loop. Made inside it."""

    def __init__(self, pool: LanePool) -> None:
        self._settings = pool.settings
        self._proxies = pool.proxies
        self._plain: AsyncHttp1Lane | None = None
        self._core: dict[bool, AsyncCoreLane] = {}
        self._keeper = _until_the_loop_ends(self, weakref.ref(pool))
        with contextlib.suppress(StopIteration):
            self._keeper.__anext__().send(None)  # starting it here makes the loop know it

    def plain(self, url: httpx.URL) -> AsyncLane:
        if self._proxies.needs_core(url):
            return self.core(http2=False)
        if self._plain is None:
            self._plain = AsyncHttp1Lane(tls.context_for(self._settings), self._proxies)
        return self._plain

    def core(self, *, http2: bool) -> AsyncCoreLane:
        lane = self._core.get(http2)
        if lane is None:
            from .lane_core import AsyncCoreLane

            context = tls.context_for(self._settings, http2=http2)
            lane = self._core[http2] = AsyncCoreLane(context, self._proxies, http2=http2)
        return lane

    def _lanes(self) -> list[AsyncLane]:
        lanes: list[AsyncLane] = [*self._core.values()]
        if self._plain is not None:
            lanes.append(self._plain)
        self._plain, self._core = None, {}
        return lanes

    async def aclose(self) -> None:
        """Also usable afterwards: lanes are made again when they are asked for, until the loop ends."""
        for lane in self._lanes():
            await lane.aclose()

    def abandon(self) -> None:
        for lane in self._lanes():
            lane.abandon()


async def _until_the_loop_ends(lanes: LoopLanes, pool: weakref.ref[LanePool]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        owner = pool()
        if owner is not None:
            owner.drop(asyncio.get_running_loop())
        await lanes.aclose()


class LanePool:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.proxies = ProxyMap()
        self._sync: dict[str, Http1Lane | CoreLane] = {}
        self._loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, LoopLanes] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()
        self._http1_until: dict[tuple[str, str], float] = {}

    # --- choosing --------------------------------------------------------------------------------

    def plain(self, url: httpx.URL) -> Lane:
        return self._lane("core" if self.proxies.needs_core(url) else "http1")

    def stream(self, url: httpx.URL) -> Lane:
        return self._lane("http2") if self._may_speak_http2(url) else self.plain(url)

    def aplain(self, url: httpx.URL) -> AsyncLane:
        return self._of_loop().plain(url)

    def astream(self, url: httpx.URL) -> AsyncLane:
        """GigaChat sends events as they are made only over HTTP/2; over HTTP/1.1 they come all at the end."""
        lanes = self._of_loop()
        return lanes.core(http2=True) if self._may_speak_http2(url) else lanes.plain(url)

    def learn(self, url: httpx.URL, http_version: str) -> None:
        """Remember an origin that was offered HTTP/2 and chose HTTP/1.1: other lanes do that much cheaper."""
        if http_version != "HTTP/2" and url.scheme == "https":
            self._http1_until[url.host, str(url.port)] = clock() + _RELEARN

    def _may_speak_http2(self, url: httpx.URL) -> bool:
        if url.scheme != "https" or not _with_h2():
            return False
        until = self._http1_until.get((url.host, str(url.port)))
        return until is None or clock() > until

    # --- making ----------------------------------------------------------------------------------

    def _lane(self, kind: str) -> Lane:
        return self._sync.get(kind) or self._new_lane(kind)

    def _new_lane(self, kind: str) -> Lane:
        http2 = kind == "http2"
        context = tls.context_for(self.settings, http2=http2)
        with self._lock:
            lane = self._sync.get(kind)
            if lane is None:
                if kind == "http1":
                    lane = Http1Lane(context, self.proxies)
                else:
                    from .lane_core import CoreLane

                    lane = CoreLane(context, self.proxies, http2=http2)
                self._sync[kind] = lane
            return lane

    def _of_loop(self) -> LoopLanes:
        loop = asyncio.get_running_loop()
        lanes = self._loops.get(loop)
        if lanes is None:
            lanes = LoopLanes(self)
            with self._lock:
                ended = [known for known in self._loops if known.is_closed()]
                left = [self._loops.pop(known) for known in ended]
                self._loops[loop] = lanes
            for orphan in left:  # of loops that were closed without finishing their async generators
                orphan.abandon()
        return lanes

    # --- closing ---------------------------------------------------------------------------------

    def drop(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            self._loops.pop(loop, None)

    def close(self) -> None:
        """Close everything, from any thread; lanes of running loops are closed by their loops."""
        with self._lock:
            sync, self._sync = self._sync, {}
            loops = dict(self._loops)
            self._loops = weakref.WeakKeyDictionary()
        for lane in sync.values():
            lane.close()
        for loop, lanes in loops.items():
            _close_in(loop, lanes)

    def forget(self) -> list[object]:
        """After a fork: the connections are the parent's. Returned to be kept alive, so that nothing closes them."""
        self._lock = threading.Lock()
        kept: list[object] = [self._sync, *self._loops.items()]
        self._sync = {}
        self._loops = weakref.WeakKeyDictionary()
        return kept


def _close_in(loop: asyncio.AbstractEventLoop, lanes: LoopLanes) -> None:
    try:
        loop.call_soon_threadsafe(lambda: keep_until_done(loop.create_task(lanes.aclose())))
    except RuntimeError:  # the loop is closed
        lanes.abandon()
