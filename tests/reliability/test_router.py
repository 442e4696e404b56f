"""What LiteLLM's Router needs of a provider: classes it falls back on, Retry-After, and nobody else's retries."""

from __future__ import annotations

import asyncio
import time

import litellm
import pytest
from ways import MODEL

import litellm_gigachat_provider  # noqa: F401 - registers

HELLO = [{"role": "user", "content": "Привет!"}]
SPARE = "gigachat/GigaChat-2"
_CALLBACKS = (
    "callbacks", "input_callback", "success_callback", "failure_callback", "_async_success_callback",
    "_async_failure_callback",
)  # fmt: skip


def router(models=None, **kwargs):
    """Group ``main`` on the Max model, ``spare`` on another, so that the bodies tell who was asked."""
    listed = {"main": MODEL, "spare": SPARE} if models is None else models
    kwargs.setdefault("num_retries", 0)
    return litellm.Router(
        model_list=[{"model_name": name, "litellm_params": {"model": model}} for name, model in listed.items()],
        retry_after=0,
        **kwargs,
    )


@pytest.fixture(autouse=True)
def few_callbacks():
    """A Router hooks itself into LiteLLM for good, and past 30 hooks LiteLLM takes no more: then nothing cools down."""
    lists = [getattr(litellm, name) for name in _CALLBACKS]
    before = [list(each) for each in lists]
    yield
    for each, kept in zip(lists, before, strict=True):
        each[:] = kept


@pytest.fixture(params=["sync", "async", "sync-stream", "async-stream"])
def ask(request):
    """The router's call in four ways; gives the text."""
    way, _, stream = request.param.partition("-")

    def run(made, model="main", **kwargs):
        kwargs = {"model": model, "messages": HELLO, "stream": bool(stream), **kwargs}
        if way == "sync":
            answer = made.completion(**kwargs)
            return "".join(c.choices[0].delta.content or "" for c in answer) if stream else _text(answer)

        async def main():
            answer = await made.acompletion(**kwargs)
            if not stream:
                return _text(answer)
            return "".join([c.choices[0].delta.content or "" async for c in answer])

        return asyncio.run(main())

    return run


def _text(answer):
    return answer.choices[0].message.content


def asked(sandbox):
    return [body["model"] for body in sandbox.chat_bodies]


def test_retry_after_is_honoured(gigachat_sandbox, ask):
    made = router(num_retries=2)
    assert ask(made)  # the first call of a process loads half of LiteLLM
    gigachat_sandbox.fail_next("chat", status=429, headers={"Retry-After": "1"})
    began = time.monotonic()
    assert ask(made)
    assert 0.95 < time.monotonic() - began < 8
    assert len(asked(gigachat_sandbox)) == 3


@pytest.mark.parametrize("status", [500, 503, 429])
def test_num_retries_multiplies_with_nothing_of_ours(gigachat_sandbox, ask, status):
    gigachat_sandbox.fail_next("chat", status=status, times=50, headers={"Retry-After": "0.01"})
    with pytest.raises(Exception) as caught:
        ask(router({"main": MODEL}, num_retries=1, disable_cooldowns=True))
    assert caught.value.status_code in (status, 503)
    assert len(asked(gigachat_sandbox)) == 2


def test_a_bad_request_is_not_retried(gigachat_sandbox, ask):
    gigachat_sandbox.fail_next("chat", status=422, times=50)
    with pytest.raises(litellm.BadRequestError):
        ask(router({"main": MODEL}, num_retries=2))
    assert len(asked(gigachat_sandbox)) == 1


def test_context_window_fallbacks(gigachat_sandbox, ask):
    gigachat_sandbox.fail_next("chat", status=413)
    assert ask(router(context_window_fallbacks=[{"main": ["spare"]}]))
    assert asked(gigachat_sandbox) == ["GigaChat-2-Max", "GigaChat-2"]


def test_content_policy_fallbacks(gigachat_sandbox, ask):
    gigachat_sandbox.fail_next("chat", status=400, body={"status": 400, "message": "blacklist: the topic is closed"})
    assert ask(router(content_policy_fallbacks=[{"main": ["spare"]}]))
    assert asked(gigachat_sandbox) == ["GigaChat-2-Max", "GigaChat-2"]


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 401, "times": 2}, {"status": 404}, {"kind": "reset"}])
def test_plain_fallbacks(gigachat_sandbox, ask, fault):
    gigachat_sandbox.fail_next("chat", **fault)
    assert ask(router(fallbacks=[{"main": ["spare"]}]))
    assert asked(gigachat_sandbox)[-1] == "GigaChat-2"
    assert set(asked(gigachat_sandbox)[:-1]) == {"GigaChat-2-Max"}


def test_cooldown_moves_the_traffic(gigachat_sandbox, ask):
    made = litellm.Router(
        model_list=[
            {"model_name": "group", "litellm_params": {"model": MODEL}},
            {"model_name": "group", "litellm_params": {"model": SPARE}},
        ],
        num_retries=2,
        retry_after=0,
        cooldown_time=30,
        allowed_fails=0,
    )
    gigachat_sandbox.fail_next("chat", status=429)  # older versions cool down for Retry-After, if there is one
    for _ in range(4):
        assert ask(made, "group")
    refused, *rest = asked(gigachat_sandbox)
    assert set(rest) == {"GigaChat-2-Max", "GigaChat-2"} - {refused}
    assert len(rest) == 4


UNKNOWN_FILE = "7a3f0c3e-1111-4111-8111-000000000000"
MISTAKES = {
    "a file that is not there": {"type": "file", "file": {"file_id": UNKNOWN_FILE}},
    "an address that is none": {"type": "image_url", "image_url": {"url": "gs://bucket/cat.png"}},
    "an id in place of a picture": {"type": "file", "file": {"file_id": "gs://bucket/cat.pdf"}},
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_clients_mistake_shuts_no_deployment_out(gigachat_sandbox, ask, mistake):
    """A 404 of the service would: nothing is wrong with the deployment, only with this one request."""
    made = router(allowed_fails=0, cooldown_time=30)
    wrong = [{"role": "user", "content": [{"type": "text", "text": "Что здесь?"}, MISTAKES[mistake]]}]
    with pytest.raises(litellm.BadRequestError):
        ask(made, messages=wrong)
    assert ask(made)


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("model", [MODEL, "gigachat/GigaChat-9-Nano"])
def test_embeddings_of_a_chat_model_are_refused_before_anything_is_sent(gigachat_sandbox, way, model):
    made = router({"main": model}, allowed_fails=0, cooldown_time=30)
    with pytest.raises(litellm.BadRequestError, match="makes no embeddings"):
        if way == "sync":
            made.embedding(model="main", input=["a"])
        else:
            asyncio.run(made.aembedding(model="main", input=["a"]))
    assert gigachat_sandbox.requests == []
    if model == MODEL:
        assert _text(made.completion(model="main", messages=HELLO))


def test_chat_with_a_model_for_embeddings_is_refused_before_anything_is_sent(gigachat_sandbox, ask):
    with pytest.raises(litellm.BadRequestError, match="cannot chat"):
        ask(router({"main": "gigachat/Embeddings"}))
    assert gigachat_sandbox.requests == []
