"""One chat request to the service, plain or streamed: logged, sent, its failure named by the contract."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, TypeVar

from ..contracts.codecs import Codec
from ..errors import HttpFailureError
from ..transport.replies import Reply
from ..transport.streams import AsyncEventStream
from ..watch import logs
from .call import Call
from .flow import Do, Flow

T = TypeVar("T")


def ask(call: Call, codec: Codec, body: dict[str, Any]) -> Flow[Reply]:
    post = partial(call.transport.arequest, "POST")
    reply: Reply = yield from _send(call, codec, body, post, call.remaining(), logs.answered)
    return reply


def ask_stream(call: Call, codec: Codec, body: dict[str, Any]) -> Flow[AsyncEventStream]:
    """Open an event stream; ``timeout`` then bounds the wait for each next byte."""
    events: AsyncEventStream = yield from _send(
        call, codec, body, call.transport.aopen_stream, call.timeout, logs.opened
    )
    return events


def _send(
    call: Call,
    codec: Codec,
    body: dict[str, Any],
    post: Callable[..., Coroutine[Any, Any, T]],
    timeout: float,
    tell: Callable[[T, float], None],
) -> Flow[T]:
    url = call.chat_url(codec.contract)
    if call.logging is not None:
        log_request(call, url, body)
    started = logs.sent(url, body, call.headers)
    try:
        outcome: T = yield Do(post, url, json=body, headers=call.headers, timeout=timeout, client=call.client)
    except HttpFailureError as failure:
        name_endpoint(failure, codec)
        raise
    if started:
        tell(outcome, started)
    return outcome


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
