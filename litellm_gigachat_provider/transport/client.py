"""The one seam of HTTP: everything GigaChat is asked goes through a :class:`Transport`.

Written once, for tasks; the synchronous methods hand their call to the loop of :mod:`.portal` and wait.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Any

import httpx

from ..errors import GigaChatError
from ..limits import local, shared
from ..limits.local import Limiter, Slot
from ..limits.shared import shared_limit_for
from ..portal import PORTAL
from ..settings import Settings
from ..watch import counters
from . import exchange
from .auth import GigaChatAuth
from .connections import close_all, way_to
from .deadline import Deadline, time_limit
from .exchange import MAX_FILE, MAX_REPLY
from .failures import NETWORK_ERRORS, translate
from .outgoing import build
from .own_client import way_over
from .replies import Reply, as_reply, is_event_stream, refuse_stream
from .streams import AsyncEventStream, EventStream, Hooks

__all__ = ["Transport", "close_all", "transport_for"]

_TENANTS = 256
_GENERATING = frozenset({"chat", "stream", "embeddings"})  # a file may be fetched while the stream that made it is open


class Transport:
    """The concurrency limit and the token of one tenant. Get it from :func:`transport_for`."""

    def __init__(self, settings: Settings, auth: httpx.Auth | None = None) -> None:
        self.settings = settings
        self.auth = auth or GigaChatAuth(settings)
        self.forget_limit()
        _all.add(self)

    def request(self, *args: Any, **kwargs: Any) -> Reply:
        """:meth:`arequest` for synchronous code."""
        return PORTAL.call(self.arequest(*args, **kwargs))

    def open_stream(self, *args: Any, **kwargs: Any) -> EventStream:
        """:meth:`aopen_stream` for synchronous code."""
        return EventStream(PORTAL.call(self.aopen_stream(*args, **kwargs)))

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
        """Send and read a whole answer within ``timeout`` seconds; any 2xx is a Reply.

        ``files`` is multipart as httpx takes it, with plain fields as ``(None, value)``. ``where`` is one of
        HttpFailureError's. ``client`` is, or holds, an httpx client. Raises HttpFailureError,
        TimeoutFailureError, ConnectionFailureError, BadAnswerError, CredentialsError, InvalidRequestError.
        Cancelling it closes its connection and frees its slot.
        """
        deadline = Deadline(timeout)
        request = build(self.settings, method, url, json, content, files, headers, deadline)
        try:
            way = self._way(request.url, client)
            slot = await self._enter(where, deadline)
            try:
                async with time_limit(deadline.left()):
                    response = await exchange.send(way, self.auth, request)
                    body = await exchange.read(response, MAX_FILE if where == "files" else MAX_REPLY)
            finally:
                if slot is not None:
                    slot.release()
            return as_reply(response.status_code, response.headers, body, url, where)
        except NETWORK_ERRORS as error:
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
        """POST and return once the answer is known to be a stream of events.

        ``timeout`` bounds the opening and each later wait. Raises like :meth:`arequest`, and BadAnswerError for a
        200 that is no stream.
        """
        deadline = Deadline(timeout)
        request = build(self.settings, "POST", url, json, None, None, headers, deadline, stream=True)
        try:
            way = self._way(request.url, client, stream=True)
            with contextlib.ExitStack() as undo:
                slot = await self._enter("stream", deadline)
                if slot is not None:
                    undo.callback(slot.release)
                async with time_limit(deadline.left()):
                    response = await exchange.send(way, self.auth, request)
                    if not is_event_stream(response.status_code, response.headers):
                        body = await exchange.read_some(response)
                        refuse_stream(response.status_code, response.headers, body, url)
                undo.pop_all()
            return AsyncEventStream(response, self._hooks(request, timeout, slot))
        except NETWORK_ERRORS as error:
            failure = self._failed(error, request, timeout)
        del request
        raise failure

    # --- bookkeeping -----------------------------------------------------------------------------

    def _way(self, url: httpx.URL, client: object, *, stream: bool = False) -> httpx.AsyncBaseTransport:
        return way_to(self.settings, url, stream=stream) if client is None else way_over(client)

    def _failed(self, error: BaseException, request: httpx.Request, timeout: float | None) -> GigaChatError:
        failure = translate(error, host=request.url.netloc.decode("ascii", "replace"), timeout=timeout)
        counters.broke(failure)
        return failure

    async def _enter(self, where: str, deadline: Deadline) -> Slot | None:
        counters.requests[where] += 1
        if self.limiter is None or where not in _GENERATING:
            return None
        slot = await self.limiter.acquire(deadline.left())
        if self.shared_limit is not None:
            with contextlib.ExitStack() as undo:
                undo.callback(slot.release)
                async with time_limit(deadline.left()):
                    await self.shared_limit.join(slot, self.limiter.limit, deadline.left())
                undo.pop_all()
        return slot

    def _hooks(self, request: httpx.Request, timeout: float | None, slot: Slot | None) -> Hooks:
        counters.streams["open"] += 1

        def release() -> None:
            counters.streams["open"] -= 1
            if slot is not None:
                slot.release()

        return Hooks(request.url.netloc.decode("ascii", "replace"), timeout, release, counters.broke)

    def forget_limit(self) -> None:
        """Take the limits of the account anew: after a fork, slots held in the parent would never come back."""
        settings = self.settings
        self.limiter: Limiter | None = local.limiter_for(
            (settings.token_key, settings.base_url), settings.max_concurrency
        )
        self.shared_limit = shared_limit_for(settings.limit_url, settings.account) if self.limiter is not None else None


# --- one transport per tenant -----------------------------------------------------------------------

_tenants: OrderedDict[Hashable, Transport] = OrderedDict()
_tenants_lock = threading.Lock()
_all: weakref.WeakSet[Transport] = weakref.WeakSet()


def transport_for(settings: Settings) -> Transport:
    """The transport of a tenant; the least used of more than 256 are let go. Connections are not theirs."""
    key = (settings.tenant_key, settings.max_concurrency, settings.limit_url)
    with _tenants_lock:
        transport = _tenants.get(key)
        if transport is None:
            transport = _tenants[key] = Transport(settings)
            while len(_tenants) > _TENANTS:
                _tenants.popitem(last=False)
        else:
            _tenants.move_to_end(key)
        return transport


def _after_fork() -> None:
    global _tenants_lock
    _tenants_lock = threading.Lock()
    local.forget_all()
    shared.forget_all()
    for transport in list(_all):
        transport.forget_limit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
