"""From a checked question to an :class:`Outcome`: knobs, ``max_tokens``, usage, cache, ids; for both contracts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from . import catalogue, tokens
from .answers_v1 import Outcome
from .brain import model, prose
from .brain.model import Question, Reply
from .files import StoredFile
from .knobs import Knobs
from .rules.refusal import TOO_LONG, Refusal
from .state import World

_BUILD: Final = "2.0.30.01"


@dataclass(frozen=True)
class Caller:
    """Who asks: the account's client id and the context headers."""

    owner: str
    client_id: str | None
    session: str


@dataclass(frozen=True)
class Limits:
    model: str
    max_tokens: int | None = None
    stateful: Mapping[str, Any] | None = None  # the request's `storage`


def generate(
    world: World, question: Question, parts: Sequence[str], limits: Limits, caller: Caller, *, error_finish: str
) -> Outcome:
    """``parts``: the prompt's pieces for counting; ``error_finish``: what this contract calls a broken call."""
    knobs = world.knobs
    prompt_tokens = knobs.template_cached + sum(tokens.count(part) + tokens.PER_MESSAGE for part in parts)
    window = catalogue.window(limits.model, knobs)
    if prompt_tokens > window:
        raise Refusal(422, TOO_LONG.format(tokens=prompt_tokens, window=window))
    cached = world.cache.cached(caller.owner, caller.session, parts, world.now())
    reply = world.scripts.reply(question) or _own_reply(knobs, question)
    _decorate(world, question, reply)
    finish = _finish(world, reply, limits.max_tokens, error_finish)
    completion = 1 + tokens.count(reply.text) + tokens.count(reply.reasoning)
    completion += sum(tokens.count(json.dumps([call.name, call.arguments], ensure_ascii=False)) for call in reply.calls)
    if limits.max_tokens is not None:
        completion = min(completion, limits.max_tokens)
    touched = reply.calls or reply.built_in or question.turn[-1].role == "result"
    return Outcome(
        reply=reply,
        finish=finish,
        usage=tokens.Usage(prompt_tokens, min(prompt_tokens, cached + knobs.template_cached), completion),
        model=f"{limits.model}:{_BUILD}",
        created=int(world.now()),
        state_id=world.new_state_id() if touched else None,
        call_ids=[world.new_id() for _ in reply.calls] if knobs.function_call_id else [],
        thread=_thread(world, limits.stateful),
        picture_id=_keep_picture(world, reply, caller),
    )


def _own_reply(knobs: Knobs, question: Question) -> Reply:
    reply = model.reply(question, never_call=knobs.never_call, arguments=knobs.arguments)
    if knobs.answer is not None and not reply.calls:
        return Reply(text=knobs.answer, reasoning=reply.reasoning)
    return reply


def _decorate(world: World, question: Question, reply: Reply) -> None:
    knobs = world.knobs
    wants_json = (question.format or {}).get("type") == "json_schema" or reply.text.startswith("{")
    if knobs.json_fence and wants_json and reply.text:
        reply.text = f"```json\n{reply.text}\n```"
    if knobs.think_tags and not reply.calls:
        thought = reply.reasoning or prose.reasoning(question.prompt, "auto")
        reply.text, reply.reasoning = f"<think>{thought}</think>\n{reply.text}", ""


def _finish(world: World, reply: Reply, max_tokens: int | None, error_finish: str) -> str:
    forced = world.knobs.finish_reason
    if forced is not None:
        if forced == "length":
            reply.text, reply.calls = reply.text[: len(reply.text) // 2], []
        elif forced == "error":
            reply.text, reply.calls = "", []
            return error_finish
        elif forced not in ("stop", "function_call"):
            reply.text, reply.calls, reply.picture = prose.refusal(), [], None
        return forced
    if reply.calls:
        return "function_call"
    if max_tokens is None or tokens.count(reply.reasoning) + tokens.count(reply.text) <= max_tokens:
        return "stop"
    reply.reasoning = _cut(reply.reasoning, max_tokens)  # comes first, and may leave nothing for the answer
    reply.text = _cut(reply.text, max_tokens - tokens.count(reply.reasoning))
    return "length"


def _cut(text: str, max_tokens: int) -> str:
    """The longest beginning of whole words that has at most ``max_tokens`` tokens."""
    end = 0
    for piece in re.finditer(r"\w+|[^\w\s]", text):
        if tokens.count(text[: piece.end()]) > max_tokens:
            break
        end = piece.end()
    return text[:end]


def _thread(world: World, storage: Mapping[str, Any] | None) -> dict[str, str] | None:
    if storage is None:
        return None
    return {"thread_id": str(storage.get("thread_id") or world.new_id()), "message_id": world.new_id()}


def _keep_picture(world: World, reply: Reply, caller: Caller) -> str | None:
    if reply.picture is None:
        return None
    file_id = world.new_id()
    kept = ("image/jpeg", f"{file_id}.jpg", "general", int(world.now()), caller.owner, caller.client_id)
    world.files.add(StoredFile(file_id, reply.picture, *kept))
    return file_id
