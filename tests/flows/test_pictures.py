"""``image_generation``: every parameter is done or refused, what was spent is told, ``api_version`` reaches it."""

from __future__ import annotations

import asyncio
import base64

import litellm
import pytest
from sent import chats, sent
from ways import MODEL

from litellm_gigachat_provider.flows import chat

WAYS = ["sync", "async"]


@pytest.fixture(params=WAYS)
def draw(request, gigachat_sandbox):
    def run(prompt="кот", **kwargs):
        kwargs = {"model": MODEL, "prompt": prompt, **kwargs}
        if request.param == "sync":
            return litellm.image_generation(**kwargs)
        return asyncio.run(litellm.aimage_generation(**kwargs))

    return run


def jpegs(response):
    return [base64.b64decode(picture.b64_json).startswith(b"\xff\xd8") for picture in response.data]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_usage_and_cost(gigachat_sandbox, draw, version):
    response = draw(api_version=version)
    assert jpegs(response) == [True]
    usage = response.usage
    assert usage.input_tokens > 0
    assert usage.output_tokens > 0
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    prompt, completion = litellm.cost_per_token(
        model="GigaChat-2-Max",
        custom_llm_provider="gigachat",
        prompt_tokens=usage.input_tokens,
        completion_tokens=usage.output_tokens,
    )
    assert 0 < response._hidden_params["response_cost"] <= (prompt + completion) * 1.0001


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_n_pictures_are_n_requests(gigachat_sandbox, draw, version):
    one = draw(api_version=version).usage
    response = draw(n=3, api_version=version)
    assert jpegs(response) == [True] * 3
    assert chats(gigachat_sandbox) == 4
    assert all("n" not in body for body in gigachat_sandbox.chat_bodies)
    assert response.usage.total_tokens >= 3 * one.input_tokens


@pytest.mark.parametrize("n", [0, 11, "two"])
def test_an_odd_number_is_refused(gigachat_sandbox, draw, n):
    with pytest.raises(litellm.BadRequestError, match="n"):
        draw(n=n)
    assert not gigachat_sandbox.requests


@pytest.mark.parametrize(
    ("name", "value"), [("size", "1792x1024"), ("quality", "hd"), ("style", "vivid"), ("response_format", "url")]
)
def test_what_cannot_be_done_is_refused_or_dropped(gigachat_sandbox, draw, name, value):
    with pytest.raises(litellm.UnsupportedParamsError, match=name):
        draw(**{name: value})
    assert not gigachat_sandbox.requests
    assert jpegs(draw(drop_params=True, **{name: value})) == [True]
    assert name not in sent(gigachat_sandbox).raw


def test_what_happens_anyway_is_taken(gigachat_sandbox, draw):
    assert jpegs(draw(size="1024x1024", quality="standard", response_format="b64_json", user="u", n=1)) == [True]
    assert not {"size", "quality", "response_format", "user", "n"} & set(sent(gigachat_sandbox).raw)


@pytest.mark.parametrize(("prompt", "asked"), [("кот", "Нарисуй изображение: кот"), ("cat", "Draw a picture: cat")])
def test_v1_is_asked_in_the_language_of_the_prompt(gigachat_sandbox, draw, prompt, asked):
    draw(prompt)
    body = sent(gigachat_sandbox)
    assert (body.contract, body.turns, body.choice) == ("v1", [("user", asked)], "auto")


def test_v2_per_call_is_told_by_its_tool_alone(gigachat_sandbox, draw):
    draw("a cat", api_version="v2")
    body = sent(gigachat_sandbox)
    assert (body.contract, body.turns, body.choice) == ("v2", [("user", "a cat")], "image_generate")


def test_auto_goes_on_with_v1(gigachat_sandbox, draw, monkeypatch):
    monkeypatch.setattr(chat, "_v2_refused", set())  # what earlier tests taught it of this host
    gigachat_sandbox.fail_next("chat", status=404, html=True)
    assert jpegs(draw("a cat", api_version="auto")) == [True]
    assert [sent(gigachat_sandbox, at).contract for at in (0, 1)] == ["v2", "v1"]


def test_headers_of_the_call_are_sent(gigachat_sandbox, draw):
    draw(extra_headers={"X-Client-ID": "tenant-7"})
    headers = {key.lower(): value for key, value in sent(gigachat_sandbox).headers.items()}
    assert headers["x-client-id"] == "tenant-7"
    with pytest.raises(litellm.BadRequestError, match="Authorization"):
        draw(extra_headers={"Authorization": "Bearer mine"})
