"""``POST /v2/chat/completions``."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from .. import answers_v2
from ..answers_v1 import Outcome
from ..catalogue import chat_models
from ..generation import Limits, generate
from ..http import authorize, caller, html_page, read_json, record_of, world_of
from ..rules.validate_v2 import file_ids, validate_chat_v2
from .chat import Codec, file_lookup, known_files, respond

V2: Final = Codec(answers_v2.body, answers_v2.frames, "error")
_THREAD_MODEL: Final = "GigaChat"  # a stored thread knows its own model


async def chat_v2(request: Request) -> Response:
    world = world_of(request)
    if not world.knobs.v2_available:
        return html_page(world.knobs.v2_missing_status)
    account = authorize(request)
    body = await read_json(request)
    who = caller(request, account)
    validate_chat_v2(
        body,
        chat_models(world.knobs),
        strict_fields=world.knobs.strict_fields,
        files=file_lookup(world, who),
        models_without_functions=world.knobs.models_without_functions,
        unavailable_tools=world.knobs.unavailable_tools,
        warnings=record_of(request).warnings,
    )
    ids = [file_id for message in body["messages"] for file_id in file_ids(message)]
    question = answers_v2.question(body, known_files(world, who, ids))
    limits = Limits(
        body.get("model", _THREAD_MODEL), body.get("model_options", {}).get("max_tokens"), body.get("storage")
    )
    parts = answers_v2.prompt_parts(body)

    def run() -> Outcome:
        return generate(world, question, parts, limits, who, error_finish="function_call_error")

    return await respond(request, run, who, V2, streaming=bool(body.get("stream")))
