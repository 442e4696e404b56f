"""``POST /chat/completions`` of both contracts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from .. import answers_v1, stream
from ..answers_v1 import Outcome
from ..catalogue import chat_models
from ..generation import Caller, Limits, generate
from ..http import (
    EventStream,
    authorize,
    caller,
    context_headers,
    disconnected,
    json_response,
    read_json,
    record_of,
    world_of,
)
from ..rules.validate import validate_chat_v1
from ..state import World
from ..stream import Frame


def file_lookup(world: World, who: Caller) -> Callable[[str], str]:
    def lookup(file_id: str) -> str:
        return world.files.get(file_id, who.owner, who.client_id).mime

    return lookup


def known_files(world: World, who: Caller, ids: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Name and size by id; the ids have already been checked."""
    found = [world.files.get(file_id, who.owner, who.client_id) for file_id in ids]
    return {file.id: (file.filename, len(file.data)) for file in found}


async def chat_v1(request: Request) -> Response:
    world = world_of(request)
    account = authorize(request)
    body = await read_json(request)
    who = caller(request, account)
    validate_chat_v1(
        body,
        chat_models(world.knobs),
        strict_fields=world.knobs.strict_fields,
        files=file_lookup(world, who),
        models_without_functions=world.knobs.models_without_functions,
        warnings=record_of(request).warnings,
    )
    ids = [file_id for message in body["messages"] for file_id in message.get("attachments", [])]
    question = answers_v1.question(body, known_files(world, who, ids))
    limits = Limits(body["model"], body.get("max_tokens"), body.get("storage"))
    parts = answers_v1.prompt_parts(body)

    def run() -> Outcome:
        return generate(world, question, parts, limits, who, error_finish="error")

    return await respond(request, run, who, V1, streaming=bool(body.get("stream")))


class Codec:
    """How one contract writes an outcome."""

    def __init__(
        self,
        body: Callable[[Outcome, Any], dict[str, Any]],
        frames: Callable[[Outcome, Any], list[Frame]],
        error_event: str | None,
    ) -> None:
        self.body, self.frames, self.error_event = body, frames, error_event


V1: Final = Codec(answers_v1.body, answers_v1.frames, None)


async def respond(
    request: Request, run: Callable[[], Outcome], who: Caller, codec: Codec, *, streaming: bool
) -> Response:
    """Runs one generation, counted against the credential's limit until its last byte is out."""
    world = world_of(request)
    world.start_generation(who.owner)
    released = False

    def release() -> None:
        nonlocal released
        if not released:
            released = True
            world.end_generation(who.owner)

    handed_over = False
    try:
        if world.knobs.chat_delay and await _left(request, request.app.state.pause(world.knobs.chat_delay)):
            record_of(request).closed_early = True
            return Response()  # nobody reads it
        outcome = run()
        if not streaming or world.knobs.stream.as_json:
            return json_response(request, codec.body(outcome, world.knobs))
        handed_over = True
        return EventStream(request, _pieces(request, codec.frames(outcome, world.knobs), codec), release)
    finally:
        if not handed_over:
            release()


async def _left(request: Request, generating: Awaitable[None]) -> bool:
    """Whether the client left before the generation had ended."""
    work, leaving = asyncio.ensure_future(generating), asyncio.ensure_future(disconnected(request.receive))
    try:
        await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return not work.done()
    finally:
        work.cancel()
        leaving.cancel()


def _pieces(request: Request, frames: Sequence[Frame], codec: Codec) -> AsyncIterator[bytes]:
    context_headers(request)
    return stream.write(frames, world_of(request).knobs.stream, request.app.state.pause, codec.error_event)
