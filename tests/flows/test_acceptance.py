"""What a user meets between the parts: found by going through the promises line by line, kept here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import litellm
import pytest

import litellm_gigachat_provider

MODEL = "gigachat/GigaChat-2-Max"
HELLO = [{"role": "user", "content": "Привет"}]


class Scripted:
    """GigaChat as a list of replies: an ``httpx.Client`` for ``client=``, and what was sent to it."""

    def __init__(self, *replies: httpx.Response) -> None:
        self.requests: list[httpx.Request] = []
        self._replies: Iterator[httpx.Response] = iter(replies)
        self.client = httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return next(self._replies)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scripted]:
    monkeypatch.setenv("GIGACHAT_ACCESS_TOKEN", "eyJ" + "x" * 40 + ".a.b.c.d")
    monkeypatch.setenv("GIGACHAT_BASE_URL", "https://gigachat.test/api/v1")
    return Scripted


# --- words of the call inside extra_body ------------------------------------------------------------------


def test_contract_named_in_extra_body(gigachat_sandbox: Any) -> None:
    litellm.completion(model=MODEL, messages=HELLO, extra_body={"api_version": "v2", "preset": "fast"})
    request = gigachat_sandbox.requests[-1]
    assert request.path == "/v2/chat/completions"
    assert request.json["model_options"] == {"preset": "fast"}
    assert "api_version" not in request.json


def test_session_named_in_extra_body(gigachat_sandbox: Any) -> None:
    litellm.completion(model=MODEL, messages=HELLO, extra_body={"session_id": "talk-1"})
    assert gigachat_sandbox.requests[-1].headers["x-session-id"] == "talk-1"
    litellm.completion(model=MODEL, messages=HELLO, extra_body={"gigachat_session_affinity": False})
    assert "x-session-id" not in gigachat_sandbox.requests[-1].headers


def test_scope_named_in_extra_body(gigachat_sandbox: Any) -> None:
    with pytest.raises(litellm.AuthenticationError, match="code 7"):
        litellm.completion(model=MODEL, messages=HELLO, extra_body={"gigachat_scope": "CORP"})
    assert b"GIGACHAT_API_CORP" in gigachat_sandbox.requests[-1].body


def test_plain_parameter_wins_over_extra_body(gigachat_sandbox: Any) -> None:
    litellm.completion(model=MODEL, messages=HELLO, session_id="mine", extra_body={"session_id": "other"})
    assert gigachat_sandbox.requests[-1].headers["x-session-id"] == "mine"


# --- headers ---------------------------------------------------------------------------------------------


def test_fixed_header_cannot_be_given_by_a_call(
    scripted: Callable[..., Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GIGACHAT_ACCESS_TOKEN")
    monkeypatch.setenv("GIGACHAT_AUTH_HEADER_NAME", "X-Corp-Key")
    monkeypatch.setenv("GIGACHAT_AUTH_HEADER_VALUE", "s" * 12)
    service = scripted()
    with pytest.raises(litellm.BadRequestError, match="x-corp-key"):
        litellm.completion(model=MODEL, messages=HELLO, extra_headers={"x-corp-key": "other"}, client=service.client)
    assert service.requests == []


def _events(*events: Any, headers: Sequence[tuple[str, str]] = ()) -> httpx.Response:
    text = "".join(f"data: {json.dumps(event, ensure_ascii=False)}\n\n" for event in events)
    return httpx.Response(
        200, headers=[("content-type", "text/event-stream"), *headers], content=f"{text}data: [DONE]\n\n".encode()
    )


def test_session_id_of_a_stream_without_a_request_id(scripted: Callable[..., Scripted]) -> None:
    event = {"choices": [{"delta": {"content": "Да"}, "index": 0, "finish_reason": "stop"}], "model": "GigaChat:2"}
    service = scripted(_events(event, headers=[("x-session-id", "talk-1")]))
    stream = litellm.completion(model=MODEL, messages=HELLO, stream=True, client=service.client)
    assert stream._hidden_params["additional_headers"] == {"llm_provider-x-session-id": "talk-1"}


# --- errors ----------------------------------------------------------------------------------------------


def test_unknown_builtin_tool_does_not_send_the_reader_to_the_base_url(scripted: Callable[..., Scripted]) -> None:
    service = scripted(httpx.Response(404, json={"status": 404, "message": "Unknown tool code_interpreter"}))
    tools = [{"type": "code_interpreter"}]
    with pytest.raises(litellm.BadRequestError) as caught:
        litellm.completion(model=MODEL, messages=HELLO, tools=tools, api_version="v2", client=service.client)
    assert "Unknown tool code_interpreter. This host has no built-in tool of that name" in str(caught.value)
    assert "GIGACHAT_BASE_URL" not in str(caught.value)


# --- recorded exchanges of the v2 contract, in our own words ----------------------------------------------

_STATE = "019e8373-0000-7000-8000-00000000a1b2"
_SPECIFICATION = {
    "name": "parcel_status",
    "description": "Where a parcel is.",
    "parameters": {
        "type": "object",
        "properties": {"number": {"type": "string", "description": "Number of the parcel."}},
        "required": ["number"],
    },
    "return_parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
}


def _v2_answer(content: list[Any], state: str, finish: str, used: tuple[int, int]) -> httpx.Response:
    body = {
        "model": "GigaChat-3-Ultra:32.3.18.5",
        "created_at": 1780321868,
        "messages": [{"role": "assistant", "tool_state_id": state, "content": content}],
        "finish_reason": finish,
        "usage": {
            "input_tokens": used[0],
            "input_tokens_details": {"prompt_tokens": used[0], "cached_tokens": 0},
            "output_tokens": used[1],
            "total_tokens": sum(used),
        },
    }
    return httpx.Response(200, json=body)


def test_tool_round_trip_as_recorded_on_v2(scripted: Callable[..., Scripted]) -> None:
    call_part = {"function_call": {"name": "parcel_status", "arguments": {"number": "Z-77"}}}
    service = scripted(
        _v2_answer([call_part], _STATE, "function_call", (88, 25)),
        _v2_answer([{"text": "It is in Omsk."}], "019e8373-0000-7000-8000-00000000c3d4", "stop", (150, 17)),
    )
    question = {"role": "user", "content": "Where is parcel Z-77?"}
    asked: dict[str, Any] = {
        "model": "gigachat/GigaChat-3-Ultra",
        "tools": [{"type": "function", "function": _SPECIFICATION}],
        "api_version": "v2",
        "client": service.client,
    }
    choice = {"type": "function", "function": {"name": "parcel_status"}}
    first = litellm.completion(messages=[question], tool_choice=choice, **asked)
    call = first.choices[0].message.tool_calls[0]
    assert (first.choices[0].finish_reason, call.function.name) == ("tool_calls", "parcel_status")
    assert json.loads(call.function.arguments) == {"number": "Z-77"}
    assert (first.usage.prompt_tokens, first.usage.completion_tokens, first.usage.total_tokens) == (88, 25, 113)

    result = {"role": "tool", "tool_call_id": call.id, "content": '{"place": "Omsk"}'}
    second = litellm.completion(messages=[question, first.choices[0].message, result], **asked)
    assert second.choices[0].message.content == "It is in Omsk."
    assert (second.choices[0].finish_reason, second.usage.total_tokens) == ("stop", 167)

    user = {"role": "user", "content": [{"text": "Where is parcel Z-77?"}]}
    tools = [{"functions": {"specifications": [_SPECIFICATION]}}]
    assert {str(request.url) for request in service.requests} == {"https://gigachat.test/api/v2/chat/completions"}
    assert service.bodies == [
        {
            "model": "GigaChat-3-Ultra",
            "messages": [user],
            "tools": tools,
            "tool_config": {"mode": "forced", "function_name": "parcel_status"},
        },
        {
            "model": "GigaChat-3-Ultra",
            "messages": [
                user,
                {"role": "assistant", "content": [call_part], "tools_state_id": _STATE},
                {
                    "role": "tool",
                    "content": [{"function_result": {"name": "parcel_status", "result": {"place": "Omsk"}}}],
                    "tools_state_id": _STATE,
                },
            ],
            "tools": tools,
        },
    ]


def test_stream_as_recorded_on_v2(scripted: Callable[..., Scripted]) -> None:
    head = {"model": "GigaChat-3-Ultra:32.3.18.5", "created_at": 1780321864}
    delta = {**head, "messages": [{"role": "assistant", "content": [{"text": "один, два"}]}]}
    usage = {
        "input_tokens": 19,
        "input_tokens_details": {"prompt_tokens": 19, "cached_tokens": 0},
        "output_tokens": 8,
        "total_tokens": 27,
    }
    done = {**head, "finish_reason": "stop", "usage": usage}
    text = "".join(
        f"event: response.message.{name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
        for name, data in (("delta", delta), ("done", done))
    )
    service = scripted(httpx.Response(200, headers={"content-type": "text/event-stream"}, content=text.encode()))
    chunks = list(
        litellm.completion(
            model="gigachat/GigaChat-3-Ultra",
            messages=[{"role": "user", "content": "Посчитай до двух"}],
            stream=True,
            stream_options={"include_usage": True},
            api_version="v2",
            client=service.client,
        )
    )
    whole = litellm.stream_chunk_builder(chunks)
    assert (whole.choices[0].message.content, whole.choices[0].finish_reason) == ("один, два", "stop")
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens, whole.usage.total_tokens) == (19, 8, 27)
    assert service.bodies == [
        {
            "model": "GigaChat-3-Ultra",
            "messages": [{"role": "user", "content": [{"text": "Посчитай до двух"}]}],
            "stream": True,
        }
    ]


# --- a handler of ours under another name -----------------------------------------------------------------


def test_another_provider_name_gets_prices_and_abilities(
    gigachat_sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = litellm_gigachat_provider.GigaChatLLM()
    entries = [*litellm.custom_provider_map, {"provider": "gigachat_corp", "custom_handler": handler}]
    monkeypatch.setattr(litellm, "custom_provider_map", entries)
    monkeypatch.setattr(litellm, "model_cost", dict(litellm.model_cost))
    litellm_gigachat_provider.register()
    model = "gigachat_corp/GigaChat-2-Max"
    answer = litellm.completion(model=model, messages=HELLO)
    usage = answer.usage
    paid = usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens + usage.completion_tokens
    price = litellm.model_cost[MODEL]["input_cost_per_token"]
    assert answer._hidden_params["response_cost"] == pytest.approx(paid * price)
    assert litellm.supports_function_calling(model)
    assert litellm.supports_response_schema(model)
