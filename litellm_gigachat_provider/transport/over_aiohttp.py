"""HTTP/1.1 by aiohttp, behind httpx's transport interface.

aiohttp and not httpx's own pool, which costs 8 ms a call at 100 callers. Not LiteLLM's bridge between the two either
(it fails on an answer's header that is not ASCII, and differs between versions), nor httpx-aiohttp 0.2 (it tells a
disconnect as a ConnectTimeout and keeps cookies).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from yarl import URL

_LARGE = 128 * 1024  # bytes; a body beyond it goes out in pieces, so that what was sent is known
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


def new_session(keep_alive: float, resolver: AbstractResolver | None = None) -> aiohttp.ClientSession:
    """Connections without limit, cookies, environment and unpacking; idle ones are kept ``keep_alive`` seconds."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=keep_alive, resolver=resolver),
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
        body = _Body(request.content)
        headers = [(name.decode("ascii"), value.decode("ascii")) for name, value in request.headers.raw]
        for _ in range(2):  # where the loop stood still for a while, it learns now which connections were closed
            await asyncio.sleep(0)
        try:
            answer = await self._session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=headers,
                data=body.pieces() if body.is_large else request.content or None,
                allow_redirects=False,
                ssl=self._context,
                proxy=self._proxy,
                proxy_auth=self._login,
                timeout=aiohttp.ClientTimeout(connect=limits.get("connect"), sock_read=limits.get("read")),
            )
        except FAILURES as error:
            raise as_httpx(error) from error
        return httpx.Response(
            answer.status,
            headers=[(bytes(name), bytes(value)) for name, value in answer.raw_headers],
            stream=_Answer(answer, body),
            request=request,
            extensions={"http_version": b"HTTP/1.1"},
        )


class _Body:
    """What is sent, and whether all of it was: after an answer that came before, the connection is out of step."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.is_large = len(content) > _LARGE
        self.sent = not self.is_large

    async def pieces(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._content), _LARGE):
            yield self._content[at : at + _LARGE]
        self.sent = True


class _Answer(httpx.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse, body: _Body) -> None:
        self._answer = answer
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Each part is all that has arrived, over any number of HTTP chunks."""
        try:
            async for part in self._answer.content.iter_any():
                yield part
        except FAILURES as error:
            raise as_httpx(error) from error

    async def aclose(self) -> None:
        """Keeps the connection only where both bodies were seen to their end."""
        if self._body.sent and self._answer.content.at_eof():
            self._answer.release()
        else:
            self._answer.close()
