"""A chat call as a flow: read, upload, ask, finish, and ask once more where the answer needs it."""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from ..answer.finish import finish_answer
from ..bridge.litellm_objects import fill_response
from ..contracts.codecs import CODECS, Codec
from ..errors import GigaChatError, HttpFailureError, ModelOutputError
from ..request.request import read_chat
from ..transport.replies import Reply
from ..types import Answer, ChatRequest, FollowUp, MediaRef, ToolChoice, Usage
from ..watch import counters, logs
from .call import Call, as_v1
from .flow import Do, Flow, Gather

T = TypeVar("T")

# v2 availability by chat URL, learnt from answers; used only with api_version="auto".
_v2_refused: set[str] = set()
_MAX_FOLLOW_UPS = 2


def new_id() -> str:
    """32 hexadecimal digits. Not a secret, so the operating system need not be asked for each."""
    return f"{random.getrandbits(128):032x}"


def read(call: Call, codec: Codec) -> ChatRequest:
    request = read_chat(
        call.model,
        call.messages,
        call.params,
        contract=codec.contract,
        model_info=call.info,
        drop_params=call.drop_params,
    )
    counters.read(call.messages, request)
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

    def choices(uploaded: Mapping[str, str]) -> Flow[list[tuple[Answer, Reply]]]:
        if request.n == 1:
            return [(yield from one_answer(call, codec, request, uploaded))]
        pairs: list[tuple[Answer, Reply]]
        pairs = yield Gather([one_answer(call, codec, request, uploaded) for _ in range(request.n)])
        return pairs

    pairs, uploaded = yield from with_files(call, request, choices)
    yield from clean_up(call, request, uploaded)
    return [answer for answer, _ in pairs], pairs[0][1]


def with_files(
    call: Call, request: ChatRequest, make: Callable[[Mapping[str, str]], Flow[T]]
) -> Flow[tuple[T, Mapping[str, str]]]:
    """``make`` with the request's files uploaded, and the file ids.

    The service does not say how long it keeps a file: when it has lost one that was uploaded before, all that it
    refuses is uploaded again, once.
    """
    uploaded = yield from upload(call, request)
    try:
        return (yield from make(uploaded)), uploaded
    except GigaChatError as failure:
        if not (uploaded and lost_a_file(call, failure)):
            yield from clean_up(call, request, uploaded)
            raise
    uploaded = yield from upload(call, request)
    return (yield from make(uploaded)), uploaded


def lost_a_file(call: Call, failure: GigaChatError) -> bool:
    from ..files import files

    return files.forget_refused(call.transport, failure)


def upload(call: Call, request: ChatRequest) -> Flow[Mapping[str, str]]:
    attachments = request.attachments
    if not attachments:
        return {}
    from ..files import files  # most calls carry no file

    uploaded: Mapping[str, str] = yield Do(
        files.upload,
        call.transport,
        attachments,
        headers=context_headers(call),
        timeout=call.remaining(),
        shared=not call.delete_files,
    )
    return uploaded


def clean_up(call: Call, request: ChatRequest, uploaded: Mapping[str, str]) -> Flow[None]:
    """Delete what was uploaded for this call, where the caller asked for it. Files he named himself stay."""
    if not call.delete_files or not uploaded:
        return
    from ..files import files

    ours = {uploaded[a.key] for a in request.attachments if a.file_id is None}
    for file_id in sorted(ours):
        try:
            yield Do(
                files.delete,
                call.transport,
                file_id,
                headers=context_headers(call),
                timeout=call.remaining(),
            )
        except GigaChatError as error:  # the answer is there and must not be lost for this
            logs.LOG.warning("the file %s was not deleted at GigaChat: %s", file_id, error)


def context_headers(call: Call) -> dict[str, str]:
    """The headers a file call must share with its chat call: file access is bound to ``X-Client-ID``."""
    return {key: value for key, value in call.headers.items() if key.lower() == "x-client-id"}


def one_answer(
    call: Call, codec: Codec, request: ChatRequest, uploaded: Mapping[str, str]
) -> Flow[tuple[Answer, Reply]]:
    reply = yield from ask(call, codec, codec.body(request, uploaded))
    first = reply
    spent = Usage()
    for _ in range(_MAX_FOLLOW_UPS + 1):
        answer = codec.read_answer(reply.json(), request, new_id())
        outcome = finish_answer(answer, request)
        if isinstance(outcome, Answer):
            outcome.usage = _sum(spent, outcome.usage)
            counters.spent(outcome.usage)
            return outcome, first
        spent = _sum(spent, outcome.usage)
        request = forced(request, outcome)
        reply = yield from ask(call, codec, codec.body(request, uploaded))
    raise ModelOutputError("GigaChat did not call the function it was told to call, twice")


def forced(request: ChatRequest, follow_up: FollowUp) -> ChatRequest:
    """The same request with this one function offered and forced: a second ask cannot go astray."""
    return replace(
        request,
        functions=tuple(f for f in request.functions if f.name == follow_up.function),
        tool_choice=ToolChoice("forced", follow_up.function),
        required=None,
    )


def ask(call: Call, codec: Codec, body: dict[str, Any]) -> Flow[Reply]:
    url = codec.url(call.settings)
    if call.logging is not None:
        log_request(call, url, body)
    started = logs.sent(url, body, call.headers)
    try:
        reply: Reply = yield Do(
            call.transport.arequest,
            "POST",
            url,
            json=body,
            headers=call.headers,
            timeout=call.remaining(),
            client=call.client,
        )
    except HttpFailureError as failure:
        name_endpoint(failure, codec)
        raise
    if started:
        logs.answered(reply, started)
    return reply


def ask_stream(call: Call, codec: Codec, body: dict[str, Any]) -> Flow[Any]:
    """Open an event stream; ``timeout`` then bounds the wait for each next byte."""
    url = codec.url(call.settings)
    if call.logging is not None:
        log_request(call, url, body)
    started = logs.sent(url, body, call.headers)
    try:
        events = yield Do(
            call.transport.aopen_stream,
            url,
            json=body,
            headers=call.headers,
            timeout=call.timeout,
            client=call.client,
        )
    except HttpFailureError as failure:
        name_endpoint(failure, codec)
        raise
    if started:
        logs.opened(events, started)
    return events


def name_endpoint(failure: HttpFailureError, codec: Codec) -> None:
    """Transport knows chat from stream, the codec which contract; a failure of the token's server stays its own."""
    if failure.where == "chat" or (failure.where == "stream" and codec.contract == "v2"):
        failure.where = codec.where


def log_request(call: Call, url: str, body: Mapping[str, Any]) -> None:
    """LiteLLM's own hook: fills ``api_base`` of the log payload and feeds ``log_pre_api_call``. No headers go in."""
    call.logging.pre_call(
        input=call.messages,
        api_key="",
        additional_args={"complete_input_dict": body, "api_base": url, "headers": {}},
    )


def download_images(call: Call, media: list[MediaRef]) -> Flow[dict[str, str]]:
    """Data URLs of the images the model made, by file id."""
    from ..files import files

    images: dict[str, str] = {}
    for ref in media:
        if ref.kind == "image" and ref.file_id not in images:
            data, mime = yield Do(
                files.download,
                call.transport,
                ref.file_id,
                headers=context_headers(call),
                timeout=call.remaining(),
            )
            images[ref.file_id] = f"data:{image_mime(mime)};base64,{base64.b64encode(data).decode()}"
    return images


def image_mime(mime: str) -> str:
    """The service often says ``application/octet-stream``; its images are JPEG."""
    return mime if mime.startswith("image/") else "image/jpeg"


def _sum(first: Usage, second: Usage) -> Usage:
    if not first.total_tokens:
        return second
    return Usage(
        first.prompt_tokens + second.prompt_tokens,
        first.completion_tokens + second.completion_tokens,
        first.cached_tokens + second.cached_tokens,
    )
