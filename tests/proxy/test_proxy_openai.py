"""OpenAI's SDK and plain HTTP against a running proxy: what the client gets and what GigaChat received."""

from __future__ import annotations

import base64
import json
import struct

import pytest
from pydantic import BaseModel

pytestmark = pytest.mark.usefixtures("nothing_refused")

QUESTION = {"role": "user", "content": "What is the weather in Moscow?"}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "City name"}},
            "required": ["city"],
        },
    },
}


def test_health(http, sandbox):
    assert http.get("/health/liveliness").status_code == 200
    assert http.get("/health/readiness").json()["status"] == "healthy"
    report = http.get("/health").json()
    assert (report["healthy_count"], report["unhealthy_count"]) == (4, 0), report
    assert {record.path for record in sandbox.requests} >= {"/v1/chat/completions", "/v1/embeddings"}
    assert sandbox.credentials not in json.dumps(report)


def test_models(oai):
    assert [model.id for model in oai.models.list()] == [
        "gigachat",
        "gigachat-pro",
        "gigachat-max",
        "gigachat-embeddings",
    ]


@pytest.mark.parametrize(
    ("name", "sent"),
    [("gigachat", "GigaChat-2-Max"), ("gigachat-pro", "GigaChat-2-Pro"), ("gigachat-max", "GigaChat-2-Max")],
)
def test_the_three_names(oai, sandbox, name, sent):
    answer = oai.chat.completions.create(model=name, messages=[{"role": "user", "content": "Привет!"}])
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert sandbox.chat_bodies == [{"model": sent, "messages": [{"role": "user", "content": "Привет!"}]}]


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer any"}, {"x-api-key": "any"}, {"Authorization": "Bearer"}]
)
def test_any_client_key_or_none(http, sandbox, headers):
    body = {"model": "gigachat", "messages": [{"role": "user", "content": "hi"}]}
    answer = http.post("/v1/chat/completions", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"]
    assert len(sandbox.chat_bodies) == 1


def test_what_cline_sends(oai, sandbox):
    """Parts instead of strings, a stream with its usage, and an address without /v1."""
    parts = [{"type": "text", "text": "<task>Say hello</task>"}, {"type": "text", "text": "<environment/>"}]
    chunks = list(
        oai.chat.completions.create(
            model="gigachat",
            messages=[{"role": "system", "content": "You are Cline."}, {"role": "user", "content": parts}],
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]
    assert len({c.id for c in chunks}) == 1
    (usage,) = [c.usage for c in chunks if c.usage]
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    (sent,) = sandbox.chat_bodies
    assert sent["stream"] is True
    assert sent["top_p"] == 0
    assert sent["messages"] == [
        {"role": "system", "content": "You are Cline."},
        {"role": "user", "content": "<task>Say hello</task>\n<environment/>"},
    ]


def test_stream_over_plain_http_ends_with_done(http):
    body = {"model": "gigachat", "messages": [{"role": "user", "content": "Count from 1 to 5"}], "stream": True}
    with http.stream("POST", "/v1/chat/completions", json=body) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    chunks = [json.loads(line[6:]) for line in lines[:-1]]
    assert "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks)
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_tools_in_two_steps(oai, sandbox):
    first = oai.chat.completions.create(model="gigachat", messages=[QUESTION], tools=[WEATHER]).choices[0]
    assert first.finish_reason == "tool_calls"
    (call,) = first.message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Moscow"})
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny, 21"}
    second = oai.chat.completions.create(model="gigachat", messages=[QUESTION, first.message, result], tools=[WEATHER])
    assert "sunny" in second.choices[0].message.content
    asked, answered = sandbox.chat_bodies
    assert [function["name"] for function in asked["functions"]] == ["get_weather"]
    assert [message["role"] for message in answered["messages"]] == ["user", "assistant", "function"]
    assert answered["messages"][1]["function_call"] == {"name": "get_weather", "arguments": {"city": "Moscow"}}
    assert answered["messages"][1]["functions_state_id"]
    assert json.loads(answered["messages"][2]["content"]) == {"result": "sunny, 21"}


def test_tools_streamed(oai, sandbox):
    stream = oai.chat.completions.create(
        model="gigachat", messages=[QUESTION], tools=[WEATHER], tool_choice="required", stream=True
    )
    deltas, finish = [], []
    for chunk in stream:
        deltas += chunk.choices[0].delta.tool_calls or []
        finish += [chunk.choices[0].finish_reason] if chunk.choices[0].finish_reason else []
    assert finish == ["tool_calls"]
    assert deltas[0].id and deltas[0].function.name == "get_weather"
    assert json.loads("".join(delta.function.arguments or "" for delta in deltas)) == {"city": "Moscow"}
    assert sandbox.chat_bodies[0]["function_call"] == {"name": "get_weather"}


class City(BaseModel):
    name: str
    population: int


def test_structured_output_parsed_by_the_sdk(oai):
    asked = [{"role": "user", "content": "Name and population of Kazan, about 1300000 people"}]
    answer = oai.chat.completions.parse(model="gigachat", messages=asked, response_format=City)
    assert isinstance(answer.choices[0].message.parsed, City)
    assert answer.choices[0].message.tool_calls is None


def test_two_answers_for_n(oai, sandbox):
    answer = oai.chat.completions.create(model="gigachat", messages=[QUESTION], n=2)
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert all(choice.message.content for choice in answer.choices)
    assert len(sandbox.chat_bodies) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_stop_strings(oai, sandbox, stream):
    sandbox.knobs.answer = "one two STOP three"
    answer = oai.chat.completions.create(model="gigachat", messages=[QUESTION], stop=["STOP"], stream=stream)
    if stream:
        text = "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)
    else:
        text = answer.choices[0].message.content
        assert answer.choices[0].finish_reason == "stop"
    assert text == "one two "
    assert "stop" not in sandbox.chat_bodies[0]


def test_parameters_without_a_counterpart_are_dropped(oai, sandbox):
    answer = oai.chat.completions.create(
        model="gigachat",
        messages=[QUESTION],
        logit_bias={"50256": -100},
        presence_penalty=0.5,
        seed=7,
        store=False,
        service_tier="auto",
        user="me",
        parallel_tool_calls=True,
        tools=[WEATHER],
    )
    assert answer.choices[0].finish_reason == "tool_calls"
    assert set(sandbox.chat_bodies[0]) <= {"model", "messages", "functions", "function_call"}


def test_gigachats_own_parameters_in_extra_body(oai, sandbox):
    oai.chat.completions.create(
        model="gigachat", messages=[QUESTION], extra_body={"profanity_check": False, "repetition_penalty": 1.1}
    )
    assert sandbox.chat_bodies[0]["profanity_check"] is False
    assert sandbox.chat_bodies[0]["repetition_penalty"] == 1.1


def test_a_picture_in_the_prompt(oai, sandbox):
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    parts = [
        {"type": "text", "text": "What is in the picture?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixel}"}},
    ]
    answer = oai.chat.completions.create(model="gigachat", messages=[{"role": "user", "content": parts}])
    assert answer.choices[0].message.content
    (message,) = sandbox.chat_bodies[0]["messages"]
    assert message["content"] == "What is in the picture?"
    assert len(message["attachments"]) == 1


def test_legacy_completions(oai, sandbox):
    answer = oai.completions.create(model="gigachat", prompt="Say hello")
    assert answer.choices[0].text
    assert sandbox.chat_bodies[0]["messages"] == [{"role": "user", "content": "Say hello"}]


# --- embeddings and pictures


def test_embeddings_as_the_sdk_asks_for_them(oai, sandbox):
    """The SDK asks for base64 unless told otherwise, and decodes what it gets."""
    answer = oai.embeddings.create(model="gigachat-embeddings", input=["кошка", "собака"])
    assert [item.index for item in answer.data] == [0, 1]
    assert all(isinstance(number, float) for item in answer.data for number in item.embedding)
    assert answer.data[0].embedding != answer.data[1].embedding
    (sent,) = [record.json for record in sandbox.requests if record.where == "embeddings"]
    assert sent == {"model": "Embeddings", "input": ["кошка", "собака"]}


def test_embeddings_are_the_same_in_both_encodings(http):
    def vector(encoding):
        body = {"model": "gigachat-embeddings", "input": "кошка", "encoding_format": encoding}
        return http.post("/v1/embeddings", json=body).json()["data"][0]["embedding"]

    plain, packed = vector("float"), vector("base64")
    if isinstance(packed, str):
        raw = base64.b64decode(packed)
        packed = list(struct.unpack(f"<{len(raw) // 4}f", raw))
    assert packed == pytest.approx(plain, rel=1e-6)


def test_a_drawn_picture(oai, sandbox):
    answer = oai.images.generate(model="gigachat", prompt="Нарисуй кота", size="1024x1024", response_format="b64_json")
    assert base64.b64decode(answer.data[0].b64_json).startswith(b"\xff\xd8")
    (sent,) = sandbox.chat_bodies
    assert sent["function_call"] == "auto" or sent["function_call"] == {"name": "text2image"}


# --- the Responses API


def test_responses(oai, sandbox):
    answer = oai.responses.create(model="gigachat", input="Привет!", instructions="Be brief.", max_output_tokens=200)
    assert answer.status == "completed"
    assert answer.output_text
    (sent,) = sandbox.chat_bodies
    assert sent["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Привет!"}]
    assert sent["max_tokens"] == 200


def test_responses_streamed(oai, sandbox):
    events = list(oai.responses.create(model="gigachat", input="Count from 1 to 5", stream=True))
    kinds = [event.type for event in events]
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text
    assert events[-1].response.output_text == text
    assert events[-1].response.usage.total_tokens > 0
    assert sandbox.chat_bodies[0]["stream"] is True


RESPONSES_TOOL = {"type": "function", **WEATHER["function"]}


@pytest.mark.parametrize("stream", [False, True])
def test_responses_function_call_round_trip(oai, sandbox, stream):
    question = {"role": "user", "content": "What is the weather in Moscow?"}
    first = oai.responses.create(model="gigachat", input=[question], tools=[RESPONSES_TOOL], stream=stream)
    if stream:
        events = list(first)
        assert json.loads("".join(e.delta for e in events if e.type == "response.function_call_arguments.delta")) == {
            "city": "Moscow"
        }
        first = events[-1].response
    (call,) = [item for item in first.output if item.type == "function_call"]
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Moscow"})
    history = [
        question,
        call.model_dump(exclude_none=True),
        {"type": "function_call_output", "call_id": call.call_id, "output": "sunny, 21"},
    ]
    second = oai.responses.create(model="gigachat", input=history, tools=[RESPONSES_TOOL])
    assert "sunny" in second.output_text
    messages = sandbox.chat_bodies[-1]["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "function"]
    assert messages[1]["functions_state_id"]
