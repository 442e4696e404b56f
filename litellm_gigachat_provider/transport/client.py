"""The one seam of HTTP: everything GigaChat is asked goes through a :class:`Transport`.

The sync and async methods are twins; they differ in the lane they use and in nothing else.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Any

import httpx

from ..errors import GigaChatError
from ..settings import Settings
from . import exchange, limit
from .auth import GigaChatAuth
from .deadline import Deadline
from .failures import network_errors, translate
from .lane_client import AsyncClientLane, ClientLane, async_client, sync_client
from .lanes import MAX_FILE, MAX_REPLY, AsyncLane, Lane
from .outgoing import build
from .pool import LanePool
from .replies import Reply, as_reply, is_event_stream, refuse_stream
from .stats import Stats, follow
from .streams import AsyncEventStream, EventStream, Hooks

_TENANTS = 256
_GENERATING = frozenset({"chat", "stream", "embeddings"})  # a file may be fetched while the stream that made it is open


def _limiter_of(settings: Settings) -> limit.Limiter | None:
    return limit.limiter_for((settings.token_key, settings.base_url), settings.max_concurrency)


def _bound(where: str) -> int:
    return MAX_FILE if where == "files" else MAX_REPLY


class Transport:
    """The connections, the concurrency limit and the counters of one tenant. Get it from :func:`transport_for`."""

    def __init__(self, settings: Settings, auth: httpx.Auth | None = None) -> None:
        self.settings = settings
        self.auth = auth or GigaChatAuth(settings)
        self.stats: Stats = follow(self)
        self.pool = LanePool(settings)
        self.limiter = _limiter_of(settings)
        self._lock = threading.Lock()
        self._busy = 0
        self._retired = False
        _all.add(self)

    # --- plain calls -----------------------------------------------------------------------------

    def request(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        files: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None,
        where: str = "chat",
        client: object = None,
    ) -> Reply:
        """Send and read a whole answer within ``timeout`` seconds; any 2xx is a Reply.

        ``files`` is multipart as httpx takes it, with plain fields as ``(None, value)``. ``where`` is one of
        HttpFailureError's. Raises HttpFailureError, TimeoutFailureError, ConnectionFailureError,
        BadAnswerError, CredentialsError, InvalidRequestError.
        """
        deadline = Deadline(timeout)
        request = build(self.settings, method, url, json, content, files, headers, deadline)
        try:
            own = sync_client(client) if client is not None else None
            lane: Lane = self.pool.plain(request.url) if own is None else ClientLane(own)
            slot = self._enter(where, deadline)
            try:
                raw = exchange.send(lane, self.auth, request, url, deadline, _bound(where))
            finally:
                self._leave(slot)
            return as_reply(raw, url, where)
        except network_errors() as error:
            failure = self._failed(error, request, timeout)
        del request
        raise failure

    async def arequest(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        files: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None,
        where: str = "chat",
        client: object = None,
    ) -> Reply:
        """:meth:`request` for a task. Cancelling it closes its connection and frees its slot."""
        deadline = Deadline(timeout)
        request = build(self.settings, method, url, json, content, files, headers, deadline)
        try:
            own = async_client(client) if client is not None else None
            lane: AsyncLane = self.pool.aplain(request.url) if own is None else AsyncClientLane(own)
            slot = await self._aenter(where, deadline)
            try:
                raw = await exchange.asend(lane, self.auth, request, url, deadline, _bound(where))
            finally:
                self._leave(slot)
            return as_reply(raw, url, where)
        except network_errors() as error:
            failure = self._failed(error, request, timeout)
        del request
        raise failure

    # --- streams ---------------------------------------------------------------------------------

    def open_stream(
        self,
        url: str,
        *,
        json: Any,
        headers: Mapping[str, str] | None = None,
        timeout: float | None,
        client: object = None,
    ) -> EventStream:
        """POST and return once the answer is known to be a stream of events.

        ``timeout`` bounds the opening and each later wait. Raises like :meth:`request`, and BadAnswerError
        for a 200 that is no stream.
        """
        deadline = Deadline(timeout)
        request = build(self.settings, "POST", url, json, None, None, headers, deadline, stream=True)
        try:
            own = sync_client(client) if client is not None else None
            lane: Lane = self.pool.stream(request.url) if own is None else ClientLane(own)
            slot = self._enter("stream", deadline)
            try:
                raw = exchange.open_(lane, self.auth, request, url, deadline)
                if not is_event_stream(raw.status, raw.headers):
                    refuse_stream(raw.status, raw.headers, exchange.read_some(raw, deadline), url)
                hooks = self._hooks(request, timeout, slot)
            except BaseException:
                self._leave(slot)
                raise
            self.pool.learn(request.url, raw.http_version)
            return EventStream(raw, hooks)
        except network_errors() as error:
            failure = self._failed(error, request, timeout)
        del request
        raise failure

    async def aopen_stream(
        self,
        url: str,
        *,
        json: Any,
        headers: Mapping[str, str] | None = None,
        timeout: float | None,
        client: object = None,
    ) -> AsyncEventStream:
        """:meth:`open_stream` for a task; the stream belongs to the running event loop."""
        deadline = Deadline(timeout)
        request = build(self.settings, "POST", url, json, None, None, headers, deadline, stream=True)
        try:
            own = async_client(client) if client is not None else None
            lane: AsyncLane = self.pool.astream(request.url) if own is None else AsyncClientLane(own)
            slot = await self._aenter("stream", deadline)
            try:
                raw = await exchange.aopen(lane, self.auth, request, url, deadline)
                if not is_event_stream(raw.status, raw.headers):
                    refuse_stream(raw.status, raw.headers, await exchange.aread_some(raw, deadline), url)
                hooks = self._hooks(request, timeout, slot)
            except BaseException:
                self._leave(slot)
                raise
            self.pool.learn(request.url, raw.http_version)
            return AsyncEventStream(raw, hooks)
        except network_errors() as error:
            failure = self._failed(error, request, timeout)
        del request
        raise failure

    # --- bookkeeping -----------------------------------------------------------------------------

    def _failed(self, error: BaseException, request: httpx.Request, timeout: float | None) -> GigaChatError:
        failure = translate(error, host=request.url.netloc.decode("ascii", "replace"), timeout=timeout)
        self.stats.fail(failure)
        return failure

    def _enter(self, where: str, deadline: Deadline) -> limit.Slot | None:
        self._begin(where)
        if self.limiter is None or where not in _GENERATING:
            return None
        try:
            return self.limiter.acquire(deadline.left())
        except BaseException:
            self._leave(None)
            raise

    async def _aenter(self, where: str, deadline: Deadline) -> limit.Slot | None:
        self._begin(where)
        if self.limiter is None or where not in _GENERATING:
            return None
        try:
            return await self.limiter.aacquire(deadline.left())
        except BaseException:
            self._leave(None)
            raise

    def _begin(self, where: str) -> None:
        self.stats.count(where)
        with self._lock:
            self._busy += 1

    def _leave(self, slot: limit.Slot | None) -> None:
        if slot is not None:
            slot.release()
        with self._lock:
            self._busy -= 1
            done = self._retired and self._busy == 0
        if done:
            self.pool.close()

    def _hooks(self, request: httpx.Request, timeout: float | None, slot: limit.Slot | None) -> Hooks:
        self.stats.streams_open += 1

        def release() -> None:
            self.stats.streams_open -= 1
            self._leave(slot)

        return Hooks(request.url.netloc.decode("ascii", "replace"), timeout, release, self.stats.fail)

    def retire(self) -> None:
        """Close everything once nothing is under way. It still works afterwards, closing after each burst."""
        with self._lock:
            self._retired = True
            idle = self._busy == 0
        if idle:
            self.pool.close()

    def close(self) -> None:
        """Close everything now, calls under way included."""
        self.pool.close()

    def forget(self) -> list[object]:
        """After a fork. Returns what must be kept alive so that the parent's connections are not closed."""
        self._lock = threading.Lock()
        self._busy = 0
        self.limiter = _limiter_of(self.settings)
        return self.pool.forget()


# --- one transport per tenant -----------------------------------------------------------------------

_tenants: OrderedDict[Hashable, Transport] = OrderedDict()
_tenants_lock = threading.Lock()
_all: weakref.WeakSet[Transport] = weakref.WeakSet()
_of_the_parent: list[object] = []


def transport_for(settings: Settings) -> Transport:
    """The transport of a tenant; the least used of more than 256 are closed as soon as they are idle."""
    key = (settings.tenant_key, settings.max_concurrency)
    with _tenants_lock:
        transport = _tenants.get(key)
        if transport is not None:
            _tenants.move_to_end(key)
            return transport
        transport = _tenants[key] = Transport(settings)
        evicted = [_tenants.popitem(last=False)[1] for _ in range(len(_tenants) - _TENANTS)]
    for old in evicted:
        old.retire()
    return transport


def close_all() -> None:
    """Close every connection; the next call opens new ones."""
    with _tenants_lock:
        closing = list(_tenants.values())
        _tenants.clear()
    for transport in closing:
        transport.close()


def _after_fork() -> None:
    global _tenants_lock
    _tenants_lock = threading.Lock()
    limit.forget_all()
    for transport in list(_all):
        _of_the_parent.extend(transport.forget())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
