"""The counters behind ``stats()``, and what LiteLLM's callbacks get."""

from __future__ import annotations

import asyncio
import json
import time

import litellm
import pytest
from litellm.integrations.custom_logger import CustomLogger
from ways import MODEL, call

import litellm_gigachat_provider as provider

TOOL = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}}
HISTORY = [
    {"role": "system", "content": "Short answers"},
    {"role": "user", "content": [{"type": "text", "text": "What time is it?"}]},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "c1", "content": '{"time": "12:00"}'},
]


def test_a_chat_call_is_counted(gigachat_sandbox, ask):
    before = provider.stats()
    outcome = ask(HISTORY, tools=[TOOL])
    after = provider.stats()
    kind = "stream" if outcome.streamed else "chat"
    assert after["processed_requests"] - before["processed_requests"] == 1
    assert after["requests"][kind] - before["requests"].get(kind, 0) == 1
    conversions = {k: after["conversion_stats"][k] - before["conversion_stats"][k] for k in after["conversion_stats"]}
    assert conversions == {"converted_messages": 3, "content_arrays": 1, "tool_messages": 2, "tools": 1}
    spent = {k: after["tokens"][k] - before["tokens"][k] for k in after["tokens"]}
    usage = outcome.usage
    assert spent == {
        "prompt": usage.prompt_tokens,
        "completion": usage.completion_tokens,
        "cached": usage.prompt_tokens_details.cached_tokens,
        "total": usage.total_tokens,
    }
    assert after["token_refreshes"] - before["token_refreshes"] == 1


def test_failures_by_the_class_the_caller_sees_and_by_status(gigachat_sandbox, ask):
    before = provider.stats()
    gigachat_sandbox.fail_next("chat", status=429)
    with pytest.raises(litellm.RateLimitError):
        ask("x", num_retries=0)
    with pytest.raises(litellm.BadRequestError):
        ask([{"role": "nobody", "content": "x"}], num_retries=0)
    after = provider.stats()
    assert after["errors"]["http_429"] - before["errors"].get("http_429", 0) == 1
    for kind in ("RateLimitError", "BadRequestError"):
        assert after["failures"][kind] - before["failures"].get(kind, 0) == 1


def test_replays_and_embeddings(gigachat_sandbox):
    litellm.embedding(model="gigachat/Embeddings", input=["one"])
    before = provider.stats()
    gigachat_sandbox.revoke_tokens()
    answer = litellm.embedding(model="gigachat/Embeddings", input=["one", "two"])
    after = provider.stats()
    assert after["retries"] - before["retries"] == 1
    assert after["requests"]["embeddings"] - before["requests"]["embeddings"] == 1
    assert after["tokens"]["prompt"] - before["tokens"]["prompt"] == answer.usage.prompt_tokens


def test_stats_are_json_without_secrets(gigachat_sandbox):
    litellm.completion(model=MODEL, messages=[{"role": "user", "content": "hi"}])
    text = json.dumps(provider.stats())
    assert gigachat_sandbox.credentials not in text


def test_names_the_predecessor_documents(gigachat_sandbox):
    litellm.completion(model=MODEL, messages=[{"role": "user", "content": "hi"}])
    info = provider.token_info()
    assert info["has_token"] is True
    assert 1700 < info["expires_in_seconds"] <= 1800
    assert {"processed_requests", "conversion_stats"} <= set(provider.stats())


class Callback(CustomLogger):
    def __init__(self):
        self.seen = []

    def log_success_event(self, kwargs, response_obj, start_time, end_time):
        self.keep(kwargs)

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        self.keep(kwargs)

    def keep(self, kwargs):
        """At once: LiteLLM goes on changing the dictionary."""
        if kwargs.get("standard_logging_object") and kwargs.get("response_cost"):
            self.seen.append(kwargs["standard_logging_object"])

    def payload(self):
        return self.seen[-1] if self.seen else None


@pytest.fixture
def callback(monkeypatch):
    """What LiteLLM's Prometheus callback sees, and every other one."""
    callback = Callback()
    monkeypatch.setattr(litellm, "success_callback", [callback])
    monkeypatch.setattr(litellm, "_async_success_callback", [callback])
    return callback


def check(payload):
    assert payload["prompt_tokens"] > 0
    assert payload["completion_tokens"] > 0
    assert payload["response_cost"] > 0
    assert payload["custom_llm_provider"] == "gigachat"
    assert payload["model"].endswith("GigaChat-2-Max")


@pytest.mark.parametrize("way", ["completion", "stream"])
def test_usage_and_cost_reach_callbacks(gigachat_sandbox, callback, way):
    call(way, "Привет!")
    deadline = time.monotonic() + 15  # LiteLLM imports half of itself in the background first
    while callback.payload() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    check(callback.payload())


@pytest.mark.parametrize("stream", [False, True])
async def test_usage_and_cost_reach_async_callbacks(gigachat_sandbox, callback, stream):
    answer = await litellm.acompletion(model=MODEL, messages=[{"role": "user", "content": "hi"}], stream=stream)
    if stream:
        assert [chunk async for chunk in answer]
    deadline = time.monotonic() + 15  # LiteLLM imports half of itself in the background first
    while callback.payload() is None and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    check(callback.payload())
