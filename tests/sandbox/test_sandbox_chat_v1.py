"""v1 chat: the shapes of answers and streams, limits, cache, pictures, failures on request."""

from __future__ import annotations

import json
import re

import httpx
import pytest

UUID_4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
UUID_7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
GET_5 = {"role": "function", "name": "get_weather", "content": '{"temp": 5}'}


def chunks(answer):
    """The JSON of each data line; the [DONE] mark as text."""
    events = answer.text.split("\n\n")
    assert events.pop() == ""
    assert all(event.startswith("data: ") for event in events)
    return [event[6:] if event == "data: [DONE]" else json.loads(event[6:]) for event in events]


def test_plain_answer_byte_for_byte(client):
    answer = client.chat("Say 'Hello' and nothing else", model="GigaChat")
    created = answer.json()["created"]
    assert answer.text == (
        '{"choices":[{"message":{"content":"Hello","role":"assistant"},"index":0,"finish_reason":"stop"}],'
        f'"created":{created},"model":"GigaChat:2.0.30.01","object":"chat.completion",'
        '"usage":{"prompt_tokens":18,"completion_tokens":2,"total_tokens":20,"precached_prompt_tokens":2}}'
    )
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert "x-client-id" not in answer.headers


def test_stream_byte_for_byte(client):
    answer = client.chat("Count from 1 to 4", stream=True)
    created = json.loads(answer.text.partition("\n")[0][6:])["created"]
    tail = f'"created":{created},"model":"GigaChat-2-Max:2.0.30.01","object":"chat.completion"'
    usage = '"usage":{"prompt_tokens":16,"completion_tokens":8,"total_tokens":24,"precached_prompt_tokens":2}'
    assert answer.content.decode() == (
        f'data: {{"choices":[{{"delta":{{"content":"1, 2, 3, ","role":"assistant"}},"index":0}}],{tail}}}\n\n'
        f'data: {{"choices":[{{"delta":{{"content":"4"}},"index":0}}],{tail}}}\n\n'
        f'data: {{"choices":[{{"delta":{{"content":""}},"index":0,"finish_reason":"stop"}}],{tail},{usage}}}\n\n'
        "data: [DONE]\n\n"
    )
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["transfer-encoding"] == "chunked"


def test_context_headers(client):
    made = client.chat().headers
    for name in ("x-request-id", "x-session-id"):
        assert UUID_4.fullmatch(made[name])
    sent = {"X-Request-ID": "r", "X-Session-ID": "s", "X-Client-ID": "c"}
    for stream in (False, True):
        echoed = client.chat(headers=sent, stream=stream).headers
        assert {name: echoed[name] for name in sent} == sent


def test_function_call(client, weather):
    body = client.chat("What is the weather in Omsk?", functions=[weather]).json()
    message = body["choices"][0]["message"]
    assert message == {
        "content": "",
        "role": "assistant",
        "functions_state_id": message["functions_state_id"],
        "function_call": {"name": "get_weather", "arguments": {"city": "Omsk"}},
    }
    assert body["choices"][0]["finish_reason"] == "function_call"


def test_function_call_streamed_whole_and_finished_in_the_next_chunk(client, weather):
    call, finish, done = chunks(client.chat("Weather in Omsk?", functions=[weather], stream=True))
    assert call["choices"][0]["delta"] == {
        "content": "",
        "function_call": {"name": "get_weather", "arguments": {"city": "Omsk"}},
        "role": "assistant",
    }
    assert "finish_reason" not in call["choices"][0]
    (choice,) = finish["choices"]
    assert choice["finish_reason"] == "function_call"
    assert choice["delta"] == {
        "content": "",
        "role": "assistant",
        "functions_state_id": choice["delta"]["functions_state_id"],
    }
    assert set(finish["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens", "precached_prompt_tokens"}
    assert done == "[DONE]"


def test_call_and_finish_in_one_chunk_and_the_call_id(client, weather):
    client.sandbox.knobs.stream.call_with_finish = True
    client.sandbox.knobs.function_call_id = True
    call, _ = chunks(client.chat("Weather in Omsk?", functions=[weather], stream=True))
    assert call["choices"][0]["finish_reason"] == "function_call"
    assert UUID_7.fullmatch(call["choices"][0]["delta"]["functions_state_id"])
    assert re.fullmatch(r"[0-9a-f-]{36}", call["choices"][0]["delta"]["function_call"]["id"])


def test_forced_none_and_result_turn(client, weather):
    forced = client.chat("Hi", functions=[weather], function_call={"name": "get_weather"}).json()
    assert forced["choices"][0]["finish_reason"] == "function_call"
    none = client.chat("Weather in Omsk?", functions=[weather], function_call="none").json()
    assert none["choices"][0]["finish_reason"] == "stop"
    history = [
        {"role": "user", "content": "Weather in Omsk?"},
        {"role": "assistant", "content": "", "function_call": {"name": "get_weather", "arguments": {"city": "Omsk"}}},
        GET_5,
    ]
    result = client.chat(messages=history, functions=[weather]).json()["choices"][0]
    assert (result["message"]["content"], result["finish_reason"]) == ("get_weather: temp=5", "stop")


def test_max_tokens(client):
    choice = client.chat("Tell me about dragons", max_tokens=3).json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("You asked:", "length")
    choice = client.chat("Why?", max_tokens=3, reasoning_effort="low").json()["choices"][0]
    assert choice["finish_reason"] == "length"
    assert choice["message"] == {"content": "", "role": "assistant", "reasoning_content": "Thinking (low"}


@pytest.mark.parametrize("reason", ["blacklist", "length", "error"])
def test_finish_reasons(client, reason):
    client.sandbox.knobs.finish_reason = reason
    assert client.chat().json()["choices"][0]["finish_reason"] == reason
    assert chunks(client.chat(stream=True))[-2]["choices"][0]["finish_reason"] == reason


def test_cache_follows_the_session_for_thirty_seconds(client):
    sandbox, session = client.sandbox, {"X-Session-ID": "one"}
    history = [{"role": "system", "content": "Be brief and kind"}, {"role": "user", "content": "Hi"}]
    first = client.chat(messages=history, headers=session).json()["usage"]
    longer = [*history, {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "More"}]
    second = client.chat(messages=longer, headers=session).json()["usage"]
    other = client.chat(messages=longer, headers={"X-Session-ID": "two"}).json()["usage"]
    assert first["precached_prompt_tokens"] == 2
    assert second["precached_prompt_tokens"] == first["prompt_tokens"] + 2
    assert other["prompt_tokens"] == second["prompt_tokens"] + second["precached_prompt_tokens"] - 2
    assert second["total_tokens"] == second["prompt_tokens"] + second["completion_tokens"]
    sandbox.advance(31)
    assert client.chat(messages=longer, headers=session).json()["usage"] == other


def test_usage_grows_with_messages_and_functions(client, weather):
    one = client.chat("Hello there").json()["usage"]["prompt_tokens"]
    two = client.chat(messages=[{"role": "user", "content": "Hello there"}] * 2).json()["usage"]["prompt_tokens"]
    assert two - one > 10
    assert client.chat("Hello there", functions=[weather]).json()["usage"]["prompt_tokens"] > one


def test_native_json_is_pretty_printed(client):
    schema = {"type": "object", "properties": {"answer": {"type": "string"}, "n": {"type": "integer"}}}
    schema["required"] = ["answer", "n"]
    answer = client.chat(
        'Return {"answer":"ok","n":3} exactly.',
        response_format={"type": "json_schema", "schema": schema, "strict": True},
    )
    assert answer.json()["choices"][0]["message"]["content"] == '{\n    "answer": "ok",\n    "n": 3\n}'


def test_reasoning(client):
    message = client.chat("Why?", reasoning_effort="high").json()["choices"][0]["message"]
    assert message["reasoning_content"] == "Thinking (high): the question is “Why?”."
    deltas = [
        item["choices"][0]["delta"] for item in chunks(client.chat("Why?", reasoning_effort="low", stream=True))[:-1]
    ]
    assert "".join(delta.get("reasoning_content", "") for delta in deltas).startswith("Thinking (low)")
    assert [delta.get("role") for delta in deltas].count("assistant") == 1


def test_storage(client):
    body = client.chat(storage={"thread_id": "t-1"}).json()
    assert body["thread_id"] == "t-1"
    assert "message_id" in body


def test_picture(client):
    headers = {"X-Client-ID": "artist"}
    answer = client.chat("Нарисуй кота", function_call="auto", headers=headers)
    message = answer.json()["choices"][0]["message"]
    found = re.fullmatch(r'<img src="([0-9a-f-]{36})" fuse="true"/> Picture: Нарисуй кота', message["content"])
    assert found
    assert UUID_4.fullmatch(found[1])
    assert UUID_7.fullmatch(message["functions_state_id"])
    file = client.get(f"/files/{found[1]}/content", headers=headers)
    assert file.headers["content-type"] == "image/jpeg"
    assert file.content[:2] == b"\xff\xd8"
    assert file.content[-2:] == b"\xff\xd9"
    assert client.get(f"/files/{found[1]}/content").status_code == 403


def test_picture_in_a_stream_is_announced(client):
    first, second, picture, last, _ = chunks(client.chat("draw a cat", function_call="auto", stream=True))
    for chunk in (first, second):
        delta = chunk["choices"][0]["delta"]
        assert (delta["role"], delta["name"]) == ("function_in_progress", "text2image")
    delta = picture["choices"][0]["delta"]
    assert delta["content"].startswith("<img src=")
    assert "functions_state_id" not in delta
    assert set(last["choices"][0]["delta"]) == {"content", "role", "functions_state_id"}


def test_built_in_beside_own_functions_must_be_listed(client, weather):
    own = client.chat("Draw a cat", functions=[weather], function_call="auto").json()["choices"][0]["message"]
    assert "<img" not in own["content"]
    listed = client.chat("Draw a cat", functions=[weather, {"name": "text2image"}]).json()["choices"][0]["message"]
    assert "<img" in listed["content"]


def test_attachments(client):
    made = client.post("/files", files={"file": ("cat.png", b"png!", "image/png")}, data={"purpose": "general"}).json()
    messages = [{"role": "user", "content": "What is it?", "attachments": [made["id"]]}]
    assert "cat.png (4 bytes)" in client.chat(messages=messages).json()["choices"][0]["message"]["content"]
    denied = client.chat(messages=messages, headers={"X-Client-ID": "other"})
    assert (denied.status_code, denied.json()["message"]) == (403, f"Access to file '{made['id']}' is denied")
    messages[0]["attachments"] = ["unknown"]
    assert client.chat(messages=messages).status_code == 404


@pytest.mark.parametrize("raw", [b"{", b"", b"\xff", b'{"a": NaN}', b'{"a": "\\ud800"}', b"[" * 100_000])
def test_not_json(client, raw):
    answer = client.post("/chat/completions", content=raw, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (
        400,
        {"status": 400, "message": "Your request contains invalid JSON syntax."},
    )


def test_unknown_model_and_its_headers(client):
    answer = client.chat(model="NonExistentModel")
    assert (answer.status_code, answer.text) == (404, '{"status":404,"message":"No such model"}\n')
    assert answer.headers["content-length"] == "41"  # as recorded
    assert "x-request-id" in answer.headers
    assert client.sandbox.refused[0].refusal == "No such model [model 'NonExistentModel']"


def test_too_long_and_too_big(client):
    client.sandbox.knobs.context_tokens = 50
    refusal = "CONTEXT_TOO_LONG: context too long 73, maximum allowed context is 50"
    for answer in (client.chat("word " * 60), client.chat_v2("word " * 60, stream=True)):
        assert (answer.status_code, answer.json()) == (422, {"status": 422, "message": refusal})
    client.sandbox.knobs.max_body_bytes = 100
    answer = client.chat("x" * 200)
    assert (answer.status_code, answer.json()["message"]) == (413, "Payload too large")


@pytest.mark.parametrize(
    ("model", "window"),
    [("GigaChat", 261120), ("GigaChat-2-Pro", 261120), ("GigaChat-3-Lightning", 261120), ("GigaChat-Pro", 131072)],
)
def test_a_models_window(client, model, window):
    assert client.chat("word " * (window - 13), model=model).status_code == 200
    answer = client.chat("word " * (window - 12), model=model)
    assert answer.status_code == 422
    assert answer.json()["message"].endswith(f"maximum allowed context is {window}")


def test_both_prefixes(client):
    body = {"model": "GigaChat", "messages": [{"role": "user", "content": "Hi"}]}
    assert client.http.post(f"{client.sandbox.origin}/api/v1/chat/completions", json=body).status_code == 200


def test_one_generation_at_a_time(client):
    client.sandbox.knobs.max_generations = 1
    client.sandbox.knobs.stream.stall_after = 1
    body = {"model": "GigaChat", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    with client.http.stream("POST", f"{client.sandbox.base_url}/chat/completions", json=body) as running:
        pieces = running.iter_raw()  # kept: an iterator that is dropped closes the connection
        next(pieces)
        answer = client.chat()
        assert (answer.status_code, answer.json()) == (429, {"status": 429, "message": "Too many requests"})
    assert client.sandbox.world.most_running == 1


def test_answers_are_the_same_every_time(client, weather):
    def contents():
        asked = ["Hi", "Weather in Omsk?", "JSON with keys name, age for Bob, 42"]
        return [
            client.chat(prompt, functions=[weather]).json()["choices"][0]["message"].get("content") for prompt in asked
        ]

    assert contents() == contents()


@pytest.mark.parametrize("where", ["chat", "any"])
def test_forced_statuses(client, where):
    client.sandbox.fail_next(where, status=429, headers={"Retry-After": "1"}, times=2)
    client.sandbox.fail_next(where, status=502, html=True)
    first, second, third, fourth = (client.chat() for _ in range(4))
    assert [first.status_code, second.status_code, third.status_code, fourth.status_code] == [429, 429, 502, 200]
    assert first.json() == {"status": 429, "message": "Too many requests"}
    assert first.headers["retry-after"] == "1"
    assert third.headers["content-type"] == "text/html"
    assert client.sandbox.refused == []
    assert [record.status for record in client.sandbox.chat_requests] == [429, 429, 502, 200]


def test_other_failures(client):
    sandbox = client.sandbox
    sandbox.fail_next(kind="empty")
    assert (client.chat().status_code, client.sandbox.requests[-1].forced) == (200, True)
    sandbox.fail_next(kind="truncated")
    with pytest.raises(json.JSONDecodeError):
        client.chat().json()
    sandbox.fail_next(kind="error200", status=429)
    answer = client.chat()
    assert (answer.status_code, answer.json()["status"]) == (200, 429)
    sandbox.fail_next(body="not json", status=200)
    assert client.chat().text == "not json"
    for kind in ("close", "reset"):
        sandbox.fail_next(kind=kind)
        with pytest.raises(httpx.TransportError):
            client.chat()
    sandbox.fail_next(kind="stall")
    with pytest.raises(httpx.ReadTimeout):
        client.http.post(f"{sandbox.base_url}/chat/completions", json={}, timeout=0.1)
    sandbox.fail_next(kind="drip", drip=0.001)
    assert client.chat("Say 'x'").json()["choices"][0]["message"]["content"] == "x"


def test_a_failure_may_wait_its_turn(client):
    client.sandbox.fail_next(status=500, skip=1)
    assert [client.chat().status_code for _ in range(3)] == [200, 500, 200]
