"""Embeddings, token counts, function checks, the AI-text check."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from .. import tokens
from ..catalogue import CHECKERS, EMBEDDERS, chat_models
from ..http import authorize, json_response, read_json, record_of, require_object, world_of
from ..rules.common_rules import unknown_fields
from ..rules.refusal import BAD_JSON, NO_MODEL, TOO_LARGE, Refusal, bad_json, invalid
from ..rules.schema_rules import FUNCTION_NAME, check_root
from ..state import World

_MIN_WORDS: Final = 20


def vector(text: str, dimensions: int) -> list[float]:
    """Numbers from a hash of the text, in [-2, 2): not of unit length, as with the real ones."""
    raw = hashlib.shake_256(text.encode()).digest(2 * dimensions)
    return [number / 16384 for number in struct.unpack(f">{dimensions}h", raw)]


async def embeddings(request: Request) -> Response:
    authorize(request)
    return json_response(request, embedded(world_of(request), await read_json(request), record_of(request).warnings))


def embedded(world: World, body: Any, notes: list[str]) -> dict[str, Any]:
    """The answer to a body of ``POST /embeddings``."""
    body = require_object(body, model=str, input=(str, list))
    model = body["model"]
    if model not in EMBEDDERS or model in world.knobs.missing_models:
        raise Refusal(404, NO_MODEL, f"{model} makes no embeddings")
    unknown_fields(body, ("model", "input"), strict=world.knobs.strict_fields, warnings=notes)
    texts = _texts(body["input"])
    dimensions, longest = EMBEDDERS[model]
    batch = world.knobs.max_batch
    if batch is not None and len(texts) > batch:
        raise Refusal(413, TOO_LARGE, f"{len(texts)} texts, {batch} allowed")
    rows = []
    for index, text in enumerate(texts):
        used = tokens.count(text) + 1
        if used > longest:
            raise Refusal(413, TOO_LARGE, f"input[{index}] has {used} tokens, {longest} allowed")
        row = {"object": "embedding", "index": index, "embedding": vector(text, dimensions)}
        rows.append({**row, "usage": {"prompt_tokens": used}})
    return {"object": "list", "data": rows, "model": model}


def _texts(value: Any) -> Sequence[str]:
    texts = [value] if isinstance(value, str) else value
    if not all(isinstance(text, str) for text in texts):
        raise bad_json("input must hold strings only")
    if not texts or not all(texts):
        raise invalid("input must not be empty")
    return list(texts)


async def count_tokens(request: Request) -> Response:
    """A bare array, one entry for each text."""
    authorize(request)
    body = require_object(await read_json(request), model=str, input=list)
    if body["model"] not in chat_models(world_of(request).knobs) and body["model"] not in EMBEDDERS:
        raise Refusal(404, NO_MODEL)
    texts = _texts(body["input"])
    rows = [{"object": "tokens", "tokens": tokens.count(text), "characters": len(text)} for text in texts]
    return json_response(request, rows)


async def validate_function(request: Request) -> Response:
    """One function object; HTTP 200 also for an invalid one, the verdict is inside."""
    authorize(request)
    function = require_object(await read_json(request))
    errors = [] if "name" in function else ["name is required"]
    if not FUNCTION_NAME.fullmatch(str(function.get("name", "x"))):
        errors.append("name has characters that are not allowed")
    if not isinstance(function.get("parameters"), dict):
        errors.append("parameters is required")
    else:
        try:
            check_root(function["parameters"], "parameters")
        except Refusal as refusal:
            errors.append(refusal.reason or refusal.message)
    missing = [key for key in ("few_shot_examples", "return_parameters") if key not in function]
    return json_response(
        request,
        {
            "status": 200,
            "message": "Incorrect function syntax" if errors else "Function is valid",
            "json_ai_rules_version": "1.0.5",
            "errors": [_remark(text) for text in errors],
            "warnings": [_remark(f"{key} are missing") for key in missing],
        },
    )


def _remark(text: str) -> dict[str, str]:
    return {"description": text, "schema_location": "(root)"}


async def ai_check(request: Request) -> Response:
    authorize(request)
    body = require_object(await read_json(request), model=str, input=str)
    if body["model"] not in CHECKERS:
        raise Refusal(404, NO_MODEL)
    text = body["input"]
    if len(text.split()) < _MIN_WORDS:
        raise Refusal(400, BAD_JSON, f"at least {_MIN_WORDS} words are needed")
    size = {"characters": len(text), "tokens": tokens.count(text)}
    return json_response(request, {"category": "human", **size, "ai_intervals": []})
