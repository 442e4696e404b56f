"""v1 answers and streams: exact outcomes."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapes import (
    FILE,
    STATE,
    STATE_HEX,
    USAGE_V1,
    content,
    pieces,
    read_stream,
    reasoning,
    request,
    v1_body,
    v1_event,
)

from litellm_gigachat_provider.contracts.answer_v1 import StreamV1, read_answer, read_usage
from litellm_gigachat_provider.errors import BadAnswerError, HttpFailureError, ModelOutputError
from litellm_gigachat_provider.types import Answer, Delta, MediaRef, ToolCall, Usage

CALL = {"name": "get_weather", "arguments": {"city": "Омск"}}


def read(body: Any, **more: Any) -> Answer:
    return read_answer(body, request(**more), "abcdef01")


def test_text() -> None:
    assert read(v1_body(content="Hello.")) == Answer(
        content="Hello.",
        finish_reason="stop",
        raw_finish_reason="stop",
        usage=Usage(19, 3, 2),
        served_model="GigaChat-2-Max:2.0.30.01",
        created=1768996171,
    )


def test_call_with_state_id_and_alias() -> None:
    body = v1_body("function_call", function_call=CALL, functions_state_id=STATE)
    answer = read(body, names={"get_weather": "get weather!"})
    assert answer.content is None
    assert answer.tool_calls == [ToolCall(f"giga_{STATE_HEX}", "get weather!", '{"city":"Омск"}', 0)]
    assert (answer.finish_reason, answer.raw_finish_reason, answer.state_id) == ("tool_calls", "function_call", STATE)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"id": "0f0e0d0c-0000-4000-8000-000000000001"}, "call_0f0e0d0c000040008000000000000001"),
        ({}, "call_abcdef01"),
    ],
)
def test_call_id_without_state(call: dict[str, Any], expected: str) -> None:
    assert read(v1_body("function_call", function_call={**CALL, **call})).tool_calls[0].id == expected


@pytest.mark.parametrize(
    ("arguments", "text"),
    [({}, "{}"), (None, "{}"), ("", "{}"), ('{"a": 1}', '{"a": 1}'), ({"a": {"b": [1, None]}}, '{"a":{"b":[1,null]}}')],
)
def test_arguments(arguments: Any, text: str) -> None:
    body = v1_body("function_call", function_call={"name": "f", "arguments": arguments})
    assert read(body).tool_calls[0].arguments == text


@pytest.mark.parametrize("arguments", ["{broken", "[1]", [1], 7])
def test_unreadable_arguments(arguments: Any) -> None:
    with pytest.raises(ModelOutputError, match="no JSON object"):
        read(v1_body("function_call", function_call={"name": "f", "arguments": arguments}))


def test_a_call_without_a_name() -> None:
    with pytest.raises(ModelOutputError, match="without a name"):
        read(v1_body("function_call", function_call={"arguments": {}}))


@pytest.mark.parametrize(
    ("raw", "mapped"),
    [("stop", "stop"), ("length", "length"), ("blacklist", "content_filter"), ("novel", "stop"), (None, "stop")],
)
def test_finish_reasons(raw: str | None, mapped: str) -> None:
    answer = read(v1_body(raw, content="x"))
    assert (answer.finish_reason, answer.raw_finish_reason) == (mapped, raw)


def test_call_with_finish_stop_is_a_call() -> None:
    assert read(v1_body("stop", function_call=CALL)).finish_reason == "tool_calls"


def test_announced_call_that_is_missing() -> None:
    with pytest.raises(ModelOutputError, match="sent none"):
        read(v1_body("function_call"))
    assert read(v1_body("function_call", content="text")).finish_reason == "stop"


def test_finish_error_raises() -> None:
    with pytest.raises(ModelOutputError, match="'error'"):
        read(v1_body("error", content="x"))


def test_reasoning_from_both_places() -> None:
    answer = read(v1_body(content="<think>b</think> c", reasoning_content="a "))
    assert (answer.content, answer.reasoning) == ("c", "a b")


def test_media_leave_the_text() -> None:
    answer = read(v1_body(content=f'<img src="{FILE}" fuse="true"/> кот', functions_state_id=STATE))
    assert (answer.content, answer.media, answer.state_id) == ("кот", [MediaRef(FILE)], STATE)


def test_unknown_keys_are_kept() -> None:
    body = {**v1_body(content="x", data_for_context=[1]), "thread_id": "t", "message_id": "m", "new": 1}
    body["usage"] = {**USAGE_V1, "system_tokens": 4}
    assert read(body).extra == {
        "thread_id": "t",
        "message_id": "m",
        "new": 1,
        "message": {"data_for_context": [1]},
        "usage": {"system_tokens": 4},
    }


@pytest.mark.parametrize("value", [None, 5, ["a", {"text": "b"}], {"x": 1}])
def test_content_of_a_wrong_type(value: Any) -> None:
    expected = {"None": "", "5": "5", "['a', {'text': 'b'}]": "ab", "{'x': 1}": '{"x":1}'}[str(value)]
    assert read(v1_body(content=value)).content == expected


@pytest.mark.parametrize("body", [[], "x", {}, {"choices": []}, {"choices": [1]}, {"choices": [{"index": 0}]}])
def test_unusable_bodies(body: Any) -> None:
    with pytest.raises(BadAnswerError, match="GigaChat's answer"):
        read(body)


def test_error_body_under_200() -> None:
    with pytest.raises(HttpFailureError) as caught:
        read({"status": 429, "message": "Too many requests"})
    assert (caught.value.status, caught.value.service_message()) == (429, "Too many requests")


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (USAGE_V1, Usage(19, 3, 2)),
        (
            {"prompt_tokens": 1, "completion_tokens": 4, "total_tokens": 5, "precached_prompt_tokens": 37},
            Usage(38, 4, 37),
        ),
        ({"prompt_tokens": "7", "total_tokens": 9}, Usage(7, 2, 0)),
        ({"prompt_tokens": -1, "completion_tokens": True, "precached_prompt_tokens": None}, Usage()),
        ({}, None),
        (None, None),
        ([1], None),
    ],
)
def test_usage_is_gross(usage: Any, expected: Usage | None) -> None:
    assert read_usage(usage) == expected


# --- streams ---------------------------------------------------------------------------------------


def stream(*events: Any, **more: Any) -> list[Delta]:
    return read_stream(StreamV1(request(**more), "abcdef01"), [("", event) for event in events])


def test_stream_of_text() -> None:
    deltas = stream(
        v1_event(content="1, 2", role="assistant"), v1_event(content=", 3"), v1_event("stop", USAGE_V1, content="")
    )
    assert deltas == [
        Delta(content="1, 2", served_model="GigaChat:2.0.28.2", created=1768996176),
        Delta(content=", 3"),
        Delta(finish_reason="stop", raw_finish_reason="stop", usage=Usage(19, 3, 2)),
    ]


TOLD = [ToolCall(f"giga_{STATE_HEX}", "get_weather", '{"city":"Омск"}', 0)]
WHOLE = {"content": "", "role": "assistant", "function_call": CALL, "functions_state_id": STATE}
BITS = [
    {"function_call": {"name": "get_weather"}, "functions_state_id": STATE},
    {"function_call": {"name": "get_weather", "arguments": '{"city":'}},
    {"function_call": {"arguments": '"Омск"}'}},
]


@pytest.mark.parametrize(
    "events",
    [
        [v1_event("function_call", USAGE_V1, **WHOLE)],
        [v1_event(**WHOLE), v1_event("function_call", USAGE_V1, content="")],
        [v1_event(**WHOLE), v1_event("function_call", USAGE_V1, **WHOLE)],
        [
            v1_event(function_call={"name": "get_weather", "arguments": {}}),
            v1_event("function_call", USAGE_V1, **WHOLE),
        ],
        [*(v1_event(**bit) for bit in BITS), v1_event("stop", USAGE_V1)],
        [v1_event(**WHOLE), v1_event("function_call"), {"choices": [], "usage": USAGE_V1}],
        [
            v1_event(content="", role="assistant", function_call=CALL),
            v1_event("function_call", USAGE_V1, content="", role="assistant", functions_state_id=STATE),
        ],
    ],
    ids=["one chunk", "finish later", "repeated", "arguments later", "in bits", "usage last", "state last"],
)
def test_stream_tells_a_call_once_and_whole(events: list[Any]) -> None:
    deltas = stream(*events)
    assert [call for delta in deltas for call in delta.tool_calls] == TOLD
    last = deltas[-1]
    assert (last.finish_reason, last.state_id, last.usage) == ("tool_calls", STATE, Usage(19, 3, 2))
    assert content(deltas) == ""


def test_progress_of_a_builtin_is_no_text() -> None:
    deltas = stream(
        v1_event(role="function_in_progress", name="text2image", content="осталось 10 с"),
        v1_event(content=f'<img src="{FILE}" fuse="true"/> кот', role="assistant"),
        v1_event("stop", USAGE_V1, content=""),
    )
    assert content(deltas) == "кот"
    assert [ref for delta in deltas for ref in delta.media] == [MediaRef(FILE)]


def test_reasoning_in_a_stream() -> None:
    deltas = stream(v1_event(reasoning_content="hm"), v1_event(content="ok"), v1_event("stop", USAGE_V1))
    assert (reasoning(deltas), content(deltas)) == ("hm", "ok")


def test_finished_only_when_nothing_more_is_to_come() -> None:
    reader = StreamV1(request(), "x")
    reader.feed("", v1_event("stop", content="a"))
    assert not reader.finished  # usage may still come
    reader.feed("", {"choices": [], "usage": USAGE_V1})
    assert reader.finished
    assert reader.end() == []


def test_finish_without_usage_is_told_at_the_end() -> None:
    deltas = stream(v1_event("length", content="a"))
    assert [delta.finish_reason for delta in deltas] == [None, "length"]


def test_other_choices_are_not_ours() -> None:
    other = {"choices": [{"delta": {"content": "no"}, "index": 1, "finish_reason": "length"}]}
    assert content(stream(v1_event(content="a"), other, v1_event("stop", USAGE_V1))) == "a"


@pytest.mark.parametrize("events", [[], [v1_event(content="a")]])
def test_cut_stream(events: list[Any]) -> None:
    with pytest.raises(BadAnswerError, match="ended before its finish"):
        stream(*events)


@pytest.mark.parametrize(
    ("name", "payload", "status"),
    [
        ("", {"status": 500, "message": "Internal Server Error"}, 500),
        ("error", {"status": 429, "message": "Too many requests"}, 429),
        ("", {"error": {"code": 503, "message": "busy"}}, 503),
        ("", {"error": "broken"}, 500),
    ],
)
def test_error_inside_a_stream(name: str, payload: Any, status: int) -> None:
    reader = StreamV1(request(), "x")
    reader.feed("", v1_event(content="a"))
    with pytest.raises(HttpFailureError) as caught:
        reader.feed(name, payload)
    assert (caught.value.status, caught.value.where) == (status, "stream")


def test_stream_finish_error_raises() -> None:
    with pytest.raises(ModelOutputError):
        stream(v1_event("error", USAGE_V1))


def test_event_that_is_no_object() -> None:
    with pytest.raises(BadAnswerError):
        StreamV1(request(), "x").feed("", [1])


@given(
    st.text(alphabet='<thinkimg/> abЖ\n[]="', max_size=60) | st.just(f'<think>hm</think>Вот <img src="{FILE}"/> да'),
    st.lists(st.integers(0, 200), max_size=20),
)
def test_stream_equals_plain(text: str, cuts: list[int]) -> None:
    plain = read(v1_body(content=text))
    deltas = stream(*(v1_event(content=part) for part in pieces(text, cuts)), v1_event("stop", USAGE_V1))
    assert (content(deltas), reasoning(deltas) or None) == (plain.content, plain.reasoning)
    assert [ref for delta in deltas for ref in delta.media] == plain.media


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["choices", "message", "content", "function_call", "usage", "name", "arguments", "finish_reason"]
)


@given(st.dictionaries(KEYS, JSON, max_size=4), st.dictionaries(KEYS, JSON, max_size=4))
def test_any_json_gives_an_answer_or_our_error(body: Any, message: Any) -> None:
    for candidate in (body, {"choices": [{"message": message, "finish_reason": body.get("finish_reason")}], **body}):
        try:
            answer = read(candidate)
        except (BadAnswerError, HttpFailureError, ModelOutputError):
            continue
        for call in answer.tool_calls:
            assert isinstance(json.loads(call.arguments), dict)


@given(
    st.lists(
        st.dictionaries(KEYS | st.sampled_from(["delta", "message", "status", "role"]), JSON, max_size=5), max_size=4
    )
)
def test_any_events_give_deltas_or_our_error(deltas: list[Any]) -> None:
    events = [{**delta, "choices": [{"delta": delta, "finish_reason": delta.get("finish_reason")}]} for delta in deltas]
    for candidate in (deltas, events):
        with contextlib.suppress(BadAnswerError, HttpFailureError, ModelOutputError):
            assert stream(*candidate)[-1].finish_reason


@pytest.mark.parametrize("key", ["status", "status_code", "code"])
def test_an_error_in_mid_stream_by_any_name_of_its_status(key: str) -> None:
    reader = StreamV1(request(), "abcdef01")
    with pytest.raises(HttpFailureError) as caught:
        reader.feed("message", {key: 500, "message": "Internal error"})
    assert caught.value.status == 500
    assert "Internal error" in str(caught.value)


def test_a_message_where_a_delta_is_usual_is_not_lost() -> None:
    reader = StreamV1(request(), "abcdef01")
    deltas = reader.feed("message", {"choices": [{"message": {"role": "assistant", "content": "Привет"}, "index": 0}]})
    assert "".join(delta.content or "" for delta in deltas) == "Привет"
