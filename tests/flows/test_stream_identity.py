"""All chunks of a stream carry the service's id and time, as a plain answer does."""

from __future__ import annotations

import asyncio

import litellm
import pytest

HELLO = [{"role": "user", "content": "Привет!"}]


@pytest.mark.parametrize("way", ["sync", "async"])
def test_id_and_time_are_the_services(contract, gigachat_sandbox, way):
    call = {
        "model": "gigachat/GigaChat-2", "messages": HELLO, "stream": True, "stream_options": {"include_usage": True},
    }  # fmt: skip

    async def main():
        return [chunk async for chunk in await litellm.acompletion(**call)]

    before = int(litellm.time.time()) if hasattr(litellm, "time") else 0
    chunks = asyncio.run(main()) if way == "async" else list(litellm.completion(**call))
    assert len({chunk.id for chunk in chunks}) == 1
    assert len({chunk.created for chunk in chunks}) == 1
    assert chunks[0].created >= before
    headers = chunks[0]._hidden_params.get("additional_headers") or {}
    request_id = headers.get("llm_provider-x-request-id")
    if request_id:
        assert chunks[0].id == f"chatcmpl-{request_id}"
