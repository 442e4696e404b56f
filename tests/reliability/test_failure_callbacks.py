"""The key is not among what LiteLLM's callbacks get when a call fails; with the call's own error nothing changes."""

from __future__ import annotations

import asyncio
import time

import litellm
import pytest
from canaries import deep
from litellm.integrations.custom_logger import CustomLogger
from ways import MODEL, WAYS

HELLO = [{"role": "user", "content": "Привет!"}]
KINDS = (*WAYS, "embedding", "aembedding", "image_generation", "aimage_generation")


class Collector(CustomLogger):
    def __init__(self):
        super().__init__()
        self.failures, self.others = [], []

    def log_failure_event(self, kwargs, *_, **__):
        self.failures.append((kwargs.get("api_key"), deep(kwargs, skip=())))

    async def async_log_failure_event(self, kwargs, *_, **__):
        self.log_failure_event(kwargs)

    def log_pre_api_call(self, model, messages, kwargs):
        self.others.append(deep(kwargs, skip=()))

    def log_post_api_call(self, kwargs, *_, **__):
        self.others.append(deep(kwargs, skip=()))


@pytest.fixture
def collector(monkeypatch):
    made = Collector()
    for name in ("input_callback", "failure_callback", "_async_failure_callback"):
        monkeypatch.setattr(litellm, name, [made])
    return made


def wait_for(seen):
    until = time.monotonic() + 10
    while not seen and time.monotonic() < until:
        time.sleep(0.01)  # LiteLLM calls back from a thread


def fail(kind):
    async def main():
        try:
            await calls[kind]()
        finally:
            await asyncio.sleep(0.05)  # LiteLLM's logging worker has its turn

    calls = {
        "completion": lambda: litellm.completion(model=MODEL, messages=HELLO),
        "acompletion": lambda: litellm.acompletion(model=MODEL, messages=HELLO),
        "stream": lambda: litellm.completion(model=MODEL, messages=HELLO, stream=True),
        "astream": lambda: litellm.acompletion(model=MODEL, messages=HELLO, stream=True),
        "embedding": lambda: litellm.embedding(model="gigachat/Embeddings", input=["x"]),
        "aembedding": lambda: litellm.aembedding(model="gigachat/Embeddings", input=["x"]),
        "image_generation": lambda: litellm.image_generation(model=MODEL, prompt="кот"),
        "aimage_generation": lambda: litellm.aimage_generation(model=MODEL, prompt="кот"),
    }
    with pytest.raises(litellm.InternalServerError, match="out of order"):
        calls[kind]() if kind in ("completion", "stream", "embedding", "image_generation") else asyncio.run(main())


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        *((kind, source) for kind in KINDS for source in ("GIGACHAT_CREDENTIALS", "GIGACHAT_API_KEY")),
        *((way, "litellm.api_key") for way in WAYS),  # LiteLLM reads it for chat only
    ],
)
def test_no_failure_callback_gets_the_key(gigachat_sandbox, collector, monkeypatch, kind, source):
    key = gigachat_sandbox.credentials
    monkeypatch.delenv("GIGACHAT_CREDENTIALS")
    if source == "litellm.api_key":
        monkeypatch.setattr(litellm, "api_key", key)
    else:
        monkeypatch.setenv(source, key)
    gigachat_sandbox.fail_next("any", status=500, times=9, body={"status": 500, "message": "out of order"}, skip=1)
    fail(kind)
    wait_for(collector.failures)
    assert collector.failures
    for api_key, everything in collector.failures:
        assert not api_key
        assert key not in everything
    assert not any(key in everything for everything in collector.others)
