"""One request through one lane, with the token of an ``httpx.Auth`` flow: the part that is the same for every call.

The flow is driven by hand, as ``httpx.Client`` does it, so that lanes without httpx keep its semantics: what
the flow yields is sent, the answer goes back into it, and when it has no more to send the last answer counts.
"""

from __future__ import annotations

import httpx

from .deadline import Deadline, clamp, time_limit
from .failures import network_errors
from .lanes import AsyncLane, AsyncRawStream, Lane, Raw, RawStream, unpacked
from .replies import MAX_ERROR

_FINE = httpx.Response(200)


def _answer(answer: Raw | RawStream | AsyncRawStream, request: httpx.Request) -> httpx.Response:
    """What the flow sees of an answer: status and headers; of a good one, which is all but free, the status."""
    if answer.status == 200:
        return _FINE
    return httpx.Response(answer.status, headers=_bare(answer.headers), request=request)


def _bare(headers: httpx.Headers) -> list[tuple[bytes, bytes]]:
    return [pair for pair in headers.raw if pair[0].lower() != b"content-encoding"]  # httpx would unpack nothing


def send(lane: Lane, auth: httpx.Auth, request: httpx.Request, url: str, deadline: Deadline, limit: int) -> Raw:
    flow = auth.sync_auth_flow(request)
    try:
        request = next(flow)
        while True:
            raw = lane.send(request, url, deadline, limit)
            request = flow.send(_answer(raw, request))
    except StopIteration:
        return raw
    finally:
        flow.close()


async def asend(
    lane: AsyncLane, auth: httpx.Auth, request: httpx.Request, url: str, deadline: Deadline, limit: int
) -> Raw:
    flow = auth.async_auth_flow(request)
    try:
        async with time_limit(deadline.left()):
            request = await flow.__anext__()
            while True:
                raw = await lane.send(request, url, deadline, limit)
                request = await flow.asend(_answer(raw, request))
    except StopAsyncIteration:
        return raw
    finally:
        await flow.aclose()


def open_(lane: Lane, auth: httpx.Auth, request: httpx.Request, url: str, deadline: Deadline) -> RawStream:
    flow = auth.sync_auth_flow(request)
    raw: RawStream | None = None
    try:
        request = next(flow)
        while True:
            raw = lane.open(request, url, deadline)
            request = flow.send(_answer(raw, request))
            raw.close()
    except StopIteration:
        assert raw is not None
        return raw
    except BaseException:
        if raw is not None:
            raw.close()
        raise
    finally:
        flow.close()


async def aopen(
    lane: AsyncLane, auth: httpx.Auth, request: httpx.Request, url: str, deadline: Deadline
) -> AsyncRawStream:
    flow = auth.async_auth_flow(request)
    raw: AsyncRawStream | None = None
    try:
        async with time_limit(deadline.left()):
            request = await flow.__anext__()
            while True:
                raw = await lane.open(request, url, deadline)
                request = await flow.asend(_answer(raw, request))
                await raw.aclose()
    except StopAsyncIteration:
        assert raw is not None
        return raw
    except BaseException:
        if raw is not None:
            raw.drop()
        raise
    finally:
        await flow.aclose()


def read_some(raw: RawStream, deadline: Deadline) -> bytes:
    """The body of an answer that is no stream, as far as an error text needs it. Closes it."""
    parts: list[bytes] = []
    size = 0
    try:
        with clamp(deadline):
            while size < MAX_ERROR and (part := raw.read()):
                parts.append(part)
                size += len(part)
    except network_errors():
        pass  # the status is known: a body that breaks off must not hide it
    finally:
        raw.close()
    return _head(parts, raw.headers)


async def aread_some(raw: AsyncRawStream, deadline: Deadline) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        async with time_limit(deadline.left()):
            while size < MAX_ERROR and (part := await raw.read()):
                parts.append(part)
                size += len(part)
    except network_errors():
        pass
    finally:
        raw.drop()
    return _head(parts, raw.headers)


def _head(parts: list[bytes], headers: httpx.Headers) -> bytes:
    body = b"".join(parts)
    if len(body) >= MAX_ERROR:
        return body if "content-encoding" not in headers else b""
    return unpacked(body, headers, MAX_ERROR * 16)
