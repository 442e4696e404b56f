"""``POST /chat/completions`` of both contracts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from .. import answers_v1, answers_v2, stream
from ..answers_v1 import Outcome
from ..brain.model import Question
from ..catalogue import chat_models
from ..generation import Caller, Limits, generate
from ..http import (
    EventStream,
    authorize,
    caller,
    disconnected,
    html_page,
    json_response,
    read_json,
    record_of,
    world_of,
)
from ..knobs import Knobs
from ..rules.validate import validate_chat_v1
from ..rules.validate_v2 import file_ids, validate_chat_v2
from ..state import World
from ..stream import Frame

_THREAD_MODEL: Final = "GigaChat"  # a stored thread knows its own model


@dataclass(frozen=True)
class Contract:
    """What differs between v1 and v2: how a body is judged and read, and how an outcome is written."""

    validate: Callable[..., None]
    file_ids: Callable[[Mapping[str, Any]], list[str]]  # of one message
    question: Callable[[Mapping[str, Any], Mapping[str, tuple[str, int]]], Question]
    prompt_parts: Callable[[Mapping[str, Any]], list[str]]
    body: Callable[[Outcome, Knobs], dict[str, Any]]
    frames: Callable[[Outcome, Knobs], list[Frame]]
    options: str | None  # the field that holds max_tokens; None: the body itself
    error_finish: str
    error_event: str | None


V1: Final = Contract(
    validate_chat_v1,
    lambda message: list(message.get("attachments", [])),
    answers_v1.question,
    answers_v1.prompt_parts,
    answers_v1.body,
    answers_v1.frames,
    options=None,
    error_finish="error",
    error_event=None,
)
V2: Final = Contract(
    validate_chat_v2,
    file_ids,
    answers_v2.question,
    answers_v2.prompt_parts,
    answers_v2.body,
    answers_v2.frames,
    options="model_options",
    error_finish="function_call_error",
    error_event="error",
)


async def chat_v1(request: Request) -> Response:
    return await _chat(request, V1)


async def chat_v2(request: Request) -> Response:
    knobs = world_of(request).knobs
    return await _chat(request, V2) if knobs.v2_available else html_page(knobs.v2_missing_status)


async def _chat(request: Request, contract: Contract) -> Response:
    """Runs one generation, counted against the credential's limit until its last byte is out."""
    world = world_of(request)
    account = authorize(request)
    body = await read_json(request)
    who = caller(request, account)
    run = prepared(world, body, who, record_of(request).warnings, contract)
    world.start_generation(who.owner)
    streaming = False
    try:
        if world.knobs.chat_delay and await _left(request, request.app.state.pause(world.knobs.chat_delay)):
            record_of(request).closed_early = True
            return Response()  # nobody reads it
        outcome = run()
        if not body.get("stream") or world.knobs.stream.as_json:
            return json_response(request, contract.body(outcome, world.knobs))
        frames = contract.frames(outcome, world.knobs)
        pieces = stream.write(frames, world.knobs.stream, request.app.state.pause, contract.error_event)
        streaming = True
        return EventStream(request, pieces, lambda: world.end_generation(who.owner))
    finally:
        if not streaming:  # a stream ends it itself
            world.end_generation(who.owner)


def prepared(
    world: World, body: Any, who: Caller, warnings: list[str], contract: Contract = V1
) -> Callable[[], Outcome]:
    """A body, judged; what it gives generates the answer."""
    knobs = world.knobs
    contract.validate(
        body,
        chat_models(knobs),
        strict_fields=knobs.strict_fields,
        files=lambda file_id: world.files.get(file_id, who.owner, who.client_id).mime,
        models_without_functions=knobs.models_without_functions,
        warnings=warnings,
        **({"unavailable_tools": knobs.unavailable_tools} if contract is V2 else {}),
    )
    ids = [file_id for message in body["messages"] for file_id in contract.file_ids(message)]
    found = [world.files.get(file_id, who.owner, who.client_id) for file_id in ids]
    question = contract.question(body, {file.id: (file.filename, len(file.data)) for file in found})
    options = body.get(contract.options, {}) if contract.options else body
    limits = Limits(body.get("model", _THREAD_MODEL), options.get("max_tokens"), body.get("storage"))
    parts = contract.prompt_parts(body)
    return lambda: generate(world, question, parts, limits, who, error_finish=contract.error_finish)


async def _left(request: Request, generating: Awaitable[None]) -> bool:
    """Whether the client left before the generation had ended."""
    work, leaving = asyncio.ensure_future(generating), asyncio.ensure_future(disconnected(request.receive))
    try:
        await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return not work.done()
    finally:
        work.cancel()
        leaving.cancel()
