"""v2 chat: bodies, named events, several calls, built-in tools."""

from __future__ import annotations

import json

import pytest

DELTA, DONE = "response.message.delta", "response.message.done"


def events(answer):
    """(name, payload) of each event; the stream ends without a [DONE]."""
    assert answer.headers["content-type"] == "text/event-stream"
    blocks = answer.text.split("\n\n")
    assert blocks.pop() == ""
    out = []
    for block in blocks:
        name, data = block.split("\n")
        out.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return out


@pytest.fixture
def tools(weather, clock):
    return [{"functions": {"specifications": [weather, clock]}}]


def test_plain_answer_byte_for_byte(client):
    answer = client.chat_v2("Count from 1 to 3")
    created = answer.json()["created_at"]
    assert answer.text == (
        f'{{"model":"GigaChat-2-Max:2.0.30.01","created_at":{created},'
        '"messages":[{"role":"assistant","content":[{"text":"1, 2, 3"}]}],"finish_reason":"stop",'
        '"usage":{"input_tokens":18,"input_tokens_details":{"prompt_tokens":18,"cached_tokens":2},'
        '"output_tokens":6,"total_tokens":24}}'
    )


def test_stream_byte_for_byte(client):
    answer = client.chat_v2("Count from 1 to 3", stream=True)
    created = events(answer)[0][1]["created_at"]
    head = f'{{"model":"GigaChat-2-Max:2.0.30.01","created_at":{created},'
    assert answer.text == (
        f'event: {DELTA}\ndata: {head}"messages":[{{"role":"assistant","content":[{{"text":"1, 2, 3"}}]}}]}}\n\n'
        f'event: {DONE}\ndata: {head}"finish_reason":"stop","usage":{{"input_tokens":18,'
        '"input_tokens_details":{"prompt_tokens":18,"cached_tokens":2},"output_tokens":6,"total_tokens":24}}\n\n'
    )


def calls(message):
    return [(part["function_call"]["name"], part["function_call"]["arguments"]) for part in message["content"]]


def test_several_calls_in_one_answer(client, tools):
    body = client.chat_v2("Weather in Moscow and London?", tools=tools).json()
    assert body["finish_reason"] == "function_call"
    assert calls(body["messages"][0]) == [("get_weather", {"city": "Moscow"}), ("get_weather", {"city": "London"})]
    assert "tool_state_id" in body["messages"][0]
    body = client.chat_v2("Weather and time in Moscow", tools=tools).json()
    assert calls(body["messages"][0]) == [("get_weather", {"city": "Moscow"}), ("get_time", {"zone": "Moscow"})]


@pytest.mark.parametrize(
    ("place", "names"), [("delta", [DELTA, DELTA, DONE]), ("done", [DONE]), ("both", [DELTA, DELTA, DONE])]
)
def test_where_streamed_calls_are(client, tools, place, names):
    client.sandbox.knobs.v2_calls_in = place
    seen = events(client.chat_v2("Weather in Moscow and London?", tools=tools, stream=True))
    assert [name for name, _ in seen] == names
    assert ("messages" in seen[-1][1]) == (place != "delta")
    found = [call for _, data in seen for message in data.get("messages", []) for call in calls(message)]
    assert len(found) == (4 if place == "both" else 2)


def test_call_ids_are_a_knob(client, tools):
    assert (
        "id" not in client.chat_v2("Weather in Omsk", tools=tools).json()["messages"][0]["content"][0]["function_call"]
    )
    client.sandbox.knobs.function_call_id = True
    parts = client.chat_v2("Weather in Omsk and Perm", tools=tools).json()["messages"][0]["content"]
    assert len({part["function_call"]["id"] for part in parts}) == 2


def test_results_in_any_mix(client, tools):
    made = client.chat_v2("Weather in Moscow and London?", tools=tools).json()["messages"][0]
    state = made["tool_state_id"]
    history = [
        {"role": "user", "content": [{"text": "Weather in Moscow and London?"}]},
        {"role": "assistant", "content": made["content"], "tools_state_id": state},
        *(
            {
                "role": "tool",
                "tools_state_id": state,
                "content": [{"function_result": {"name": "get_weather", "result": {"temp": temp}}}],
            }
            for temp in (5, 9)
        ),
    ]
    body = client.chat_v2(messages=history, tools=tools).json()
    assert body["messages"][0]["content"] == [{"text": "get_weather: temp=5\nget_weather: temp=9"}]
    assert body["finish_reason"] == "stop"
    assert body["messages"][0]["tool_state_id"] != state


def test_forced_function(client, tools):
    body = client.chat_v2("Hi", tools=tools, tool_config={"mode": "forced", "function_name": "get_time"}).json()
    assert calls(body["messages"][0])[0][0] == "get_time"
    body = client.chat_v2("Weather in Omsk", tools=tools, tool_config={"mode": "none"}).json()
    assert body["finish_reason"] == "stop"


def test_picture(client):
    body = client.chat_v2("Draw a cat", tools=[{"image_generate": {}}]).json()
    files, text = body["messages"][0]["content"]
    assert text == {"text": "Picture: Draw a cat"}
    assert files["files"][0]["mime"] == "image/jpeg"
    assert client.get(f"/files/{files['files'][0]['id']}/content").content.startswith(b"\xff\xd8")
    streamed = events(client.chat_v2("Draw a cat", tools=[{"image_generate": {}}], stream=True))
    assert [name for name, _ in streamed[:2]] == ["response.tool.in_progress", "response.tool.completed"]
    name, done = streamed[-1]
    (message,) = done["messages"]
    assert (name, done["finish_reason"], set(message)) == (DONE, "stop", {"role", "tool_state_id"})
    assert all("tool_state_id" not in data["messages"][0] for _, data in streamed[:-1])


def test_search_sources(client):
    """One part holds the text and its sources; it may stand in a later history."""
    (part,) = client.chat_v2("latest news", tools=[{"web_search": {}}]).json()["messages"][0]["content"]
    assert set(part) == {"text", "inline_data"}
    assert part["text"].endswith("[sources=[1]]")
    assert part["inline_data"]["sources"]["1"]["url"].startswith("https://")
    *deltas, _ = (data for _, data in events(client.chat_v2("latest news", tools=[{"web_search": {}}], stream=True)))
    (last,) = deltas[-1]["messages"][0]["content"]
    assert last["inline_data"] == part["inline_data"]
    assert part["text"].endswith(last["text"])
    said = {"role": "assistant", "content": [part]}
    later = [{"role": "user", "content": [{"text": text}]} for text in ("latest news", "Thanks")]
    assert client.chat_v2(messages=[later[0], said, later[1]]).status_code == 200
    later[1]["content"] = [part]
    assert client.chat_v2(messages=[later[0], said, later[1]]).status_code == 422


def test_forcing_a_tool_is_a_hint(client):
    body = client.chat_v2("Hi", tools=[{"web_search": {}}], tool_config={"mode": "forced", "tool_name": "web_search"})
    assert body.json()["finish_reason"] == "stop"


def test_reasoning_is_its_own_message(client):
    options = {"reasoning": {"effort": "low"}}
    first, second = client.chat_v2("Why?", model_options=options).json()["messages"]
    assert (first["role"], second["role"]) == ("reasoning", "assistant")
    roles = [
        data["messages"][0]["role"]
        for name, data in events(client.chat_v2("Why?", model_options=options, stream=True))
        if name == DELTA
    ]
    assert roles == sorted(roles, reverse=True)


def test_formats(client):
    options = {"response_format": {"type": "regex", "regex": "[A-Z]{3}-\\d{4}"}}
    assert client.chat_v2("A ticket", model_options=options).json()["messages"][0]["content"] == [{"text": "BCD-4567"}]
    options["response_format"]["regex"] = "("
    assert client.chat_v2("A ticket", model_options=options).status_code == 422


def test_finish_reasons_and_limits(client):
    body = client.chat_v2("Tell me about dragons", model_options={"max_tokens": 3}).json()
    assert body["finish_reason"] == "length"
    client.sandbox.knobs.finish_reason = "error"
    assert client.chat_v2().json()["finish_reason"] == "function_call_error"
    client.sandbox.knobs.finish_reason = "request_blacklist"
    assert client.chat_v2().json()["finish_reason"] == "request_blacklist"


def test_storage(client):
    body = client.chat_v2(storage={}).json()
    assert {"thread_id", "message_id"} <= set(body)


def test_error_event(client):
    client.sandbox.knobs.stream.error_after = 0
    assert events(client.chat_v2(stream=True)) == [("error", {"status": 500, "message": "Internal Server Error"})]


@pytest.mark.parametrize("status", [403, 404])
def test_a_host_without_v2(client, status):
    client.sandbox.knobs.v2_available = False
    client.sandbox.knobs.v2_missing_status = status
    answer = client.chat_v2()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html")


def test_both_paths(client):
    body = {"model": "GigaChat", "messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
    assert client.http.post(f"{client.sandbox.origin}/api/v2/chat/completions", json=body).status_code == 200
    assert client.http.get(f"{client.sandbox.origin}/v2/files").status_code == 404
