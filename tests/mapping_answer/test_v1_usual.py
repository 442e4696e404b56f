"""The short way of the usual stream event gives what the long way gives."""

from __future__ import annotations

from typing import Any

import pytest

from litellm_gigachat_provider import models
from litellm_gigachat_provider.mapping.answer_v1 import StreamV1
from litellm_gigachat_provider.mapping.request import read_chat
from litellm_gigachat_provider.mapping.types import Delta

FILE = "0198c0de-0000-7000-8000-00000000a11e"
HELLO = [{"role": "user", "content": "Hello"}]


def event(content: Any, **message: Any) -> dict[str, Any]:
    choice = {"delta": {"content": content, **message}, "index": 0}
    return {"choices": [choice], "created": 1, "model": "GigaChat:2", "object": "chat.completion"}


def read(events: list[dict[str, Any]]) -> list[Delta]:
    request = read_chat("GigaChat-2", HELLO, {}, contract="v1", model_info=models.find("GigaChat-2"))
    stream = StreamV1(request, "0" * 32)
    last = event("")
    last["choices"][0]["finish_reason"] = "stop"
    last["usage"] = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    return [delta for each in [*events, last] for delta in stream.feed("", each)]


@pytest.mark.parametrize(
    "texts",
    [
        ["One, ", "two, ", "three"],
        ["<think>hm", "m</think>", "so", " it is"],
        ["A cat: ", f'<img src="{FILE}" ', 'fuse="true"/> here', " it", " is"],
        ["a < b", " and ", "c [1", "] d"],
        ["", "x", "", "y"],
    ],
)
def test_as_the_long_way(texts: list[str]) -> None:
    usual = read([event(text) for text in texts])
    long = read([event(text, role="assistant") for text in texts])
    assert usual == long


def test_what_else_an_event_says_is_not_lost() -> None:
    told = {**event("b"), "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}}
    del told["object"]
    called = event("", function_call={"name": "f", "arguments": {"a": 1}})
    deltas = read([event("a"), told, called])
    assert "".join(delta.content or "" for delta in deltas) == "ab"
    assert [call.name for call in deltas[-1].tool_calls] == ["f"]


def test_another_choice_and_other_types_are_no_text() -> None:
    other = event("no")
    other["choices"][0]["index"] = 1
    parts = event([{"type": "text", "text": "yes"}])
    assert "".join(delta.content or "" for delta in read([event("a "), other, parts])) == "a yes"
