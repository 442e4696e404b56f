"""A chat call as a flow: read, ask, finish, and ask once more where the answer needs it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from ..answer.finish import beside, finish_answer
from ..bridge.litellm_objects import fill_response
from ..contracts.codecs import CODECS, Codec
from ..errors import HttpFailureError, ModelOutputError
from ..ids import new_id
from ..request.choice import forced
from ..request.request import read_chat
from ..transport.replies import Reply
from ..types import Answer, ChatRequest, FollowUp, Kind
from ..watch import counters, logs
from .ask import ask
from .call import Call, as_v1
from .flow import Flow, Gather
from .media import clean_up, download_images, with_files

# v2 availability by chat URL, learnt from answers; used only with api_version="auto".
_v2_refused: set[str] = set()
_MAX_FOLLOW_UPS = 2


def understood(call: Call, codec: Codec, kinds: Mapping[str, Kind] | None = None) -> ChatRequest:
    return read_chat(
        call.model,
        call.messages,
        call.params,
        contract=codec.contract,
        model_info=call.info,
        drop_params=call.drop_params,
        kinds=kinds,
    )


def read(call: Call, codec: Codec) -> ChatRequest:
    request = understood(call, codec)
    counters.read(call.messages, len(request.functions))
    for note in request.notes:
        logs.LOG.debug(note)
    return request


def first_codec(call: Call) -> Codec:
    contract = call.contract()
    if call.settings.api_version == "auto" and call.settings.v2_chat_url in _v2_refused:
        contract = "v1"
    return CODECS[contract]


def means_no_v2(failure: HttpFailureError) -> bool:
    """A 403 or 404 of the v2 address itself: an HTML page of the front proxy, or words that name the path."""
    if failure.where != "chat_v2" or failure.status not in {403, 404, 405}:
        return False
    body = failure.body.lstrip().lower()
    words = failure.service_message().lower()
    if failure.status == 404:
        return "no such model" not in words and "unknown tool" not in words
    return body.startswith(b"<") or not body or "permission denied" in words or "v2" in words


def plain(call: Call, model_response: Any) -> Flow[Any]:
    """The whole of ``completion``: gives the filled ``model_response``."""
    codec = first_codec(call)
    try:
        return (yield from _plain(call, codec, model_response))
    except HttpFailureError as failure:
        if not falls_back(call, codec, failure):
            raise
    return (yield from _plain(as_v1(call), CODECS["v1"], model_response))


def falls_back(call: Call, codec: Codec, failure: HttpFailureError) -> bool:
    """Whether ``api_version="auto"`` goes on with v1; remembers the host's answer."""
    if codec.contract != "v2" or call.settings.api_version != "auto" or not means_no_v2(failure):
        return False
    _v2_refused.add(call.settings.v2_chat_url)
    return True


def _plain(call: Call, codec: Codec, model_response: Any) -> Flow[Any]:
    request = read(call, codec)
    answers, reply = yield from answers_of(call, codec, request)
    media = [ref for answer in answers for ref in answer.media]
    images = (yield from download_images(call, media)) if media else {}
    request_id = reply.headers.get("x-request-id") or new_id()
    return fill_response(
        model_response,
        answers,
        request_model=call.model,
        response_id=f"chatcmpl-{request_id}",
        created=answers[0].created or int(time.time()),
        headers=reply.headers,
        images=images,
        legacy_functions=request.legacy_functions,
    )


def answers_of(call: Call, codec: Codec, request: ChatRequest) -> Flow[tuple[list[Answer], Reply]]:
    """Every choice asked for, finished, and the first reply (for its headers)."""

    def choices(request: ChatRequest, uploaded: Mapping[str, str]) -> Flow[list[tuple[Answer, Reply]]]:
        if request.n == 1:
            return [(yield from one_answer(call, codec, request, uploaded))]
        pairs: list[tuple[Answer, Reply]]
        pairs = yield Gather([one_answer(call, codec, request, uploaded) for _ in range(request.n)])
        return pairs

    pairs, request, uploaded = yield from with_files(call, request, partial(understood, call, codec), choices)
    yield from clean_up(call, request, uploaded)
    return [answer for answer, _ in pairs], pairs[0][1]


def one_answer(
    call: Call, codec: Codec, request: ChatRequest, uploaded: Mapping[str, str]
) -> Flow[tuple[Answer, Reply]]:
    reply = yield from ask(call, codec, codec.body(request, uploaded))
    outcome = finish_answer(codec.read_answer(reply.json(), request, new_id()), request)
    if isinstance(outcome, FollowUp):
        outcome = yield from ask_again(call, codec, request, uploaded, outcome)
    counters.spent(outcome.usage)
    return outcome, reply


def ask_again(
    call: Call, codec: Codec, request: ChatRequest, uploaded: Mapping[str, str], follow_up: FollowUp
) -> Flow[Answer]:
    """The answer with the function that ``request`` was answered without, beside what was said instead."""
    said = follow_up.said
    for _ in range(_MAX_FOLLOW_UPS):
        asked = forced(request, follow_up.function)
        reply = yield from ask(call, codec, codec.body(asked, uploaded))
        outcome = finish_answer(codec.read_answer(reply.json(), asked, new_id()), asked)
        if isinstance(outcome, Answer):
            return beside(said, outcome)
        follow_up = outcome
        said = beside(said, follow_up.said)
    raise ModelOutputError("GigaChat did not call the function it was told to call, twice")
