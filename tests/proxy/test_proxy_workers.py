"""A second process: two workers, a client key, LiteLLM's detailed log, and parameters not dropped."""

from __future__ import annotations

import base64
import concurrent.futures
import json
import time
from pathlib import Path

import httpx
import openai
import pytest
from proxy_process import CLIENT_KEY, ProxyProcess

anthropic = pytest.importorskip("anthropic")

HI = [{"role": "user", "content": "hi"}]


@pytest.fixture(scope="module")
def strict(_strict):
    _strict.wait_ready()
    return _strict


@pytest.fixture
def keyed(strict, sandbox):
    with openai.OpenAI(base_url=f"{strict.url}/v1", api_key=CLIENT_KEY, max_retries=0, timeout=30) as client:
        yield client


def test_both_workers_answer(keyed, sandbox):
    def ask(number):
        text = f"Say {number}"
        return keyed.chat.completions.create(model="gigachat", messages=[{"role": "user", "content": text}])

    for _ in range(10):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, range(16)))
        assert all(answer.choices[0].message.content for answer in answers)
        if sandbox.oauth_count == 2:
            break
    assert sandbox.oauth_count == 2  # each worker is a process of its own, with a token of its own
    assert [record.refusal for record in sandbox.refused] == []


def test_a_client_key_is_demanded(strict, keyed, sandbox):
    body = {"model": "gigachat", "messages": HI}
    for headers in ({}, {"Authorization": "Bearer sk-other"}, {"x-api-key": "sk-other"}):
        answer = httpx.post(f"{strict.url}/v1/chat/completions", json=body, headers=headers, timeout=30)
        assert answer.status_code in (400, 401), answer.text  # 400: an unknown key would be looked up in a database
    assert sandbox.requests == []
    with anthropic.Anthropic(base_url=strict.url, api_key=CLIENT_KEY, max_retries=0) as client:
        assert client.messages.create(model="gigachat", max_tokens=64, messages=HI).content[0].text


@pytest.mark.parametrize("name", ["logit_bias", "presence_penalty", "seed"])
def test_parameters_without_a_counterpart_are_refused(keyed, sandbox, name):
    value = {"50256": -100} if name == "logit_bias" else 1
    with pytest.raises(openai.BadRequestError, match=f"{name}.*drop_params"):
        keyed.chat.completions.create(model="gigachat-pro", messages=HI, **{name: value})
    assert sandbox.requests == []


def test_embeddings_as_the_sdk_asks_for_them(keyed, sandbox):
    answer = keyed.embeddings.create(model="gigachat-embeddings", input=["кошка"])
    assert all(isinstance(number, float) for number in answer.data[0].embedding)
    assert [record.refusal for record in sandbox.refused] == []


def test_claude_code_and_cline_need_no_drop_params(strict, keyed, sandbox):
    stream = keyed.chat.completions.create(
        model="gigachat", messages=HI, temperature=0, stream=True, stream_options={"include_usage": True}
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    with anthropic.Anthropic(base_url=strict.url, api_key=CLIENT_KEY, max_retries=0) as client:
        answer = client.messages.create(
            model="gigachat",
            max_tokens=512,
            system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            messages=HI,
            metadata={"user_id": "user_1"},
            tools=[{"name": "f", "description": "Does nothing", "input_schema": {"type": "object", "properties": {}}}],
        )
    assert answer.stop_reason in ("end_turn", "tool_use")
    assert [record.refusal for record in sandbox.refused] == []


def test_the_debug_log_shows_requests_and_no_secret(strict, keyed, sandbox):
    keyed.chat.completions.create(model="gigachat", messages=[{"role": "user", "content": "seen in the log"}])
    sandbox.fail_next(status=403)
    with pytest.raises(openai.BadRequestError, match="the account of this proxy"):
        keyed.chat.completions.create(model="gigachat-pro", messages=HI)
    end = time.monotonic() + 5
    while "seen in the log" not in strict.log and time.monotonic() < end:
        time.sleep(0.1)
    log = strict.log
    assert "seen in the log" in log
    decoded = base64.b64decode(sandbox.credentials).decode()
    secrets = [sandbox.credentials, decoded, sandbox.client_secret, CLIENT_KEY, *sandbox.world.office._tokens]
    assert [secret[:12] for secret in secrets if secret in log] == []


def test_a_wrong_key_of_the_proxys_own_is_told_in_words(keyed, sandbox):
    sandbox.expire_tokens()
    sandbox.fail_next("oauth", status=401, body={"code": 6, "message": "credentials doesn't match db data"}, times=99)
    with pytest.raises(openai.BadRequestError, match="sign in with its own key") as caught:
        keyed.chat.completions.create(model="gigachat-pro", messages=HI)
    assert sandbox.credentials not in json.dumps(caught.value.body)


@pytest.mark.slow
def test_sigterm_ends_every_process(_server, tmp_path):
    proxy = ProxyProcess(_server, tmp_path, "--workers", "2")
    proxy.wait_ready()
    family = proxy.family()
    assert len(family) >= 3  # the server and its two workers
    assert proxy.stop() == 0
    end = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in family) and time.monotonic() < end:
        time.sleep(0.1)
    assert [pid for pid in family if Path(f"/proc/{pid}").exists()] == []
