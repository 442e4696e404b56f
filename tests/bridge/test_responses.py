"""A client of ``/responses`` that leaves early: the stream below is closed, and its slot free."""

from __future__ import annotations

import asyncio
import gc
import time

import litellm
import pytest
from litellm.responses.litellm_completion_transformation import streaming_iterator

from litellm_gigachat_provider.transport import client


def running():
    return sum(t.limiter.running for t in client._tenants.values() if t.limiter is not None)


def test_the_iterator_can_be_closed():
    assert callable(streaming_iterator.LiteLLMCompletionStreamingIterator.aclose)


@pytest.mark.parametrize("after", [0, 1], ids=["before the first event", "after the first event"])
def test_a_left_response_frees_its_slot(gigachat_sandbox, monkeypatch, after):
    monkeypatch.setenv("GIGACHAT_MAX_CONCURRENCY", "1")
    gigachat_sandbox.knobs.stream.chunk_delay = 2.0

    async def main():
        stream = await litellm.aresponses(model="gigachat/GigaChat-2", input="Привет!", stream=True)
        for _ in range(after):
            await stream.__anext__()
        assert running() == 1
        await stream.aclose()
        assert running() == 0
        gigachat_sandbox.knobs.stream.chunk_delay = 0.0
        began = time.monotonic()
        answer = await litellm.aresponses(model="gigachat/GigaChat-2", input="Привет!", timeout=4)
        assert time.monotonic() - began < 4
        return answer

    assert asyncio.run(main()).output
    gc.collect()
