"""A client object of the caller: an httpx client, or a LiteLLM handler that holds one.

Its proxies, certificates and hooks are the caller's choice; the body, our headers and the token are ours.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import httpx

from ..errors import InvalidRequestError
from ..portal import PORTAL
from .deadline import CONNECT_LIMIT, clock

T = TypeVar("T")
_THREADS = 64  # blocking calls at once over clients of the callers; more of them wait


_REMEDY = "Pass an httpx.Client, or in an async call an httpx.AsyncClient, or leave it out"


def way_over(client: object) -> httpx.AsyncBaseTransport:
    """What carries requests over ``client``, which is or holds (as LiteLLM's handlers do) an httpx client.

    Raises ``InvalidRequestError`` for any other object: whoever passes a client relies on its proxies and certificates.
    """
    for candidate in (client, getattr(client, "client", None)):
        if not isinstance(candidate, (httpx.Client, httpx.AsyncClient)):
            continue
        if candidate.is_closed:
            raise InvalidRequestError("client", f"this {_name(client)} is closed", _REMEDY)
        if isinstance(candidate, httpx.Client):
            return _SyncClient(candidate)
        if PORTAL.is_here():  # the loop of an async client is the caller's, so synchronous calls cannot use one
            raise InvalidRequestError("client", f"a synchronous call cannot use {_name(client)}", _REMEDY)
        return _AsyncClient(candidate)
    raise InvalidRequestError("client", f"{_name(client)} is no httpx client and holds none", _REMEDY)


def _name(client: object) -> str:
    return f"{type(client).__module__.partition('.')[0]}.{type(client).__qualname__}"


def _no_auth(request: httpx.Request) -> httpx.Request:
    """Instead of None, for which httpx would look into ~/.netrc and the URL."""
    return request


def _rebuilt(client: httpx.Client | httpx.AsyncClient, request: httpx.Request) -> httpx.Request:
    at = request.extensions.get("gigachat_deadline")
    left = None if at is None else max(0.001, at - clock())
    connect = CONNECT_LIMIT if left is None else min(CONNECT_LIMIT, left)
    return client.build_request(
        request.method,
        request.url,
        content=request.content,
        headers=request.headers,
        timeout=httpx.Timeout(left, connect=connect),
    )


def _read_already(response: httpx.Response) -> httpx.Response:
    """For a hook of the caller's that read the body, which httpx has unpacked then."""
    headers = [pair for pair in response.headers.raw if pair[0].lower() != b"content-encoding"]
    return httpx.Response(response.status_code, headers=headers, stream=httpx.ByteStream(response.content))


class _AsyncClient(httpx.AsyncBaseTransport):
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        prepared = _rebuilt(self._client, request)
        response = await self._client.send(prepared, stream=True, auth=_no_auth, follow_redirects=False)
        return _read_already(response) if response.is_stream_consumed else response


@functools.lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="gigachat-client")


async def _in_thread(function: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_threads(), function)


class _SyncClient(httpx.AsyncBaseTransport):
    """Each blocking step in a thread; the client's own time limits end one that is left behind."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        prepared = _rebuilt(self._client, request)
        response = await _in_thread(
            lambda: self._client.send(prepared, stream=True, auth=_no_auth, follow_redirects=False)
        )
        if response.is_stream_consumed:
            return _read_already(response)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_SyncBody(response),
            extensions=response.extensions,
        )


class _SyncBody(httpx.AsyncByteStream):
    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts = self._response.iter_raw()
        while part := await _in_thread(lambda: next(parts, b"")):
            yield part

    async def aclose(self) -> None:
        await _in_thread(self._response.close)
