"""Chunks through LiteLLM's real CustomStreamWrapper and stream_chunk_builder, on whatever LiteLLM is installed."""

from __future__ import annotations

import datetime
from typing import Any

import litellm
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litellm.litellm_core_utils.litellm_logging import Logging
from shapes import FILE, STATE

from litellm_gigachat_provider.bridge.chunks import ChunkWriter, chunk_kind
from litellm_gigachat_provider.types import Delta, MediaRef, ToolCall, Usage

QUESTION = [{"role": "user", "content": "hi"}]
CALLS = [ToolCall("c0", "f", '{"a":1}', 0), ToolCall("c1", "g", '{"b":2}', 1)]
END = Delta(finish_reason="stop", raw_finish_reason="stop", usage=Usage(11, 3, 5))
Batch = tuple[int, list[Delta]]


@pytest.fixture(autouse=True)
def provider_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm, "_custom_providers", [*litellm._custom_providers, "gigachat"])
    monkeypatch.setattr(litellm, "disable_streaming_logging", True)


def write(*batches: Batch, legacy: bool = False, n: int = 1) -> list[Any]:
    writer = ChunkWriter("chatcmpl-1", 5, "GigaChat", legacy_functions=legacy, n=n)
    return [chunk for index, deltas in batches for chunk in writer.write(deltas, index)]


def wrapped(chunks: list[Any], include_usage: bool = False) -> list[Any]:
    logging = Logging(
        model="GigaChat",
        messages=QUESTION,
        stream=True,
        call_type="completion",
        start_time=datetime.datetime.now(),
        litellm_call_id="call",
        function_id="function",
    )
    logging.update_environment_variables(
        model="GigaChat", user=None, optional_params={}, litellm_params={}, custom_llm_provider="gigachat"
    )
    wrapper = litellm.CustomStreamWrapper(
        completion_stream=iter(chunks),
        model="GigaChat",
        custom_llm_provider="gigachat",
        logging_obj=logging,
        stream_options={"include_usage": True} if include_usage else None,
    )
    wrapper.created, wrapper.response_id = 5, "chatcmpl-1"
    return list(wrapper)


def whole(got: list[Any]) -> Any:
    return litellm.stream_chunk_builder(got, messages=QUESTION)


def told(got: list[Any]) -> list[dict[str, Any]]:
    """What each choice of each chunk says."""
    out = []
    for chunk in got:
        for choice in chunk.choices:
            delta = choice.delta.model_dump(exclude_none=True)
            if choice.finish_reason:
                delta["finish"] = choice.finish_reason
            out.append({"index": choice.index, **delta})
    return out


def test_kind_fits_the_installed_litellm() -> None:
    from litellm._version import version

    assert chunk_kind() == ("G" if tuple(map(int, version.split(".")[:2])) < (1, 84) else "M")
    assert all(isinstance(chunk, dict) == (chunk_kind() == "G") for chunk in write((0, [Delta(content="a"), END])))


@pytest.mark.parametrize("include_usage", [True, False])
def test_everything_survives(include_usage: bool) -> None:
    last = Delta(
        tool_calls=CALLS,
        finish_reason="tool_calls",
        raw_finish_reason="function_call",
        usage=Usage(11, 3, 5),
        state_id=STATE,
        extra={"thread_id": "t"},
    )
    got = wrapped(
        write(
            (0, [Delta(reasoning="th", served_model="GigaChat:2"), Delta(reasoning="ink")]),
            (0, [Delta(content="sa"), Delta(content="y")]),
            (0, [last]),
        ),
        include_usage,
    )
    fields = {"functions_state_id": STATE, "finish_reason": "function_call", "thread_id": "t"}
    assert [{k: v for k, v in piece.items() if k != "role"} for piece in told(got)][:5] == [
        {"index": 0, "reasoning_content": "think"},
        {"index": 0, "content": "say"},
        {
            "index": 0,
            "tool_calls": [
                {"id": "c0", "function": {"arguments": '{"a":1}', "name": "f"}, "type": "function", "index": 0},
            ],
        },
        {
            "index": 0,
            "provider_specific_fields": fields,
            "tool_calls": [
                {"id": "c1", "function": {"arguments": '{"b":2}', "name": "g"}, "type": "function", "index": 1},
            ],
        },
        {"index": 0, "finish": "tool_calls"},
    ]
    assert told(got)[0]["role"] == "assistant"
    assert len(got) == 5 + include_usage
    assert {(chunk.id, chunk.created) for chunk in got} == {("chatcmpl-1", 5)}
    assert got[1].system_fingerprint == "GigaChat:2"
    built = whole(got)
    message = built.choices[0].message
    assert (message.content, message.reasoning_content) == ("say", "think")
    assert [(c.id, c.function.name, c.function.arguments) for c in message.tool_calls] == [
        ("c0", "f", '{"a":1}'),
        ("c1", "g", '{"b":2}'),
    ]
    assert message.provider_specific_fields == fields
    if not include_usage:  # 1.81's builder looks at the last chunk only, which then is the usage
        assert built.choices[0].finish_reason == "tool_calls"
    assert (built.usage.prompt_tokens, built.usage.completion_tokens, built.usage.total_tokens) == (11, 3, 14)
    if include_usage:
        assert got[-1].usage.prompt_tokens_details.cached_tokens == 5


def test_one_read_is_one_chunk_of_text() -> None:
    chunks = write((0, [Delta(content=str(n)) for n in range(10)]), (0, [Delta(content="!"), END]))
    got = wrapped(chunks)
    assert [piece.get("content") for piece in told(got)] == ["0123456789", "!", None]


def test_fields_known_at_the_finish_ride_on_the_last_text() -> None:
    last = Delta(content="b", finish_reason="content_filter", raw_finish_reason="blacklist", usage=Usage(1, 1))
    got = wrapped(write((0, [Delta(content="a"), last])))
    assert told(got)[0]["content"] == "ab"
    assert told(got)[0]["provider_specific_fields"] == {"finish_reason": "blacklist"}
    assert told(got)[1]["finish"] == "content_filter"


def test_an_empty_answer_still_has_a_first_chunk_and_its_finish() -> None:
    got = wrapped(write((0, [END])))
    assert told(got)[-1] == {"index": 0, "finish": "stop"}
    built = whole(got)
    assert (built.choices[0].finish_reason, built.usage.prompt_tokens) == ("stop", 11)


def test_legacy_function_call() -> None:
    last = Delta(
        tool_calls=CALLS[:1], finish_reason="tool_calls", raw_finish_reason="function_call", usage=Usage(11, 3)
    )
    got = wrapped(write((0, [last]), legacy=True))
    assert told(got)[0]["function_call"] == {"arguments": '{"a":1}', "name": "f"}
    assert told(got)[-1] == {"index": 0, "finish": "function_call"}
    built = whole(got)
    assert built.choices[0].message.function_call.name == "f"
    assert built.choices[0].finish_reason == "function_call"


def test_annotations_and_pictures() -> None:
    annotation = {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 1}}
    writer = ChunkWriter("chatcmpl-1", 5, "GigaChat")
    pictures = {FILE: "data:image/jpeg;base64,AA=="}
    chunks = writer.write([Delta(content="кот", media=[MediaRef(FILE)])], images=pictures)
    chunks += writer.write([Delta(annotations=[annotation]), END])
    got = wrapped(chunks)
    pictures = [picture for piece in told(got) for picture in piece.get("images", ())]
    assert pictures == [{"type": "image_url", "index": 0, "image_url": {"url": "data:image/jpeg;base64,AA=="}}]
    message = whole(got).choices[0].message
    assert message.content == "кот"
    assert message.annotations == [annotation]
    assert message.provider_specific_fields["media"] == [{"file_id": FILE, "kind": "image", "mime": None}]


def test_several_choices_keep_their_indexes_and_nothing_is_lost_behind_a_finish() -> None:
    got = wrapped(
        write(
            (1, [Delta(content="B")]),
            (1, [Delta(finish_reason="length", raw_finish_reason="length", usage=Usage(10, 2, 1))]),
            (0, [Delta(content="A")]),
            (2, [Delta(tool_calls=CALLS[:1], finish_reason="tool_calls", raw_finish_reason="function_call")]),
            (0, [END]),
            n=3,
        ),
        include_usage=True,
    )
    pieces = told(got)
    texts = ["".join(piece.get("content") or "" for piece in pieces if piece["index"] == n) for n in range(3)]
    assert texts == ["A", "B", ""]
    assert [p["index"] for p in pieces if p.get("tool_calls")] == [2]
    finishes = {piece["index"]: piece["finish"] for piece in pieces if "finish" in piece}
    # Up to 1.83 the wrapper strips the finish of every choice from the chunks it rebuilds and says one itself.
    assert finishes == ({0: "stop", 1: "length", 2: "tool_calls"} if chunk_kind() == "M" else {0: "stop"})
    usage = got[-1].usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (11, 5)


def test_a_choice_beyond_n_is_not_lost() -> None:
    chunks = write((0, [Delta(content="A")]), (1, [Delta(content="B")]), (0, [END]), (1, [END]))
    assert {piece["index"] for piece in told(wrapped(chunks))} == {0, 1}


PARTS = st.sampled_from(
    [Delta(content="a"), Delta(content="Ж"), Delta(reasoning="r"), Delta(content="b", reasoning="q")]
)


@given(st.lists(st.lists(PARTS, max_size=4), max_size=6))
def test_joining_loses_nothing(reads: list[list[Delta]]) -> None:
    chunks = write(*((0, deltas) for deltas in reads), (0, [END]))
    objects = [
        c["original_chunk"] if isinstance(c, dict) else c
        for c in chunks
        if not isinstance(c, dict) or "original_chunk" in c
    ]
    deltas = [chunk.choices[0].delta for chunk in objects]
    flat = [delta for deltas_of_read in reads for delta in deltas_of_read]
    assert "".join(d.content or "" for d in deltas) == "".join(d.content or "" for d in flat)
    assert "".join(getattr(d, "reasoning_content", None) or "" for d in deltas) == "".join(
        d.reasoning or "" for d in flat
    )
    assert [d.role for d in deltas].count("assistant") == 1


@pytest.mark.skipif(chunk_kind() != "M", reason="LiteLLM before 1.84 takes dicts")
def test_each_of_several_calls_has_a_chunk_of_its_own() -> None:
    """LiteLLM's Anthropic adapter joins the arguments of calls that come in one: Claude Code lost the second."""
    chunks = write((0, [Delta(tool_calls=CALLS)]))
    told = [chunk.choices[0].delta.tool_calls for chunk in chunks if chunk.choices[0].delta.tool_calls]
    assert [[(call.index, call.id, call.function.arguments) for call in calls] for calls in told] == [
        [(0, "c0", '{"a":1}')],
        [(1, "c1", '{"b":2}')],
    ]
