"""The short way of the usual stream event gives what the long way gives."""

from __future__ import annotations

from typing import Any

import pytest

from litellm_gigachat_provider import models
from litellm_gigachat_provider.contracts.answer_v1 import StreamV1
from litellm_gigachat_provider.request.request import read_chat
from litellm_gigachat_provider.types import Delta

FILE = "0198c0de-0000-7000-8000-00000000a11e"
HELLO = [{"role": "user", "content": "Hello"}]


def event(content: Any, **message: Any) -> dict[str, Any]:
    choice = {"delta": {"content": content, **message}, "index": 0}
    return {"choices": [choice], "created": 1, "model": "GigaChat:2", "object": "chat.completion"}


def read(events: list[dict[str, Any]], *, short: bool = True) -> list[Delta]:
    request = read_chat("GigaChat-2", HELLO, {}, contract="v1", model_info=models.find("GigaChat-2"))
    stream = StreamV1(request, "0" * 32)
    last = event("")
    last["choices"][0]["finish_reason"] = "stop"
    last["usage"] = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    deltas: list[Delta] = []
    for each in [*events, last]:
        text = stream.more_text("message", each) if short else None
        deltas += stream.feed("message", each) if text is None else [Delta(text)]
    return deltas


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
    events = [event(text) for text in texts]
    assert read(events) == read(events, short=False)


def test_which_events_go_the_short_way() -> None:
    request = read_chat("GigaChat-2", HELLO, {}, contract="v1", model_info=models.find("GigaChat-2"))
    stream = StreamV1(request, "0" * 32)
    assert stream.more_text("message", event("a")) is None  # the first one names the model
    stream.feed("message", event("a"))
    assert stream.more_text("message", event("b")) == "b"
    assert stream.more_text("error", event("b")) is None
    for other in (event("b", role="assistant"), event(""), event("<"), {}, {"choices": []}, {"choices": [None]}):
        assert stream.more_text("message", other) is None


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
