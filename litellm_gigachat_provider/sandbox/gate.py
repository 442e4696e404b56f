"""The outermost ASGI layer: logs each request, plays scripted failures, turns refusals into answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .brain.script import ScriptedFaultError
from .http import JSON_TYPE, html_page, json_response
from .knobs import Fault
from .oauth import fingerprint
from .rules.refusal import Refusal
from .state import Recorded, World
from .stream import CutError, compact

Pause = Callable[[float], Awaitable[None]]
Abort = Callable[[Scope, bool], Awaitable[None]]

_MESSAGES: Final = {
    400: "Your request contains invalid JSON syntax.",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Permission denied",
    404: "No such model",
    408: "Request Timeout",
    413: "Payload too large",
    422: "Unprocessable Entity",
    429: "Too many requests",
    500: "Internal Server Error",
}
_PLACES: Final = (
    ("/oauth", "oauth"),
    ("/token", "token"),
    ("/chat/completions", "chat"),
    ("/embeddings", "embeddings"),
    ("/tokens/count", "count"),
    ("/balance", "balance"),
)


def place(path: str) -> str:
    """Which ``where`` of ``fail_next`` a path belongs to."""
    for ending, name in _PLACES:
        if path.endswith(ending):
            return name
    for part in ("files", "models", "batches"):
        if f"/{part}" in path:
            return part
    return "other"


class Gate:
    """``abort(scope, reset)`` ends the client's connection at once."""

    def __init__(self, app: ASGIApp, world: World, pause: Pause, abort: Abort) -> None:
        self._app, self._world, self._pause, self._abort = app, world, pause, abort

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _read(receive)
        if body is None:
            return
        record = self._record(scope, body)
        scope["gigachat.record"] = record

        sent = False

        async def replay() -> Message:
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
            await send(message)

        try:
            fault = self._world.take_fault(record.where)
            if fault is None:
                await self._app(scope, replay, watched)
            else:
                record.forced = True
                await self._fail(fault, scope, replay, watched)
        except CutError as cut:
            await self._abort(scope, cut.reset)

    def _record(self, scope: Scope, body: bytes) -> Recorded:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        fixed = self._world.knobs.fixed_header
        for name in ("authorization", "cookie", *([fixed[0].lower()] if fixed else [])):
            if name in headers:
                headers[name] = _redacted(headers[name])
        try:
            value = json.loads(body) if body else None
        except (ValueError, RecursionError):
            value = None
        record = Recorded(
            method=scope["method"],
            path=scope["path"],
            headers=headers,
            body=body,
            json=value,
            http_version=scope["http_version"],
            where=place(scope["path"]),
        )
        self._world.record(record)
        return record

    async def _fail(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.delay:
            await self._pause(fault.delay)
        if fault.kind == "stall":
            await self._pause(float("inf"))
        elif fault.kind in ("close", "reset"):
            raise CutError(reset=fault.kind == "reset")
        elif fault.kind == "drip":
            await self._app(scope, receive, self._dripping(send, fault.drip))
        elif fault.kind == "truncated":
            await self._app(scope, receive, _truncating(send))
        else:
            await _forced_answer(fault)(scope, receive, send)

    def _dripping(self, send: Send, seconds: float) -> Send:
        async def slowly(message: Message) -> None:
            if message["type"] != "http.response.body":
                await send(message)
                return
            for at in range(len(message.get("body", b""))):
                await send({**message, "body": message["body"][at : at + 1], "more_body": True})
                await self._pause(seconds)
            await send({**message, "body": b""})

        return slowly


async def _read(receive: Receive) -> bytes | None:
    """The whole body first, so that a stalled answer never blocks the connection's reading; None: client gone."""
    pieces: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


def _redacted(value: str) -> str:
    scheme, space, secret = value.partition(" ")
    return f"{scheme} {fingerprint(secret)}" if space else fingerprint(value)


def _truncating(send: Send) -> Send:
    """The first half of the JSON, under headers that promise no more than that."""

    async def half(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message["headers"] if name.lower() != b"content-length"]
            await send({**message, "headers": kept})
        else:
            body = message.get("body", b"")
            await send({**message, "body": body[: len(body) // 2]})

    return half


def _forced_answer(fault: Fault) -> Response:
    if fault.kind == "empty":
        return Response(b"", 200, {"Content-Type": JSON_TYPE, **fault.headers})
    status = 200 if fault.kind == "error200" else fault.status
    if fault.html:
        return html_page(status, fault.headers)
    body: Any = fault.body
    if body is None:
        body = {"status": fault.status, "message": _MESSAGES.get(fault.status, "Internal Server Error")}
    raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else compact(body) + "\n").encode()
    return Response(raw, status, {"Content-Type": JSON_TYPE, **fault.headers})


async def refused(request: Request, error: Exception) -> Response:
    """Starlette's handler for :class:`Refusal`."""
    if not isinstance(error, Refusal):
        raise error
    record: Recorded = request.scope["gigachat.record"]
    record.refusal = f"{error.message} [{error.reason}]" if error.reason else error.message
    return json_response(request, error.body(), error.status, context=record.where != "oauth")


async def scripted_fault(request: Request, error: Exception) -> Response:
    """Starlette's handler for :class:`ScriptedFaultError`."""
    if not isinstance(error, ScriptedFaultError):
        raise error
    request.scope["gigachat.record"].forced = True
    if error.fault.delay:
        await request.app.state.pause(error.fault.delay)
    return _forced_answer(error.fault)
