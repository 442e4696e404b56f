"""Answers as LiteLLM's ModelResponse."""

from __future__ import annotations

from typing import Any

from litellm import ModelResponse
from shapes import FILE, FILE_2, STATE

from litellm_gigachat_provider.bridge.litellm_objects import fill_response
from litellm_gigachat_provider.types import Answer, MediaRef, ToolCall, Usage

HEADERS = {"x-request-id": "rq", "x-session-id": "se", "server": "SynGX"}
CALLS = [ToolCall("c0", "f", '{"a":1}', 0), ToolCall("c1", "g", "{}", 1)]


def fill(*answers: Answer, **more: Any) -> ModelResponse:
    response = ModelResponse()
    response._hidden_params["custom_llm_provider"] = "gigachat"
    filled = fill_response(
        response, answers, request_model="GigaChat-2", response_id="chatcmpl-1", created=7, headers=HEADERS, **more
    )
    assert filled is response
    return filled


def test_everything_of_a_text_answer() -> None:
    answer = Answer(
        content="ok",
        reasoning="hm",
        raw_finish_reason="stop",
        usage=Usage(19, 3, 2),
        served_model="GigaChat-2:2.0",
        created=5,
        annotations=[
            {"type": "url_citation", "url_citation": {"url": "u", "title": "", "start_index": 0, "end_index": 1}}
        ],
        extra={"thread_id": "t", "message_id": "m", "novel": 1},
    )
    response = fill(answer)
    choice = response.choices[0]
    assert (response.id, response.created, response.model) == ("chatcmpl-1", 5, "GigaChat-2")
    assert response.system_fingerprint == "GigaChat-2:2.0"
    assert (choice.finish_reason, choice.message.content, choice.message.reasoning_content) == ("stop", "ok", "hm")
    assert choice.message.tool_calls is None
    assert choice.message.annotations == answer.annotations
    assert choice.message.provider_specific_fields == {
        "finish_reason": "stop",
        "thread_id": "t",
        "message_id": "m",
        "extra": {"novel": 1},
    }
    usage = response.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (19, 3, 22)
    assert usage.prompt_tokens_details.cached_tokens == 2
    assert response._hidden_params == {
        "custom_llm_provider": "gigachat",
        "gigachat_model": "GigaChat-2:2.0",
        "additional_headers": {"x-request-id": "rq", "x-session-id": "se"},
    }


def called(**more: Any) -> Answer:
    return Answer(
        tool_calls=list(CALLS), finish_reason="tool_calls", raw_finish_reason="function_call", state_id=STATE, **more
    )


def test_tool_calls() -> None:
    choice = fill(called()).choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert [(c.id, c.type, c.function.name, c.function.arguments) for c in choice.message.tool_calls] == [
        ("c0", "function", "f", '{"a":1}'),
        ("c1", "function", "g", "{}"),
    ]
    assert choice.message.provider_specific_fields == {"functions_state_id": STATE, "finish_reason": "function_call"}


def test_legacy_function_call() -> None:
    choice = fill(called(), legacy_functions=True).choices[0]
    assert choice.finish_reason == "function_call"
    assert choice.message.tool_calls is None
    assert (choice.message.function_call.name, choice.message.function_call.arguments) == ("f", '{"a":1}')


def test_several_choices_count_the_prompt_once() -> None:
    answers = [Answer(content=str(n), usage=Usage(10, n, n)) for n in (1, 2, 3)]
    response = fill(*answers)
    assert [(c.index, c.message.content) for c in response.choices] == [(0, "1"), (1, "2"), (2, "3")]
    assert (response.usage.prompt_tokens, response.usage.completion_tokens, response.usage.total_tokens) == (10, 6, 16)
    assert response.created == 7


def test_pictures() -> None:
    answer = Answer(content="кот", media=[MediaRef(FILE), MediaRef(FILE_2, "video", "video/mp4")])
    message = fill(answer, images={FILE: "data:image/jpeg;base64,AA=="}).choices[0].message
    assert message.images == [{"type": "image_url", "index": 0, "image_url": {"url": "data:image/jpeg;base64,AA=="}}]
    assert message.provider_specific_fields["media"] == [
        {"file_id": FILE, "kind": "image", "mime": None},
        {"file_id": FILE_2, "kind": "video", "mime": "video/mp4"},
    ]
