"""v2 answers and streams: exact outcomes."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapes import FILE, STATE, STATE_HEX, USAGE_V2, content, pieces, read_stream, reasoning, request, v2_body

from litellm_gigachat_provider.contracts.answer_v2 import StreamV2, read_answer, read_usage
from litellm_gigachat_provider.errors import BadAnswerError, HttpFailureError, ModelOutputError
from litellm_gigachat_provider.types import Answer, Delta, MediaRef, ToolCall, Usage

DELTA, DONE = "response.message.delta", "response.message.done"
MODEL = {"model": "GigaChat-3-Ultra:32.3.18.5", "created_at": 1780321864}
ORDER = {"name": "get_order", "arguments": {"id": "A-1"}}
STOCK = {"name": "get_stock", "arguments": {"sku": 7}}
SOURCES = {
    "inline_data": {"images": [], "sources": {"1": {"url": "https://a", "title": "A"}, "2": {"url": "https://b"}}}
}


def read(body: Any, **more: Any) -> Answer:
    return read_answer(body, request(**more), "abcdef01")


def citation(url: str, title: str, start: int, end: int) -> dict[str, Any]:
    inner = {"url": url, "title": title, "start_index": start, "end_index": end}
    return {"type": "url_citation", "url_citation": inner}


def test_text() -> None:
    assert read(v2_body({"text": "Hi"}, {"text": " there"})) == Answer(
        content="Hi there",
        finish_reason="stop",
        raw_finish_reason="stop",
        usage=Usage(19, 8, 5),
        served_model="GigaChat-3-Ultra:32.3.18.5",
        created=1780321868,
    )


@pytest.mark.parametrize("key", ["tool_state_id", "tools_state_id", "functions_state_id"])
def test_parallel_calls_and_state(key: str) -> None:
    body = v2_body({"function_call": ORDER}, {"function_call": STOCK}, finish="function_call", **{key: STATE})
    answer = read(body, names={"get_stock": "get stock"})
    assert answer.content is None
    assert answer.tool_calls == [
        ToolCall(f"giga_{STATE_HEX}", "get_order", '{"id":"A-1"}', 0),
        ToolCall(f"giga1_{STATE_HEX}", "get stock", '{"sku":7}', 1),
    ]
    assert (answer.finish_reason, answer.state_id) == ("tool_calls", STATE)


def test_equal_calls_in_one_answer_are_two_calls_with_ids_of_their_own() -> None:
    answer = read(v2_body({"function_call": ORDER}, {"function_call": ORDER}, finish="function_call"))
    assert [call.id for call in answer.tool_calls] == ["call_abcdef01", "call1_abcdef01"]


def test_reasoning_is_a_message_of_its_own() -> None:
    body = v2_body({"text": "ok"})
    body["messages"].insert(0, {"role": "reasoning", "content": [{"text": "hm"}]})
    answer = read(body)
    assert (answer.content, answer.reasoning) == ("ok", "hm")


def test_sources_become_annotations() -> None:
    answer = read(v2_body({"text": "Sky [sources=[1]]."}, SOURCES))
    assert answer.content == "Sky [1]."
    assert answer.annotations == [citation("https://a", "A", 4, 7), citation("https://b", "", 0, 0)]


def test_files() -> None:
    image = {"id": FILE, "mime": "image/jpeg", "target": "image"}
    answer = read(v2_body({"files": [image, {"id": "x"}, {}, 1]}, {"text": "кот"}))
    assert (answer.content, answer.media) == ("кот", [MediaRef(FILE, "image", "image/jpeg"), MediaRef("x", "file")])


def test_what_is_not_understood_is_kept() -> None:
    body = v2_body({"text": "x", "logprobs": [1]}, {"tool_execution": {"name": "w"}}, {"novel": 1}, message_id="m")
    body["thread_id"] = "t"
    assert read(body).extra == {
        "logprobs": [1],
        "tool_executions": [{"name": "w"}],
        "parts": [{"novel": 1}],
        "message_id": "m",
        "thread_id": "t",
    }


@pytest.mark.parametrize(
    "raw", ["blacklist", "request_blacklist", "request_whitelist", "request_filter", "response_blacklist"]
)
def test_every_filter_is_content_filter(raw: str) -> None:
    answer = read({**MODEL, "messages": [], "finish_reason": raw})
    assert (answer.content, answer.finish_reason, answer.raw_finish_reason) == ("", "content_filter", raw)


@pytest.mark.parametrize("raw", ["error", "function_call_error"])
def test_failed_calls_raise(raw: str) -> None:
    with pytest.raises(ModelOutputError):
        read(v2_body({"text": "x"}, finish=raw))


@pytest.mark.parametrize("body", [[], {}, {"messages": []}, {"messages": "x"}])
def test_unusable_bodies(body: Any) -> None:
    with pytest.raises(BadAnswerError):
        read(body)


def test_error_body_under_200() -> None:
    with pytest.raises(HttpFailureError) as caught:
        read({"status": 404, "message": "No such model"})
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (USAGE_V2, Usage(19, 8, 5)),
        ({"input_tokens": 3, "input_tokens_details": {"cached_tokens": 36}, "output_tokens": 1}, Usage(39, 1, 36)),
        ({"input_tokens": 3, "total_tokens": 5}, Usage(3, 2, 0)),
        ({"input_tokens_details": 1}, Usage()),
        (None, None),
    ],
)
def test_usage(usage: Any, expected: Usage | None) -> None:
    assert read_usage(usage) == expected


# --- streams ---------------------------------------------------------------------------------------


def said(*parts: Any, role: str = "assistant", **more: Any) -> dict[str, Any]:
    return {**MODEL, "messages": [{"role": role, "content": list(parts), **more}]}


def done(finish: str = "stop", *parts: Any, **more: Any) -> tuple[str, dict[str, Any]]:
    body = said(*parts, **more) if parts else dict(MODEL)
    return DONE, {**body, "finish_reason": finish, "usage": USAGE_V2}


def stream(*events: tuple[str, Any], **more: Any) -> list[Delta]:
    return read_stream(StreamV2(request(**more), "abcdef01"), events)


def test_a_search_told_in_one_part_and_a_state_in_a_done_without_content() -> None:
    part = {"text": "Sky [sources=[1]].", **SOURCES}
    cited = [citation("https://a", "A", 4, 7), citation("https://b", "", 0, 0)]
    plain = read(v2_body(part))
    assert (plain.content, plain.annotations) == ("Sky [1].", cited)
    end = {**done()[1], "messages": [{"role": "assistant", "tool_state_id": STATE}]}
    deltas = stream((DELTA, said(part)), (DONE, end))
    assert content(deltas) == "Sky [1]."
    assert (deltas[-1].finish_reason, deltas[-1].state_id, deltas[-1].annotations) == ("stop", STATE, cited)


def test_stream_of_text() -> None:
    assert stream((DELTA, said({"text": "1, 2, 3"})), done()) == [
        Delta(content="1, 2, 3", served_model=MODEL["model"], created=1780321864),
        Delta(finish_reason="stop", raw_finish_reason="stop", usage=Usage(19, 8, 5)),
    ]


BOTH = ({"function_call": ORDER}, {"function_call": STOCK})


@pytest.mark.parametrize(
    "events",
    [
        [done("function_call", *BOTH, tool_state_id=STATE)],
        [(DELTA, said(*BOTH, tool_state_id=STATE)), done("function_call")],
        [(DELTA, said(*BOTH)), done("function_call", *BOTH, tool_state_id=STATE)],
        [(DELTA, said(BOTH[0])), (DELTA, said(BOTH[1])), done("function_call", *BOTH, tool_state_id=STATE)],
        [(DELTA, said(BOTH[0], tool_state_id=STATE)), done("function_call", BOTH[1])],
        [
            (DELTA, said({"function_call": {"name": "get_order"}}, BOTH[1])),
            done("function_call", *BOTH, tool_state_id=STATE),
        ],
    ],
    ids=["done", "delta", "both", "one by one and again", "split over both", "name first"],
)
def test_stream_tells_every_call_once(events: list[Any]) -> None:
    deltas = stream(*events)
    assert [call for delta in deltas for call in delta.tool_calls] == [
        ToolCall(f"giga_{STATE_HEX}", "get_order", '{"id":"A-1"}', 0),
        ToolCall(f"giga1_{STATE_HEX}", "get_stock", '{"sku":7}', 1),
    ]
    assert deltas[-1].finish_reason == "tool_calls"


def test_calls_with_different_ids_are_different_calls() -> None:
    first, second = ({**ORDER, "id": f"0f0e0d0c-0000-4000-8000-00000000000{n}"} for n in (1, 2))
    deltas = stream((DELTA, said({"function_call": first})), done("function_call", {"function_call": second}))
    assert len(deltas[-1].tool_calls) == 2


def test_progress_unknown_events_and_empty_frames_say_nothing() -> None:
    step = {"tool_execution": {"name": "web_search", "seconds_left": 5}, "text": "ищу"}
    deltas = stream(
        ("response.tool.in_progress", said(step)),
        ("response.tool.completed", said(step, role="reasoning")),
        ("response.novel", {}),
        (DELTA, said({"text": "ok"})),
        done(),
    )
    assert content(deltas) == "ok"
    assert reasoning(deltas) == ""


def test_reasoning_sources_and_files_in_a_stream() -> None:
    picture = {"files": [{"id": FILE, "target": "image"}]}
    deltas = stream(
        (DELTA, said({"text": "hm"}, role="reasoning")),
        (DELTA, said({"text": "Sky [sour"})),
        (DELTA, said({"text": "ces=[1]]"}, picture)),
        (DELTA, said(SOURCES)),
        done("stop", picture),
    )
    assert (reasoning(deltas), content(deltas)) == ("hm", "Sky [1]")
    assert deltas[-1].annotations == [citation("https://a", "A", 4, 7), citation("https://b", "", 0, 0)]
    assert [ref.file_id for delta in deltas for ref in delta.media] == [FILE]


def test_cut_stream() -> None:
    with pytest.raises(BadAnswerError, match="ended before its finish"):
        stream((DELTA, said({"text": "x"})))


def test_error_event() -> None:
    with pytest.raises(HttpFailureError) as caught:
        stream(("error", {"status": 500, "message": "Internal Server Error"}))
    assert (caught.value.status, caught.value.where) == (500, "stream")


def test_after_done_nothing_is_told() -> None:
    reader = StreamV2(request(), "x")
    reader.feed(*done())
    assert reader.finished
    assert reader.feed("", {}) == []


@given(
    st.lists(st.sampled_from(["a ", "Ж", "[sources=[1, 2]]", "[", "<think>x</think>"]), max_size=8).map("".join),
    st.lists(st.integers(0, 200), max_size=20),
)
def test_stream_equals_plain(text: str, cuts: list[int]) -> None:
    plain = read(v2_body({"text": text}, SOURCES))
    deltas = stream(*((DELTA, said({"text": part})) for part in pieces(text, cuts)), (DELTA, said(SOURCES)), done())
    assert (content(deltas), reasoning(deltas) or None) == (plain.content, plain.reasoning)
    assert deltas[-1].annotations == plain.annotations


KEYS = st.sampled_from(
    [
        "messages", "message", "role", "content", "text", "files", "id", "mime", "function_call", "name", "arguments",
        "inline_data", "sources", "1", "usage", "input_tokens_details", "finish_reason", "status", "tool_state_id",
        "tool_execution", "tool_executions", "parts", "logprobs", "extra", "error", "model", "created_at",
    ]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(KEYS, JSON, max_size=5), max_size=4), st.dictionaries(KEYS, JSON, max_size=4))
def test_any_json_gives_an_answer_or_our_error(bodies: list[Any], part: dict[str, Any]) -> None:
    for body in bodies:
        shaped = {**body, "messages": [{**body, "content": [part, body.get("content")]}]}
        for candidate in (body, shaped):
            with contextlib.suppress(BadAnswerError, HttpFailureError, ModelOutputError):
                assert read(candidate).finish_reason
            with contextlib.suppress(BadAnswerError, HttpFailureError, ModelOutputError):
                assert stream((DELTA, candidate), (DELTA, candidate), done())[-1].finish_reason
