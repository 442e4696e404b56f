"""One request with the token of an ``httpx.Auth`` flow: sent, judged, replayed; and how a body is read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

import httpx

from ..errors import BadAnswerError, GigaChatError
from .encoding import unpack
from .failures import NETWORK_ERRORS

MAX_REPLY = 64 * 1024 * 1024  # bytes
MAX_FILE = 100 * 1024 * 1024
MAX_ERROR = 64 * 1024


class Way(Protocol):
    """What carries one request: a transport of ours, or the caller's client."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response: ...


async def send(way: Way, auth: httpx.Auth, request: httpx.Request) -> httpx.Response:
    """The last answer of the flow, its body still to be read. The others are closed."""
    flow = auth.async_auth_flow(request)
    response: httpx.Response | None = None
    try:
        request = await flow.__anext__()
        while True:
            response = await way.handle_async_request(request)
            request = await flow.asend(response)
            await _finish(response)
    except StopAsyncIteration:
        assert response is not None
        return response
    except BaseException:
        if response is not None:
            await response.aclose()
        raise
    finally:
        await flow.aclose()


async def _finish(response: httpx.Response) -> None:
    """Reads a small body to its end, so that the connection can be used for the replay."""
    try:
        await read_some(response)
    except NETWORK_ERRORS:
        await response.aclose()  # the status is all that mattered


async def read(response: httpx.Response, limit: int, too_large: GigaChatError | None = None) -> bytes:
    """The whole body, unpacked. Raises BadAnswerError (or the failure given) beyond ``limit`` bytes."""
    parts: list[bytes] = []
    left = limit
    try:
        async for part in parts_of(response):
            left -= len(part)
            if left < 0:
                raise too_large or BadAnswerError(f"GigaChat's answer is longer than {limit} bytes")
            parts.append(part)
    finally:
        await response.aclose()
    return unpack(b"".join(parts), response.headers.get("content-encoding"), limit)


async def read_some(response: httpx.Response) -> bytes:
    """As much of a body as an error text needs. A body that breaks off must not hide the status."""
    parts: list[bytes] = []
    size = 0
    try:
        async for part in parts_of(response):
            parts.append(part)
            size += len(part)
            if size >= MAX_ERROR:
                break
    except NETWORK_ERRORS:
        pass
    finally:
        await response.aclose()
    body = b"".join(parts)
    encoding = response.headers.get("content-encoding")
    if encoding is None or size < MAX_ERROR:
        return unpack(body, encoding, MAX_ERROR * 16)
    return b""


def parts_of(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body as it comes, still packed: httpx would unpack any amount of it."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    return response.stream.__aiter__()
