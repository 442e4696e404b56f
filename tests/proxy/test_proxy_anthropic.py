"""Anthropic's SDK as Claude Code uses it: system blocks with cache marks, tools, thinking, content_block events."""

from __future__ import annotations

import json

import litellm
import pytest

pytestmark = pytest.mark.usefixtures("nothing_refused")

SYSTEM = [
    {"type": "text", "text": "You are a coding agent.", "cache_control": {"type": "ephemeral"}},
    {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
]
WEATHER = {
    "name": "get_weather",
    "description": "Current weather in a city",
    "input_schema": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"city": {"type": "string", "description": "City name"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
READ = {
    "name": "Read",
    "description": "Reads a file",
    "input_schema": {
        "type": "object",
        "properties": {"file_path": {"type": "string"}, "limit": {"type": "integer", "minimum": 1}},
        "required": ["file_path"],
    },
    "cache_control": {"type": "ephemeral"},
}
QUESTION = {
    "role": "user",
    "content": [{"type": "text", "text": "What is the weather in Moscow?", "cache_control": {"type": "ephemeral"}}],
}


def ask(claude, messages, **more):
    return claude.messages.create(model="gigachat", max_tokens=1024, system=SYSTEM, messages=messages, **more)


def test_plain(claude, sandbox):
    answer = ask(claude, [{"role": "user", "content": "Привет!"}])
    assert (answer.type, answer.role, answer.stop_reason) == ("message", "assistant", "end_turn")
    assert answer.content[0].type == "text" and answer.content[0].text
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0
    (sent,) = sandbox.chat_bodies
    assert sent["messages"] == [
        {"role": "system", "content": "You are a coding agent.\nBe brief."},
        {"role": "user", "content": "Привет!"},
    ]
    assert sent["max_tokens"] == 1024
    assert "cache_control" not in json.dumps(sent)


def test_streamed(claude, sandbox):
    with claude.messages.stream(
        model="gigachat", max_tokens=500, messages=[{"role": "user", "content": "Count from 1 to 5"}]
    ) as stream:
        events = list(stream)
        final = stream.get_final_message()
    kinds = [event.type for event in events]
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"
    assert kinds.index("content_block_start") < kinds.index("content_block_delta") < kinds.index("content_block_stop")
    assert final.stop_reason == "end_turn"
    assert final.content[0].text
    assert final.usage.output_tokens > 0
    assert sandbox.chat_bodies[0]["stream"] is True


def test_tool_use_in_two_steps(claude, sandbox):
    first = ask(claude, [QUESTION], tools=[READ, WEATHER], tool_choice={"type": "auto"})
    assert first.stop_reason == "tool_use"
    (use,) = [block for block in first.content if block.type == "tool_use"]
    assert (use.name, use.input) == ("get_weather", {"city": "Moscow"})
    result = {"type": "tool_result", "tool_use_id": use.id, "content": [{"type": "text", "text": "sunny, 21"}]}
    history = [QUESTION, {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    second = ask(claude, history, tools=[READ, WEATHER])
    assert "sunny" in second.content[0].text
    asked, answered = sandbox.chat_bodies
    assert [function["name"] for function in asked["functions"]] == ["Read", "get_weather"]
    assert [message["role"] for message in answered["messages"]] == ["system", "user", "assistant", "function"]
    assert answered["messages"][2]["function_call"] == {"name": "get_weather", "arguments": {"city": "Moscow"}}
    assert answered["messages"][2]["functions_state_id"]


def test_several_calls_and_results_in_one_turn(claude, sandbox):
    """Parallel calls of another model's history, and text beside the results, as Claude Code sends it."""
    calls = [
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "toolu_01A", "name": "Read", "input": {"file_path": "a.py"}},
        {"type": "tool_use", "id": "toolu_01B", "name": "Read", "input": {"file_path": "b.py", "limit": 10}},
    ]
    results = [
        {"type": "tool_result", "tool_use_id": "toolu_01B", "content": "print(2)"},
        {"type": "tool_result", "tool_use_id": "toolu_01A", "content": "no such file", "is_error": True},
        {"type": "text", "text": "<system-reminder>Go on</system-reminder>", "cache_control": {"type": "ephemeral"}},
    ]
    history = [
        {"role": "user", "content": "Compare the two files"},
        {"role": "assistant", "content": calls},
        {"role": "user", "content": results},
    ]
    answer = ask(claude, history, tools=[READ])
    assert answer.content
    messages = sandbox.chat_bodies[0]["messages"]
    made = [message["function_call"]["arguments"] for message in messages if "function_call" in message]
    assert made == [{"file_path": "a.py"}, {"file_path": "b.py", "limit": 10}]
    returned = [message["content"] for message in messages if message["role"] == "function"]
    assert "no such file" in returned[0]
    assert "print(2)" in returned[1]
    assert "Go on" in json.dumps(messages[-1])


def test_tool_use_streamed(claude, sandbox):
    with claude.messages.stream(
        model="gigachat", max_tokens=500, messages=[QUESTION], tools=[WEATHER], tool_choice={"type": "any"}
    ) as stream:
        events = list(stream)
        final = stream.get_final_message()
    starts = [event.content_block for event in events if event.type == "content_block_start"]
    assert [block.name for block in starts if block.type == "tool_use"] == ["get_weather"]
    assert "".join(
        e.delta.partial_json for e in events if e.type == "content_block_delta" and e.delta.type == "input_json_delta"
    )
    assert final.stop_reason == "tool_use"
    (use,) = [block for block in final.content if block.type == "tool_use"]
    assert use.input == {"city": "Moscow"}
    assert sandbox.chat_bodies[0]["function_call"] == {"name": "get_weather"}


def test_thinking(claude, sandbox):
    answer = ask(claude, [{"role": "user", "content": "hi"}], thinking={"type": "enabled", "budget_tokens": 1024})
    assert answer.content[-1].type == "text"
    assert answer.content[-1].text
    assert sandbox.chat_bodies


def test_a_model_name_with_a_picture(claude, sandbox):
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": pixel}}
    answer = ask(claude, [{"role": "user", "content": [picture, {"type": "text", "text": "What is this?"}]}])
    assert answer.content[0].text
    assert len(sandbox.chat_bodies[0]["messages"][-1]["attachments"]) == 1


def test_counted_tokens_are_litellms_estimate(claude, http, sandbox):
    """README says so, and names what counts exactly."""
    counted = claude.messages.count_tokens(model="gigachat", system=SYSTEM, messages=[QUESTION], tools=[WEATHER])
    assert counted.input_tokens > 5
    asked = {"model": "gigachat", "prompt": "Привет, как дела?"}
    estimate = http.post("/utils/token_counter", params={"call_endpoint": True}, json=asked).json()["total_tokens"]
    assert estimate == litellm.token_counter(model="gigachat/GigaChat-2-Max", text=asked["prompt"])
    assert sandbox.requests == []


@pytest.mark.parametrize(
    "beta", ["interleaved-thinking-2025-05-14", "claude-code-20250219,fine-grained-tool-streaming-2025-05-14"]
)
def test_beta_headers_stay_here(claude, sandbox, beta):
    ask(
        claude,
        [{"role": "user", "content": "hi"}],
        extra_headers={"anthropic-beta": beta},
        metadata={"user_id": "user_1"},
    )
    assert not any("anthropic" in name for name in sandbox.chat_requests[0].headers)
