"""The lanes over a client object of the caller: an httpx client, or a LiteLLM handler that holds one.

Its proxies, certificates and hooks are the caller's choice; the body, our headers and the token are ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx

from .deadline import Deadline
from .lanes import Collector, Raw, collect, keep_until_done


def sync_client(client: object) -> httpx.Client | None:
    for candidate in (client, getattr(client, "client", None)):
        if isinstance(candidate, httpx.Client) and not candidate.is_closed:
            return candidate
    return None


def async_client(client: object) -> httpx.AsyncClient | None:
    for candidate in (client, getattr(client, "client", None)):
        if isinstance(candidate, httpx.AsyncClient) and not candidate.is_closed:
            return candidate
    return None


def _rebuilt(client: httpx.Client | httpx.AsyncClient, request: httpx.Request, deadline: Deadline) -> httpx.Request:
    return client.build_request(
        request.method,
        request.url,
        content=request.content,
        headers=request.headers,
        timeout=httpx.Timeout(**deadline.timeouts()),
    )


class ClientLane:
    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def _start(self, request: httpx.Request, deadline: Deadline) -> httpx.Response:
        prepared = _rebuilt(self._client, request, deadline)
        return self._client.send(prepared, stream=True, auth=_no_auth, follow_redirects=False)

    def send(self, request: httpx.Request, url: str, deadline: Deadline, limit: int) -> Raw:
        response = self._start(request, deadline)
        try:
            body = collect(_within(response.iter_bytes(), deadline), limit)
        finally:
            response.close()
        return Raw(response.status_code, response.headers, body)

    def open(self, request: httpx.Request, url: str, deadline: Deadline) -> ClientStream:
        return ClientStream(self._start(request, deadline))

    def close(self) -> None:
        """Nothing: the client is the caller's."""


def _no_auth(request: httpx.Request) -> httpx.Request:
    """Instead of None, for which httpx would look into ~/.netrc and the URL."""
    return request


def _within(parts: Iterator[bytes], deadline: Deadline) -> Iterator[bytes]:
    for part in parts:
        if deadline.passed():
            raise httpx.ReadTimeout("the time limit of the call has passed")
        yield part


class ClientStream:
    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers = _without_encoding(response.headers)
        self.http_version = response.http_version
        self._response = response
        self._parts = response.iter_bytes()

    def read(self) -> bytes:
        return next(self._parts, b"")

    def close(self) -> None:
        self._response.close()


class AsyncClientLane:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def _start(self, request: httpx.Request, deadline: Deadline) -> httpx.Response:
        prepared = _rebuilt(self._client, request, deadline)
        return await self._client.send(prepared, stream=True, auth=_no_auth, follow_redirects=False)

    async def send(self, request: httpx.Request, url: str, deadline: Deadline, limit: int) -> Raw:
        response = await self._start(request, deadline)
        collector = Collector(limit)
        try:
            async for part in response.aiter_bytes():
                collector.add(part)
        finally:
            await response.aclose()
        return Raw(response.status_code, response.headers, collector.body())

    async def open(self, request: httpx.Request, url: str, deadline: Deadline) -> AsyncClientStream:
        return AsyncClientStream(await self._start(request, deadline))

    async def aclose(self) -> None:
        """Nothing: the client is the caller's."""

    def abandon(self) -> None:
        """Nothing: the client is the caller's."""


class AsyncClientStream:
    watches_limit = False
    limit: Deadline | None = None

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers = _without_encoding(response.headers)
        self.http_version = response.http_version
        self._response = response
        self._parts: AsyncIterator[bytes] = response.aiter_bytes()

    async def read(self) -> bytes:
        try:
            return await self._parts.__anext__()
        except StopAsyncIteration:
            return b""

    async def aclose(self) -> None:
        await self._response.aclose()

    def drop(self) -> None:
        keep_until_done(asyncio.get_running_loop().create_task(self.aclose()))


def _without_encoding(headers: httpx.Headers) -> httpx.Headers:
    """httpx has unpacked the body: say so."""
    if "content-encoding" not in headers:
        return headers
    copy = httpx.Headers(headers)
    del copy["content-encoding"]
    return copy
