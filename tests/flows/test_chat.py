"""Chat end to end: LiteLLM → this provider → the sandbox, in all four ways over both contracts."""

from __future__ import annotations

import json

import litellm
import pytest
from sent import sent
from ways import MODEL

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


@pytest.fixture(autouse=True)
def nothing_refused(gigachat_sandbox, contract):
    yield
    assert [r.refusal for r in gigachat_sandbox.refused] == []


def test_hello(gigachat_sandbox, contract, ask):
    outcome = ask("Привет!")
    assert outcome.content
    assert outcome.finish_reason == "stop"
    body = sent(gigachat_sandbox)
    assert body.contract == contract
    assert body.turns == [("user", "Привет!")]
    assert body.raw["model"] == "GigaChat-2-Max"
    assert set(body.raw) == {"model", "messages"} | ({"stream"} if outcome.streamed else set())
    usage = outcome.usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.prompt_tokens > usage.prompt_tokens_details.cached_tokens >= 0


def test_what_the_caller_sees_of_the_server(gigachat_sandbox):
    response = litellm.completion(model=MODEL, messages=[{"role": "user", "content": "hi"}])
    assert response.model == "GigaChat-2-Max"
    assert response.system_fingerprint.startswith("GigaChat-2-Max:")
    headers = response._hidden_params["additional_headers"]
    assert headers["llm_provider-x-request-id"]
    assert headers["llm_provider-x-session-id"] == sent(gigachat_sandbox).headers["x-session-id"]
    assert response.id == f"chatcmpl-{headers['llm_provider-x-request-id']}"
    assert response._hidden_params["response_cost"] > 0


def test_system_first_and_single(gigachat_sandbox, ask):
    ask(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Answer in Russian."}]},
            {"role": "user", "content": [{"type": "text", "text": "Hello"}, {"type": "text", "text": "there"}]},
        ]
    )
    (system, instructions), user = sent(gigachat_sandbox).turns
    assert system == "system"
    assert "Be brief." in instructions
    assert "Answer in Russian." in instructions
    assert user == ("user", "Hello\nthere")


def test_sampling(gigachat_sandbox, ask):
    ask("hi", temperature=0, max_tokens=64)
    assert sent(gigachat_sandbox).options == {"top_p": 0, "max_tokens": 64}


def test_length(gigachat_sandbox, ask):
    outcome = ask("Tell me a long story about a cat and a dog", max_tokens=2)
    assert outcome.finish_reason == "length"


def test_tool_call_round_trip(gigachat_sandbox, ask):
    question = {"role": "user", "content": "What is the weather in Moscow?"}
    first = ask([question], tools=[WEATHER], tool_choice="auto")
    assert first.finish_reason == "tool_calls"
    (tool_call,) = first.tool_calls
    assert tool_call["name"] == "get_weather"
    assert json.loads(tool_call["arguments"]) == {"city": "Moscow"}
    assert not first.content
    body = sent(gigachat_sandbox)
    assert [f["name"] for f in body.functions] == ["get_weather"]
    assert body.choice == "auto"

    second = ask(
        [
            question,
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": tool_call["id"],
                        "type": "function",
                        "function": {"name": "get_weather", "arguments": tool_call["arguments"]},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": tool_call["id"], "content": "sunny, 21"},
        ],
        tools=[WEATHER],
    )
    assert second.finish_reason == "stop"
    assert "sunny" in second.content
    body = sent(gigachat_sandbox)
    assert body.turns[1:] == [
        ("call", {"call": "get_weather", "arguments": {"city": "Moscow"}}),
        ("result", {"of": "get_weather", "result": {"result": "sunny, 21"}}),
    ]
    assert body.states
    assert body.states[0].replace("-", "") in tool_call["id"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", "auto"),
        ("required", "get_weather"),
        ({"type": "function", "function": {"name": "get_weather"}}, "get_weather"),
    ],
)
def test_tool_choice(gigachat_sandbox, ask, choice, expected):
    outcome = ask("What is the weather in Moscow?", tools=[WEATHER], tool_choice=choice)
    assert sent(gigachat_sandbox).choice == expected
    assert outcome.tool_calls[0]["name"] == "get_weather"


def test_tool_choice_none(gigachat_sandbox, ask):
    outcome = ask("What is the weather in Moscow?", tools=[WEATHER], tool_choice="none")
    assert not outcome.tool_calls
    assert outcome.content


@pytest.mark.parametrize("name", ["get weather", "погода", "1st_tool", "a/b", "web_search"])
def test_refused_names_are_aliased_and_restored(gigachat_sandbox, ask, name):
    tool = json.loads(json.dumps(WEATHER))
    tool["function"]["name"] = name
    outcome = ask("What is the weather in Moscow?", tools=[tool], tool_choice="required")
    assert sent(gigachat_sandbox).functions[0]["name"] != name
    assert outcome.tool_calls[0]["name"] == name


def test_legacy_functions(gigachat_sandbox, ask):
    outcome = ask("What is the weather in Moscow?", functions=[WEATHER["function"]], function_call="auto")
    assert outcome.finish_reason == "function_call"
    assert outcome.function_call["name"] == "get_weather"
    assert json.loads(outcome.function_call["arguments"]) == {"city": "Moscow"}
    assert not outcome.tool_calls


def test_several_calls_of_one_turn(gigachat_sandbox, contract, ask):
    calls = [
        {
            "id": f"call_{city}",
            "type": "function",
            "function": {"name": "get_weather", "arguments": json.dumps({"city": city})},
        }
        for city in ("Omsk", "Tomsk")
    ]
    ask(
        [
            {"role": "user", "content": "Weather in Omsk and Tomsk?"},
            {"role": "assistant", "content": "Looking", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "call_Tomsk", "content": '{"t": 2}'},
            {"role": "tool", "tool_call_id": "call_Omsk", "content": '{"t": 1}'},
        ],
        tools=[WEATHER],
    )
    turns = sent(gigachat_sandbox).turns
    calls = [("call", {"call": "get_weather", "arguments": {"city": c}}) for c in ("Omsk", "Tomsk")]
    results = [("result", {"of": "get_weather", "result": {"t": t}}) for t in (1, 2)]
    assert turns[:2] == [("user", "Weather in Omsk and Tomsk?"), ("assistant", "Looking")]
    if contract == "v1":  # one call a turn: pairs
        assert turns[2:] == [calls[0], results[0], calls[1], results[1]]
    else:  # the history stays as it was
        assert turns[2:] == [*calls, *results]


def test_blacklist_is_a_content_filter(gigachat_sandbox, ask):
    gigachat_sandbox.knobs.finish_reason = "blacklist"
    assert ask("hi").finish_reason == "content_filter"


def test_finish_error_is_an_error(gigachat_sandbox, ask):
    gigachat_sandbox.knobs.finish_reason = "error"
    with pytest.raises((litellm.InternalServerError, litellm.exceptions.MidStreamFallbackError)):
        ask("hi")


def test_one_oauth_for_many_calls(gigachat_sandbox, ask):
    for _ in range(3):
        ask("hi")
    assert gigachat_sandbox.oauth_count == 1


def test_revoked_token_is_replaced_once(gigachat_sandbox, ask):
    ask("hi")
    gigachat_sandbox.revoke_tokens()
    assert ask("hi").content
    assert gigachat_sandbox.oauth_count == 2


def test_all_chunks_share_id_and_time(gigachat_sandbox):
    chunks = list(
        litellm.completion(model=MODEL, messages=[{"role": "user", "content": "Count from 1 to 9"}], stream=True)
    )
    assert len({chunk.id for chunk in chunks}) == 1
    assert len({chunk.created for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
