"""The lane over aiohttp: async plain calls, and async streams where the server has no HTTP/2.

Measured on the same call with 1, 100 and 500 callers: 0.13, 0.18 and 0.2 ms of CPU here against 0.5, 10 and
10 ms in httpx, whose pool looks at every connection for every request. LiteLLM depends on aiohttp already.
"""

from __future__ import annotations

import asyncio
import inspect
import io
import socket
import ssl
import weakref
from collections.abc import Sequence
from typing import Any

import aiohttp
import httpx
from yarl import URL

from .deadline import CONNECT_LIMIT, Deadline, clock
from .lanes import KEEP_ALIVE, Collector, Raw, unpacked
from .proxies import ProxyMap

_LARGE = 512 * 1024  # from here on a body is sent in pieces, so that one upload does not hold the loop
_IDLE = 1.0
_URLS = 256
_NO_AUTO_HEADERS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


def _timeout(read: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=None, sock_connect=CONNECT_LIMIT, sock_read=read)


_WHOLE_CALL = _timeout(None)  # the caller's own timer bounds it


class AioLane:
    """For one event loop; made inside it."""

    def __init__(self, context: ssl.SSLContext, proxies: ProxyMap) -> None:
        self._proxies = proxies
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, limit=0, keepalive_timeout=KEEP_ALIVE, **self._hooks()),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # ours has a bound
            timeout=_WHOLE_CALL,
            skip_auto_headers=_NO_AUTO_HEADERS,
            requote_redirect_url=False,
        )
        self._targets: dict[str, dict[str, Any]] = {}
        self._stream_timeouts: dict[float | None, aiohttp.ClientTimeout] = {}
        self._used = clock()
        self._streams: weakref.WeakSet[AioStream] = weakref.WeakSet()

    def _hooks(self) -> dict[str, Any]:
        """Our own sockets, so that they can be closed when the loop ended without telling anybody."""
        if "socket_factory" not in inspect.signature(aiohttp.TCPConnector.__init__).parameters:
            return {}  # aiohttp before 3.12
        return {"socket_factory": self._new_socket}

    def _new_socket(self, address: Sequence[Any]) -> socket.socket:
        made = socket.socket(address[0], address[1], address[2])
        self._sockets.add(made)
        return made

    def _target(self, url: str) -> dict[str, Any]:
        """The arguments that depend on the URL alone."""
        target = self._targets.get(url)
        if target is None:
            if len(self._targets) >= _URLS:
                self._targets.clear()
            parsed = URL(url, encoded=True)
            target = {"url": parsed, "allow_redirects": False}
            proxy = self._proxies.find(parsed.scheme, parsed.host or "", parsed.port or 0)
            if proxy is not None:
                target["proxy"] = proxy.url
                if proxy.login is not None:
                    target["proxy_auth"] = aiohttp.BasicAuth(*proxy.login)
            self._targets[url] = target
        return target

    async def _start(self, request: httpx.Request, url: str, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        now = clock()
        if now - self._used > _IDLE:
            # If the server closed the kept connection while this loop was busy elsewhere, the news waits in the
            # selector. Two turns of the loop deliver it, and the dead connection is not used.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        self._used = now
        body: Any = request.content
        if len(body) > _LARGE:
            body = io.BytesIO(body)
        return await self._session.request(
            request.method, data=body or None, headers=_decoded(request), timeout=timeout, **self._target(url)
        )

    async def send(self, request: httpx.Request, url: str, deadline: Deadline, limit: int) -> Raw:
        response = await self._start(request, url, _WHOLE_CALL)
        try:
            length = response.content_length
            if length is not None and length <= limit:
                body = await response.read()
            else:
                body = await _read_bounded(response, limit)
        except BaseException:
            response.close()
            raise
        headers = httpx.Headers(response.raw_headers)
        return Raw(response.status, headers, unpacked(body, headers, limit))

    async def open(self, request: httpx.Request, url: str, deadline: Deadline) -> AioStream:
        timeout = self._stream_timeouts.get(deadline.timeout)
        if timeout is None:
            if len(self._stream_timeouts) > 64:
                self._stream_timeouts.clear()
            timeout = self._stream_timeouts[deadline.timeout] = _timeout(deadline.timeout)
        stream = AioStream(await self._start(request, url, timeout))
        self._streams.add(stream)
        return stream

    async def aclose(self) -> None:
        for stream in list(self._streams):
            stream.drop()
        await self._session.close()
        await asyncio.sleep(0)  # the transports close their sockets in the loop's next turn
        await asyncio.sleep(0)

    def abandon(self) -> None:
        connector = self._session.connector
        self._session.detach()
        if connector is not None:
            connector._closed = True  # its loop cannot close it any more, nor could a warning help anybody
        for left in list(self._sockets):
            left.close()


def _decoded(request: httpx.Request) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]


async def _read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    collector = Collector(limit)
    while part := await response.content.readany():
        collector.add(part)
    return collector.body()


class AioStream:
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self.headers = httpx.Headers(response.raw_headers)
        self.http_version = "HTTP/1.1"
        self._response = response
        self._content = response.content

    async def read(self) -> bytes:
        part = self._arrived()
        if part:
            await asyncio.sleep(0)  # nothing had to be waited for: let the others have their turn
            return part
        return await self._content.readany()

    def _arrived(self) -> bytes:
        """What is there, also if the connection broke behind it: aiohttp itself would throw that text away."""
        content = self._content
        if content.exception() is None:
            return content.read_nowait()
        rest: bytes = content._read_nowait(-1) if hasattr(content, "_read_nowait") else b""
        return rest or content.read_nowait()  # which raises

    async def aclose(self) -> None:
        self._response.close()

    def drop(self) -> None:
        self._response.close()
