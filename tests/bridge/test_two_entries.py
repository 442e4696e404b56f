"""Two ``gigachat`` entries in ``custom_provider_map``: the last one answers, whatever the call, on every LiteLLM."""

from __future__ import annotations

import asyncio

import litellm
import pytest
from ways import MODEL

import litellm_gigachat_provider as ours

HELLO = [{"role": "user", "content": "Привет!"}]
CALLS = {
    "completion": lambda: litellm.completion(model=MODEL, messages=HELLO),
    "acompletion": lambda: litellm.acompletion(model=MODEL, messages=HELLO),
    "streaming": lambda: litellm.completion(model=MODEL, messages=HELLO, stream=True),
    "astreaming": lambda: litellm.acompletion(model=MODEL, messages=HELLO, stream=True),
    "embedding": lambda: litellm.embedding(model="gigachat/Embeddings", input=["x"]),
    "aembedding": lambda: litellm.aembedding(model="gigachat/Embeddings", input=["x"]),
    "image_generation": lambda: litellm.image_generation(model=MODEL, prompt="кот"),
    "aimage_generation": lambda: litellm.aimage_generation(model=MODEL, prompt="кот"),
    "image_edit": lambda: litellm.image_edit(model=MODEL, image=b"x", prompt="кот"),
    "aimage_edit": lambda: litellm.aimage_edit(model=MODEL, image=b"x", prompt="кот"),
}

CHAT = list(CALLS)[:4]


class ReachedError(BaseException):
    """Not an ``Exception``: LiteLLM lets it pass as it is."""


def reached(name):
    def method(self, **_):
        raise ReachedError(self, name)

    return method


Marked = type("Marked", (ours.GigaChatLLM,), {name: reached(name) for name in CALLS})


def who(name):
    async def main():
        return await CALLS[name]()

    with pytest.raises(ReachedError) as caught:
        asyncio.run(main()) if name.startswith("a") else CALLS[name]()
    handler, method = caught.value.args
    assert method == name
    return handler


@pytest.mark.parametrize("name", list(CALLS))
def test_the_last_entry_answers_every_kind_of_call(monkeypatch, name):
    first, last, between = Marked(), Marked(), litellm.CustomLLM()
    entries = [("gigachat", first), ("other", between), ("gigachat", last)]
    monkeypatch.setattr(
        litellm, "custom_provider_map", [{"provider": p, "custom_handler": handler} for p, handler in entries]
    )
    ours.register(check=False)
    assert who(name) is last


@pytest.mark.parametrize("name", list(CALLS))
def test_an_entry_that_is_no_handler_is_passed_over(monkeypatch, name):
    """LiteLLM from 1.108 on lets a video configuration stand in the map."""
    if not (name in CHAT or hasattr(litellm.utils.ProviderConfigManager, "get_custom_llm_handler")):
        pytest.skip("this LiteLLM knows no such entries")
    handler = Marked()
    monkeypatch.setattr(
        litellm,
        "custom_provider_map",
        [{"provider": "gigachat", "custom_handler": handler}, {"provider": "gigachat", "custom_handler": object()}],
    )
    assert who(name) is handler


def test_other_providers_are_looked_up_as_before(monkeypatch):
    class Other(litellm.CustomLLM):
        def embedding(self, **_):
            raise ReachedError(self, "embedding")

    first, last = Other(), Other()
    monkeypatch.setattr(
        litellm, "custom_provider_map", [{"provider": "other", "custom_handler": handler} for handler in (first, last)]
    )
    find = getattr(litellm.utils.ProviderConfigManager, "get_custom_llm_handler", None)
    with pytest.raises(ReachedError) as caught:
        litellm.embedding(model="other/x", input=["x"])
    assert caught.value.args[0] is (last if find is None else first)
