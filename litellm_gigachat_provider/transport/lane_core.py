"""The lanes over httpcore: streams where HTTP/2 may be spoken, and proxies that only it speaks to.

httpcore and not httpx, because measured on the same calls httpx's transport adds a third and its client
four fifths to the cost of a call, for headers, cookies, redirects and authentication done elsewhere here.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import httpcore
import httpx

from .clamped import ClampedBackend
from .deadline import Deadline, clamp
from .failures import network_errors
from .lanes import KEEP_ALIVE, Collector, Raw, collect, keep_until_done, unpacked
from .proxies import Proxy, ProxyMap, port_of

_KEPT = 100  # idle connections kept


def _core_request(request: httpx.Request, timeouts: dict[str, float | None]) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        request.method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.content,
        extensions={"timeout": timeouts},
    )


def _proxy_for(proxies: ProxyMap, url: httpx.URL) -> Proxy | None:
    return proxies.find(url.scheme, url.host, port_of(url))


def _pool_options(context: ssl.SSLContext, http2: bool) -> dict[str, Any]:
    return {
        "ssl_context": context,
        "max_connections": None,
        "max_keepalive_connections": _KEPT,
        "keepalive_expiry": KEEP_ALIVE,
        "http1": True,
        "http2": http2,
    }


def _proxy_options(proxy: Proxy, context: ssl.SSLContext) -> dict[str, Any]:
    options: dict[str, Any] = {"proxy_url": proxy.url}
    if proxy.login is not None:
        options["proxy_auth"] = proxy.login
    if proxy.scheme == "https":
        options["proxy_ssl_context"] = context
    return options


def _version(response: httpcore.Response) -> str:
    return cast(bytes, response.extensions.get("http_version", b"HTTP/1.1")).decode("ascii", "replace")


def _has_queued(response: httpcore.Response) -> bool:
    """Whether an HTTP/2 read brought more of this stream than was handed out, so that reading on cannot block.

    httpcore hands out one DATA frame at a time. Where these names are gone, so it stays.
    """
    body = getattr(response.stream, "_stream", None)
    queues = getattr(getattr(body, "_connection", None), "_events", None)
    return isinstance(queues, dict) and bool(queues.get(getattr(body, "_stream_id", None)))


def _reset_stream(response: httpcore.Response) -> Any:
    """The HTTP/2 connection with a reset of this stream queued, or None if there is nothing to reset.

    httpcore forgets a stream that is closed early but does not tell the server, which would go on
    generating. It has no public way to do it; where these names are gone the server just is not told.
    """
    body = getattr(response.stream, "_stream", None)
    connection, stream_id = getattr(body, "_connection", None), getattr(body, "_stream_id", None)
    state = getattr(connection, "_h2_state", None)
    if state is None or stream_id is None or not hasattr(connection, "_write_outgoing_data"):
        return None
    from h2.errors import ErrorCodes
    from h2.exceptions import ProtocolError

    try:
        state.reset_stream(stream_id, ErrorCodes.CANCEL)
    except (ProtocolError, KeyError):
        return None
    return connection


class CoreLane:
    """Blocking; shared by all threads."""

    def __init__(self, context: ssl.SSLContext, proxies: ProxyMap, *, http2: bool) -> None:
        self._context = context
        self._proxies = proxies
        self._http2 = http2
        self._pools: dict[Proxy | None, httpcore.ConnectionPool] = {}

    def _pool(self, url: httpx.URL) -> httpcore.ConnectionPool:
        proxy = _proxy_for(self._proxies, url)
        pool = self._pools.get(proxy)
        if pool is None:
            pool = self._pools.setdefault(proxy, self._new_pool(proxy))
        return pool

    def _new_pool(self, proxy: Proxy | None) -> httpcore.ConnectionPool:
        options = _pool_options(self._context, self._http2) | {"network_backend": ClampedBackend()}
        if proxy is None:
            return httpcore.ConnectionPool(**options)
        make = httpcore.SOCKSProxy if proxy.is_socks else httpcore.HTTPProxy
        return make(**options, **_proxy_options(proxy, self._context))

    def send(self, request: httpx.Request, url: str, deadline: Deadline, limit: int) -> Raw:
        with clamp(deadline):
            response = self._pool(request.url).handle_request(_core_request(request, deadline.timeouts()))
            try:
                body = collect(cast("Iterator[bytes]", response.stream), limit)
            finally:
                response.close()
        headers = httpx.Headers(response.headers)
        return Raw(response.status, headers, unpacked(body, headers, limit))

    def open(self, request: httpx.Request, url: str, deadline: Deadline) -> CoreStream:
        timeouts = deadline.timeouts() | {"read": deadline.timeout}  # each later wait has the whole timeout again
        with clamp(deadline):
            response = self._pool(request.url).handle_request(_core_request(request, timeouts))
        return CoreStream(response)

    def close(self) -> None:
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()


class CoreStream:
    def __init__(self, response: httpcore.Response) -> None:
        self.status = response.status
        self.headers = httpx.Headers(response.headers)
        self.http_version = _version(response)
        self._response = response
        self._parts = iter(cast("Iterator[bytes]", response.stream))
        self._ended = False
        self._failure: BaseException | None = None

    def read(self) -> bytes:
        if self._failure is not None:
            raise self._failure
        part = next(self._parts, b"")
        try:
            while part and _has_queued(self._response):
                more = next(self._parts, b"")
                if not more:
                    break
                part += more
        except network_errors() as error:
            self._failure = error  # once what came before it has been handed out
        if not part:
            self._ended = True
        return part

    def close(self) -> None:
        if not self._ended and self.http_version == "HTTP/2":
            self._reset()
        cast(Any, self._parts).close()
        self._response.close()

    def _reset(self) -> None:
        connection = _reset_stream(self._response)
        if connection is not None:
            with clamp(Deadline(1.0)):
                connection._write_outgoing_data(httpcore.Request("POST", "https://x/", extensions={}))


class AsyncCoreLane:
    """For one event loop."""

    def __init__(self, context: ssl.SSLContext, proxies: ProxyMap, *, http2: bool) -> None:
        self._context = context
        self._proxies = proxies
        self._http2 = http2
        self._pools: dict[Proxy | None, httpcore.AsyncConnectionPool] = {}

    def _pool(self, url: httpx.URL) -> httpcore.AsyncConnectionPool:
        proxy = _proxy_for(self._proxies, url)
        pool = self._pools.get(proxy)
        if pool is None:
            pool = self._pools[proxy] = self._new_pool(proxy)
        return pool

    def _new_pool(self, proxy: Proxy | None) -> httpcore.AsyncConnectionPool:
        options = _pool_options(self._context, self._http2)
        if proxy is None:
            return httpcore.AsyncConnectionPool(**options)
        make = httpcore.AsyncSOCKSProxy if proxy.is_socks else httpcore.AsyncHTTPProxy
        return make(**options, **_proxy_options(proxy, self._context))

    async def send(self, request: httpx.Request, url: str, deadline: Deadline, limit: int) -> Raw:
        response = await self._pool(request.url).handle_async_request(_core_request(request, deadline.timeouts()))
        collector = Collector(limit)
        try:
            async for part in cast("AsyncIterator[bytes]", response.stream):
                collector.add(part)
        finally:
            await response.aclose()
        headers = httpx.Headers(response.headers)
        return Raw(response.status, headers, unpacked(collector.body(), headers, limit))

    async def open(self, request: httpx.Request, url: str, deadline: Deadline) -> AsyncCoreStream:
        timeouts = deadline.timeouts() | {"read": deadline.timeout}
        return AsyncCoreStream(await self._pool(request.url).handle_async_request(_core_request(request, timeouts)))

    async def aclose(self) -> None:
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.aclose()

    def abandon(self) -> None:
        self._pools = {}


class AsyncCoreStream:
    watches_limit = False
    limit: Deadline | None = None

    def __init__(self, response: httpcore.Response) -> None:
        self.status = response.status
        self.headers = httpx.Headers(response.headers)
        self.http_version = _version(response)
        self._response = response
        self._parts = cast("AsyncIterator[bytes]", response.stream).__aiter__()
        self._ended = False
        self._failure: BaseException | None = None

    async def read(self) -> bytes:
        if self._failure is not None:
            raise self._failure
        part = b""
        try:
            part = await self._parts.__anext__()
            while _has_queued(self._response):
                part += await self._parts.__anext__()
        except StopAsyncIteration:
            self._ended = True
        except network_errors() as error:
            if not part:
                raise
            self._failure = error
        return part

    async def aclose(self) -> None:
        if not self._ended and self.http_version == "HTTP/2":
            connection = _reset_stream(self._response)
            if connection is not None:
                request = httpcore.Request("POST", "https://x/", extensions={"timeout": {"write": 1.0}})
                await connection._write_outgoing_data(request)
        await cast(Any, self._parts).aclose()
        await self._response.aclose()

    def drop(self) -> None:
        keep_until_done(asyncio.get_running_loop().create_task(self.aclose()))
