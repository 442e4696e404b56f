"""Failures as a client of the proxy sees them: HTTP status, typed body, headers, and what was (not) sent."""

from __future__ import annotations

import openai
import pytest

anthropic = pytest.importorskip("anthropic")

HI = [{"role": "user", "content": "hi"}]
# No fallback is configured for this one, so that what was sent can be counted.
PLAIN = {"model": "gigachat-pro", "messages": HI}
BAD_ARGUMENTS = [
    *HI,
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{bad"}}],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "1"},
]


def test_a_refused_token_is_renewed_unnoticed(oai, sandbox):
    """First in this file: a token that was refused right after its renewal is not renewed again for a while."""
    sandbox.fail_next(status=401)
    assert oai.chat.completions.create(**PLAIN).choices[0].message.content
    assert [record.where for record in sandbox.requests][-3:] == ["chat", "oauth", "chat"]


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (404, openai.NotFoundError, "litellm-gigachat models"),
        (422, openai.UnprocessableEntityError, "GigaChat answered 422"),
        (413, openai.APIStatusError, "ContextWindowExceededError"),
    ],
)
def test_statuses(oai, sandbox, status, kind, words):
    sandbox.fail_next(status=status, times=9)
    with pytest.raises(kind) as caught:
        oai.chat.completions.create(**PLAIN)
    assert caught.value.status_code == status
    assert words in caught.value.message
    assert caught.value.body["code"] == str(status)
    assert len(sandbox.chat_requests) == 1  # nothing here gets better by repetition


ROUTES = {
    "/v1/chat/completions": {"messages": HI},
    "/v1/messages": {"messages": HI, "max_tokens": 10},
    "/v1/responses": {"input": "hi"},
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("status", "first", "then"),
    [
        (401, "let this proxy sign in with its own key (GIGACHAT_CREDENTIALS)", "check the key"),
        (402, "nothing left for the account of this proxy", "buy or wait for a new one"),
        (403, "does not let the account of this proxy", "The tariff of this key"),
    ],
)
def test_what_fails_for_the_proxys_account_is_told_in_words(http, sandbox, status, first, then, route, stream):
    """Regression: of a 401 Claude Code told its user nothing and asked again for 70 s, as if his own key was wrong."""
    sandbox.fail_next("chat", status=status, times=9)
    answer = http.post(route, json={"model": "gigachat-pro", "stream": stream, **ROUTES[route]})
    assert answer.status_code == 400  # the one status on which every assistant shows the words at once
    error = answer.json()["error"]
    assert error["type"] in (None, "None", "invalid_request_error")  # none before LiteLLM 1.105
    sentence, _, rest = error["message"].partition(". ")
    assert first in sentence
    assert "whoever runs the proxy" in sentence
    assert f"GigaChat answered {status} to " in rest
    assert then in rest
    assert len(sandbox.chat_requests) <= (2 if status == 401 else 1)


@pytest.mark.parametrize("stream", [False, True])
def test_too_many_requests_with_retry_after(http, sandbox, stream):
    """Regression: LiteLLM's proxy renamed the header (llm_provider-retry-after), so no client waited."""
    sandbox.fail_next(status=429, headers={"Retry-After": "1"}, times=9)
    answer = http.post("/v1/chat/completions", json={**PLAIN, "stream": stream})
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    assert "GIGACHAT_MAX_CONCURRENCY" in answer.json()["error"]["message"]
    assert len(sandbox.chat_requests) == 1  # repeating is the client's business


def test_an_error_does_not_shut_the_model_out(oai, sandbox):
    """Regression: after one 401 the Router answered "No deployments available" to everybody for five seconds."""
    sandbox.fail_next(status=401, times=3)
    with pytest.raises(openai.BadRequestError, match="whoever runs the proxy"):
        oai.chat.completions.create(**PLAIN)
    sandbox.world.faults.clear()
    assert oai.chat.completions.create(**PLAIN).choices[0].message.content


@pytest.mark.parametrize("status", [400, 402, 403, 404, 413, 422, 429, 500, 503])
def test_a_failure_is_asked_and_told_once(oai, sandbox, status):
    """One account stands behind all models: another of them, or another try here, would only multiply."""
    sandbox.fail_next(status=status)
    with pytest.raises(openai.APIStatusError) as caught:
        oai.chat.completions.create(model="gigachat", messages=HI)
    assert str(caught.value).count("GigaChat answered") == 1
    assert len(sandbox.chat_requests) == 1


def test_unknown_model(oai, sandbox):
    with pytest.raises((openai.BadRequestError, openai.NotFoundError), match="model=gpt-4o"):
        oai.chat.completions.create(model="gpt-4o", messages=HI)
    assert sandbox.requests == []


def test_a_model_this_host_does_not_have(oai, sandbox):
    sandbox.knobs.missing_models = ("GigaChat-2-Pro",)
    with pytest.raises(openai.NotFoundError, match="litellm-gigachat models"):
        oai.chat.completions.create(**PLAIN)


def test_context_window(oai, sandbox):
    sandbox.knobs.context_tokens = 1
    with pytest.raises(openai.APIStatusError, match="prompt is too long") as caught:
        oai.chat.completions.create(**PLAIN)
    assert caught.value.status_code == 400
    assert sandbox.requests[-1].status == 422


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"messages": BAD_ARGUMENTS}, "messages[1].tool_calls[0].function.arguments"),
        ({"temperature": "hot"}, "temperature: must be a number"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "string"}}}]}, "tools[0]"),
        ({"max_tokens": -1}, "max_tokens"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(http, sandbox, more, words):
    answer = http.post("/v1/chat/completions", json={**PLAIN, **more})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert words in answer.json()["error"]["message"]
    assert sandbox.requests == []


def test_errors_in_anthropics_shape(claude, http, sandbox):
    with pytest.raises(anthropic.BadRequestError, match=r"tools\[0\]"):
        claude.messages.create(
            model="gigachat-pro", max_tokens=10, messages=HI, tools=[{"name": "f", "input_schema": {"type": "string"}}]
        )
    sandbox.fail_next(status=429, headers={"Retry-After": "0"}, times=9)
    with pytest.raises(anthropic.RateLimitError):
        claude.messages.create(model="gigachat-pro", max_tokens=10, messages=HI)
    sandbox.world.faults.clear()
    with pytest.raises((anthropic.BadRequestError, anthropic.NotFoundError)):
        claude.messages.create(model="claude-sonnet", max_tokens=10, messages=HI)


def test_errors_of_the_other_endpoints(http, sandbox):
    for path, body, where, status in (
        ("/v1/responses", {"model": "gigachat-pro", "input": "hi"}, "chat", 400),
        ("/v1/embeddings", {"model": "gigachat-embeddings", "input": "hi"}, "embeddings", 400),
        ("/v1/images/generations", {"model": "gigachat-pro", "prompt": "a cat"}, "chat", 403),  # a way of its own
    ):
        sandbox.world.faults.clear()
        sandbox.fail_next(where, status=403, times=9)
        answer = http.post(path, json=body)
        assert answer.status_code == status, (path, answer.text)
        assert "tariff" in answer.json()["error"]["message"]


def test_a_stream_cut_in_the_middle_is_an_error_event(http, sandbox):
    sandbox.knobs.answer = "one two three four five six seven eight nine ten"
    sandbox.knobs.stream.cut_after = 3
    with http.stream("POST", "/v1/chat/completions", json={**PLAIN, "stream": True}) as answer:
        text = answer.read().decode()
    assert answer.status_code == 200
    assert '"error"' in text
    assert "one" in text
