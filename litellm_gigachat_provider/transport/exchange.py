"""One request with the token of an ``httpx.Auth`` flow: sent, judged, replayed; and how a body is read."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import AsyncIterator

import httpx

from ..errors import BadAnswerError, GigaChatError
from .failures import NETWORK_ERRORS

ACCEPTED = "gzip, deflate"
MAX_REPLY = 64 * 1024 * 1024  # bytes
MAX_FILE = 100 * 1024 * 1024
MAX_ERROR = 64 * 1024


async def send(way: httpx.AsyncBaseTransport, auth: httpx.Auth, request: httpx.Request) -> httpx.Response:
    """The last answer of the flow, its body still to be read. The others are closed."""
    flow = auth.async_auth_flow(request)
    response: httpx.Response | None = None
    try:
        request = await flow.__anext__()
        while True:
            response = await way.handle_async_request(request)
            request = await flow.asend(response)
            with contextlib.suppress(*NETWORK_ERRORS):  # the status is all that mattered
                await read_some(response)  # to its end where it is small: the replay can use the connection
    except StopAsyncIteration:
        assert response is not None
        return response
    except BaseException:  # cancelled, too: an answer that nobody reads must not keep its connection
        if response is not None:
            await response.aclose()
        raise
    finally:
        await flow.aclose()


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


# --- Content-Encoding, with a bound: 100 KB of gzip can hold 100 MB, which httpx would unpack without asking ---


class Inflater:
    """Unpacks gzip or deflate piece by piece; raises BadAnswerError beyond ``limit`` bytes of result."""

    def __init__(self, encoding: str, limit: int) -> None:
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise BadAnswerError(f"GigaChat's answer is packed as {encoding[:40]!r}, which was not asked for")
        # 47 reads the gzip or the zlib header, whichever is there
        self._inflate = zlib.decompressobj(47)
        self._raw_is_possible = encoding == "deflate"
        self._left = limit
        self._limit = limit

    def feed(self, data: bytes) -> bytes:
        try:
            result = self._inflate.decompress(data, self._left + 1)
        except zlib.error:
            if not self._raw_is_possible:
                raise BadAnswerError("GigaChat's answer cannot be unpacked") from None
            self._inflate = zlib.decompressobj(-15)  # "deflate" without the zlib header, as some servers send it
            self._raw_is_possible = False
            return self.feed(data)
        if data:
            self._raw_is_possible = False
        self._left -= len(result)
        if self._left < 0:
            raise BadAnswerError(f"GigaChat's answer unpacks to more than {self._limit} bytes")
        return result

    def finish(self) -> None:
        """Raises BadAnswerError if the packed data stopped in its middle."""
        if not self._inflate.eof:
            raise BadAnswerError("GigaChat's answer was cut (packed data ends early)")


def inflater_for(encoding: str | None, limit: int) -> Inflater | None:
    """None where the body is not packed."""
    name = (encoding or "").strip().lower()
    return None if name in ("", "identity") else Inflater(name, limit)


def unpack(body: bytes, encoding: str | None, limit: int) -> bytes:
    """A whole body, unpacked. Raises BadAnswerError."""
    inflater = inflater_for(encoding, limit) if body else None
    if inflater is None:
        return body
    result = inflater.feed(body)
    inflater.finish()
    return result
