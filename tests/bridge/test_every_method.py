"""Every method of the installed LiteLLM's ``CustomLLM`` answers here: none falls through to its retryable 500."""

from __future__ import annotations

import asyncio
import inspect

import litellm
import litellm.exceptions as x
import pytest

from litellm_gigachat_provider import gigachat, provider

PUBLIC = [n for n, method in vars(litellm.CustomLLM).items() if inspect.isfunction(method) and not n.startswith("_")]
NOTHING = {
    "model": "GigaChat-2-Max", "messages": [], "input": [], "prompt": "", "image": None, "optional_params": {},
    "model_response": None,
}  # fmt: skip
IMAGES = "gigachat/GigaChat-2-Max"
ROUTED = {"model_list": [{"model_name": "main", "litellm_params": {"model": IMAGES}}], "num_retries": 0}


async def consume(made):
    made = await made if inspect.isawaitable(made) else made
    if hasattr(made, "__aiter__"):
        return [chunk async for chunk in made]
    return made


@pytest.mark.parametrize("name", PUBLIC)
def test_no_method_gives_a_server_error(gigachat_sandbox, name):
    """Called with nothing usable, each says what the caller did."""
    with pytest.raises(x.BadRequestError) as caught:
        asyncio.run(consume(getattr(gigachat, name)(**NOTHING)))
    assert caught.value.llm_provider == "gigachat"
    assert not gigachat_sandbox.requests


def test_a_method_of_a_later_litellm_is_refused_too():
    class Later:
        def rerank(self, model, query): ...

        async def arerank(self, model, query): ...

        def completion(self, model): ...

    class Ours(Later):
        def completion(self, model):
            return model

    provider.refuse_the_rest(Ours, Later)
    assert Ours().completion("m") == "m"
    with pytest.raises(x.BadRequestError, match="rerank"):
        Ours().rerank(model="m", query="q")
    with pytest.raises(x.BadRequestError, match="rerank"):
        asyncio.run(Ours().arerank(model="m", query="q"))


def edit(way, target=litellm):
    call = {"image": b"\x89PNG", "prompt": "a hat", "model": "main" if target is not litellm else IMAGES}
    return target.image_edit(**call) if way == "sync" else asyncio.run(target.aimage_edit(**call))


@pytest.mark.parametrize("way", ["sync", "async"])
def test_an_image_edit_is_refused_with_what_to_use(gigachat_sandbox, way):
    with pytest.raises(x.BadRequestError, match="image_edit.*image_generation"):
        edit(way)
    assert not gigachat_sandbox.requests


def test_five_image_edits_leave_the_deployment_in_service(gigachat_sandbox):
    router = litellm.Router(**ROUTED)
    for _ in range(5):
        with pytest.raises(x.BadRequestError):
            edit("async", router)
    answer = router.completion("main", [{"role": "user", "content": "Привет!"}])
    assert answer.choices[0].message.content
