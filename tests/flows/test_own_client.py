"""``client=``: an httpx client, or a handler that holds one, carries the call; any other object is refused in words."""

from __future__ import annotations

import asyncio

import httpx
import litellm
import openai
import pytest
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler, HTTPHandler
from ways import MODEL

HELLO = [{"role": "user", "content": "Привет!"}]
MINE = {"X-Mine": "1"}


class Box:
    def __init__(self, client):
        self.client = client


def closed():
    client = httpx.Client()
    client.close()
    return client


def foreign():
    try:
        import httpx2
    except ImportError:
        return object()
    return httpx2.Client()


def litellms_handler():
    handler = HTTPHandler()
    handler.client.headers.update(MINE)
    return handler


def litellms_async_handler():
    handler = AsyncHTTPHandler()
    handler.client.headers.update(MINE)
    return handler


USED = {
    "httpx.Client": lambda: httpx.Client(headers=MINE),
    "an object that holds one": lambda: Box(httpx.Client(headers=MINE)),
    "LiteLLM's handler": litellms_handler,
}
USED_ASYNC = {
    "httpx.AsyncClient": lambda: httpx.AsyncClient(headers=MINE),
    "LiteLLM's async handler": litellms_async_handler,
}
REFUSED = {
    "httpx2": foreign,
    "openai.OpenAI": lambda: openai.OpenAI(api_key="none"),
    "openai.AsyncOpenAI": lambda: openai.AsyncOpenAI(api_key="none"),
    "a text": lambda: "client",
    "a box with nothing": lambda: Box(None),
    "a closed client": closed,
}


def send(way, make):
    """The client is made where the call is made: an async one belongs to its loop."""

    def kwargs():
        return {"model": MODEL, "messages": HELLO, "client": make(), "stream": way.endswith("stream"), "num_retries": 0}

    async def main():
        answer = await litellm.acompletion(**kwargs())
        return [chunk async for chunk in answer] if way == "astream" else answer

    if way.startswith("a"):
        return asyncio.run(main())
    answer = litellm.completion(**kwargs())
    return list(answer) if way == "stream" else answer


@pytest.fixture(params=["completion", "acompletion", "stream", "astream"])
def way(request):
    return request.param


def headers_of(sandbox):
    return {key.lower(): value for key, value in sandbox.chat_requests[-1].headers.items()}


@pytest.mark.parametrize("kind", list(USED))
def test_a_synchronous_client_carries_every_call(gigachat_sandbox, way, kind):
    assert send(way, USED[kind])
    assert headers_of(gigachat_sandbox)["x-mine"] == "1"


@pytest.mark.parametrize("kind", list(USED_ASYNC))
def test_an_async_client_carries_async_calls_only(gigachat_sandbox, way, kind):
    if way.startswith("a"):
        assert send(way, USED_ASYNC[kind])
        assert headers_of(gigachat_sandbox)["x-mine"] == "1"
    else:
        with pytest.raises(litellm.BadRequestError, match="client: a synchronous call cannot use.*httpx.Client"):
            send(way, USED_ASYNC[kind])
        assert not gigachat_sandbox.requests


@pytest.mark.parametrize("kind", list(REFUSED))
def test_any_other_object_is_refused_with_what_to_pass(gigachat_sandbox, way, kind):
    with pytest.raises(litellm.BadRequestError, match="client: .*httpx.Client.*httpx.AsyncClient"):
        send(way, REFUSED[kind])
    assert not gigachat_sandbox.requests


def test_what_litellm_passes_by_itself_is_no_client(gigachat_sandbox):
    router = litellm.Router(model_list=[{"model_name": "main", "litellm_params": {"model": MODEL}}], num_retries=0)
    assert router.completion("main", HELLO).choices
    assert list(router.completion("main", HELLO, stream=True))
    assert asyncio.run(router.acompletion("main", HELLO)).choices
