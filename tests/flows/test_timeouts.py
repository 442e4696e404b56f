"""Endless and huge time limits count as a day, wherever they stand; what is no time is a 400 before any network."""

from __future__ import annotations

import asyncio

import httpx
import litellm
import pytest
from ways import call

from litellm_gigachat_provider import GigaChatLLM, account
from litellm_gigachat_provider.errors import InvalidRequestError
from litellm_gigachat_provider.flows.call import prepare
from litellm_gigachat_provider.settings import Overrides
from litellm_gigachat_provider.settings.timeouts import DEFAULT_TIMEOUT, MAX_TIMEOUT

INF = float("inf")
HUGE = [INF, 1e10, 1e300, "inf", httpx.Timeout(None), httpx.Timeout(INF), httpx.Timeout(5, read=None)]
NO_TIME = [0, -1, float("nan"), "soon", httpx.Timeout(0), httpx.Timeout(float("nan")), -INF]
KEYED = {"access_token": "t" * 20, "env_file": False}


def limit(overrides=None, **kwargs):
    return prepare(Overrides(**KEYED, **(overrides or {})), {"model": "GigaChat-2", **kwargs}).timeout


@pytest.mark.parametrize("timeout", [*HUGE, 10**400], ids=lambda timeout: f"{timeout}"[:40])
def test_more_than_a_day_is_a_day(timeout):
    assert limit(timeout=timeout) == MAX_TIMEOUT == 86400
    assert limit({"timeout": timeout}, timeout=3) == MAX_TIMEOUT


@pytest.mark.parametrize(("timeout", "expected"), [(None, DEFAULT_TIMEOUT), (86399, 86399), (0.5, 0.5)])
def test_what_fits_stays(timeout, expected):
    assert limit(timeout=timeout) == expected


@pytest.mark.parametrize("timeout", HUGE, ids=repr)
@pytest.mark.parametrize("client", ["none", "sync", "async"])
def test_calls_with_endless_limits(gigachat_sandbox, ask, timeout, client):
    """An httpx client of the caller hands the limit to its sockets."""
    if client == "none":
        assert ask(timeout=timeout).content
        return
    if (client == "async") != ask.way.startswith("a"):
        pytest.skip("each kind of client goes with its own kind of call")
    made = httpx.Client() if client == "sync" else httpx.AsyncClient()
    assert ask(timeout=timeout, client=made).content


def test_over_https_and_in_the_constructor(gigachat_sandbox_tls, monkeypatch):
    monkeypatch.setattr(
        litellm, "custom_provider_map", [{"provider": "gigachat", "custom_handler": GigaChatLLM(timeout=INF)}]
    )
    for way in ("completion", "acompletion", "stream", "astream"):
        assert call(way).content
    assert litellm.embedding(model="gigachat/Embeddings", input=["x"], timeout=INF).data
    assert account.count_tokens("x", timeout=INF)
    assert asyncio.run(account.acount_tokens("x", timeout=1e10))


@pytest.mark.parametrize("timeout", NO_TIME, ids=repr)
def test_no_time_is_refused(timeout):
    for given in ({"timeout": timeout}, {"overrides": {"timeout": timeout}}):
        with pytest.raises(InvalidRequestError, match="timeout"):
            limit(**given)
    with pytest.raises(litellm.BadRequestError, match="timeout"):
        account.count_tokens("x", timeout=timeout, **KEYED)


@pytest.mark.parametrize("timeout", [-1, float("nan")], ids=repr)
def test_no_time_is_a_clear_400(gigachat_sandbox, ask, timeout):
    with pytest.raises(litellm.BadRequestError, match="timeout"):
        ask(timeout=timeout)
    assert not gigachat_sandbox.requests
