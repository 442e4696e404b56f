"""HTTP/1.1 by aiohttp, behind httpx's transport interface.

aiohttp and not httpx's own pool, which costs 8 ms a call at 100 callers. Not LiteLLM's bridge between the two either
(it fails on an answer's header that is not ASCII, and differs between versions), nor httpx-aiohttp 0.2 (it tells a
disconnect as a ConnectTimeout and keeps cookies).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from yarl import URL

# Bytes. A server may answer before it has read a body beyond this, and never read the rest; aiohttp cannot know, as the
# kernel took it all. So the connection of such a request is not used again.
_LARGE = 64 * 1024
_PIECE = 256 * 1024  # bytes handed to aiohttp at a time
_OWN_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")  # aiohttp would add these

# First match wins; aiohttp's classes derive from each other.
_KINDS: tuple[tuple[type[BaseException], type[httpx.TransportError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (asyncio.TimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.ClientError, httpx.ReadError),
    (OSError, httpx.ReadError),
)
FAILURES = tuple(kind for kind, _ in _KINDS)


def as_httpx(error: BaseException) -> httpx.TransportError:
    """The httpx exception that means the same; without text, as aiohttp's may quote headers."""
    return next(ours for theirs, ours in _KINDS if isinstance(error, theirs))("")


class _Connector(aiohttp.TCPConnector):
    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        """One that is in step: what came over an idle connection would be told to the next call."""
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            if protocol is None or not protocol.should_close:
                break
            connection.close()
        if protocol is not None and int(req.headers.get("Content-Length", 0)) > _LARGE:
            protocol.force_close()
        return connection


def new_session(keep_alive: float, resolver: AbstractResolver | None = None) -> aiohttp.ClientSession:
    """Connections without limit, cookies, environment and unpacking; idle ones are kept ``keep_alive`` seconds."""
    return aiohttp.ClientSession(
        connector=_Connector(limit=0, keepalive_timeout=keep_alive, resolver=resolver),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        skip_auto_headers=_OWN_HEADERS,
        max_line_size=65536,
        max_field_size=65536,
    )


class AiohttpTransport(httpx.AsyncBaseTransport):
    """One TLS identity and one way (direct or an HTTP proxy) over the session of a loop."""

    def __init__(self, session: aiohttp.ClientSession, context: ssl.SSLContext, proxy: httpx.Proxy | None) -> None:
        self._session = session
        self._context = context
        self._proxy = URL(str(proxy.url), encoded=True) if proxy is not None else None
        login = proxy.auth if proxy is not None else None
        self._login = aiohttp.BasicAuth(*login, encoding="utf-8") if login is not None else None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        limits = request.extensions.get("timeout", {})
        body = request.content
        headers = [(name.decode("ascii"), value.decode("ascii")) for name, value in request.headers.raw]
        for _ in range(2):  # where the loop stood still for a while, it learns now which connections were closed
            await asyncio.sleep(0)
        try:
            answer = await self._session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=headers,
                data=_pieces(body) if len(body) > _LARGE else body or None,
                allow_redirects=False,
                ssl=self._context,
                proxy=self._proxy,
                proxy_auth=self._login,
                timeout=aiohttp.ClientTimeout(connect=limits.get("connect"), sock_read=limits.get("read")),
            )
        except FAILURES as error:
            raise as_httpx(error) from error
        if (
            answer.headers.get("Transfer-Encoding", "chunked").lower() != "chunked"
        ):  # aiohttp passes others on as they are
            answer.close()
            raise httpx.RemoteProtocolError("")
        return httpx.Response(
            answer.status,
            headers=[(bytes(name), bytes(value)) for name, value in answer.raw_headers],
            stream=_Answer(answer),
            request=request,
            extensions={"http_version": b"HTTP/1.1"},
        )


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(body), _PIECE):
        yield body[at : at + _PIECE]


class _Answer(httpx.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Each part is all that has arrived, over any number of HTTP chunks."""
        content = self._answer.content
        try:
            async for part in content.iter_any():
                yield part
        except FAILURES as error:
            failure = as_httpx(error)
            failure.__cause__ = error
        else:
            return
        content.set_exception(None)  # type: ignore[arg-type]  # it would hide what had come before the break
        if part := content.read_nowait():
            yield part
        raise failure

    async def aclose(self) -> None:
        """Closes the connection where the answer was not read to its end."""
        self._answer.close()
