"""One chat request to the service, plain or streamed: logged, sent, its failure named by the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..contracts.codecs import Codec
from ..errors import HttpFailureError
from ..transport.replies import Reply
from ..watch import logs
from .call import Call
from .flow import Do, Flow


def ask(call: Call, codec: Codec, body: dict[str, Any]) -> Flow[Reply]:
    url = call.chat_url(codec.contract)
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
    url = call.chat_url(codec.contract)
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
