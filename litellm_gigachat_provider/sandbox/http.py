"""Reading requests strictly and writing answers with the service's headers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .generation import Caller
from .oauth import Account
from .rules.refusal import TOO_LARGE, UNAUTHORIZED, Refusal, bad_json
from .state import Recorded, World
from .stream import compact

JSON_TYPE: Final = "application/json; charset=utf-8"
STREAM_TYPE: Final = "text/event-stream"  # recorded without a charset
_ALWAYS: Final = {
    "Allow": "GET, POST",
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Allow-Headers": "Origin, X-Requested-With, Content-Type, Accept, Authorization",
    "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}

Handler = Callable[[Request], Awaitable[Response]]


def world_of(request: Request) -> World:
    world: World = request.app.state.world
    return world


def record_of(request: Request) -> Recorded:
    record: Recorded = request.scope["gigachat.record"]
    return record


def context_headers(request: Request) -> dict[str, str]:
    """``X-Request-ID`` and ``X-Session-ID`` made up unless sent, ``X-Client-ID`` only echoed; the same all along."""
    kept: dict[str, str] | None = request.scope.get("gigachat.context")
    if kept is None:
        world = world_of(request)
        kept = {name: request.headers.get(name) or world.new_id() for name in ("X-Request-ID", "X-Session-ID")}
        if "X-Client-ID" in request.headers:
            kept["X-Client-ID"] = request.headers["X-Client-ID"]
        request.scope["gigachat.context"] = kept
    return kept


def json_response(request: Request, value: Any, status: int = 200, *, context: bool = True) -> Response:
    headers = {**_ALWAYS, **(context_headers(request) if context else {})}
    kind = JSON_TYPE if context else "application/json"  # the OAuth host names no charset
    end = "\n" if context and status >= 400 else ""  # recorded: 41 bytes for "No such model"
    return Response((compact(value) + end).encode(), status, {**headers, "Content-Type": kind})


def bytes_response(request: Request, data: bytes, kind: str) -> Response:
    return Response(data, 200, {**_ALWAYS, **context_headers(request), "Content-Type": kind})


def html_page(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """What the front proxy says where the service itself is not reached."""
    page = f"<html>\r\n<head><title>{status}</title></head>\r\n<body><center>nginx</center></body>\r\n</html>\r\n"
    return Response(page.encode(), status, {"Content-Type": "text/html", **(headers or {})})


class EventStream(Response):
    """Writes pieces as they come; ``finished`` runs exactly once, also when the client has gone or the server stops."""

    def __init__(self, request: Request, pieces: AsyncIterator[bytes], finished: Callable[[], None]) -> None:
        super().__init__(None, 200, {**_ALWAYS, **context_headers(request), "Content-Type": STREAM_TYPE})
        del self.headers["content-length"]
        self._pieces = pieces
        self._finished = finished
        self._record = record_of(request)
        self._complete = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        writing = asyncio.ensure_future(self._write(send))
        leaving = asyncio.ensure_future(disconnected(receive))
        try:
            await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if writing.done() or self._complete:
                await writing
            else:
                self._record.closed_early = True
        finally:
            writing.cancel()
            leaving.cancel()
            await asyncio.gather(writing, leaving, return_exceptions=True)
            self._finished()

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for piece in self._pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        self._complete = True  # from here on the server itself reports a "disconnect"
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def authorize(request: Request) -> Account:
    """The account behind the request's token (or whatever the knobs accept instead); 401 otherwise."""
    world = world_of(request)
    fixed = world.knobs.fixed_header
    if fixed is not None:
        if request.headers.get(fixed[0]) != fixed[1]:
            raise Refusal(401, UNAUTHORIZED, f"header {fixed[0]} is missing or wrong")
        return world.account
    if world.knobs.accept_without_auth:
        if "authorization" in request.headers:
            raise Refusal(401, UNAUTHORIZED, "a gateway with client certificates takes no Authorization header")
        return world.account
    return world.office.bearer(request.headers.get("authorization"))


def caller(request: Request, account: Account) -> Caller:
    context = context_headers(request)
    return Caller(account.client_id, request.headers.get("X-Client-ID"), context["X-Session-ID"])


async def read_json(request: Request) -> Any:
    """The body as JSON, strictly: UTF-8, no NaN, no lone surrogates; 413 when it is too big."""
    raw = await request.body()
    limit = world_of(request).knobs.max_body_bytes
    if limit is not None and len(raw) > limit:
        raise Refusal(413, TOO_LARGE, f"{len(raw)} bytes")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise bad_json("Content-Type must be application/json")
    return parse_json(raw)


def parse_json(raw: bytes) -> Any:
    try:
        value = json.loads(raw.decode(), parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:  # UnicodeError is a ValueError
        raise bad_json(f"not JSON: {error}") from error
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def require_object(value: Any, **kinds: type | tuple[type, ...]) -> Mapping[str, Any]:
    """400 unless ``value`` is an object whose named fields have the given types."""
    if not isinstance(value, dict):
        raise bad_json("the body must be an object")
    for name, kind in kinds.items():
        if not isinstance(value.get(name), kind):
            raise bad_json(f"{name} is missing or has a wrong JSON type")
    return value
