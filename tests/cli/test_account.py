"""Counting tokens, listing models, the balance: the body sent, the rows received, both ways."""

from __future__ import annotations

import asyncio
import inspect

import litellm
import pytest

from litellm_gigachat_provider import account


def both(name, *args, **kwargs):
    """The same call in both ways; the results must be equal."""
    plain = getattr(account, name)(*args, **kwargs)
    assert asyncio.run(getattr(account, f"a{name}")(*args, **kwargs)) == plain
    return plain


def test_tokens_of_several_texts(gigachat_sandbox):
    counted = both("count_tokens", ["Привет, мир", "x"], model="gigachat/GigaChat-2")
    assert [row["characters"] for row in counted] == [11, 1]
    assert all(row["tokens"] > 0 for row in counted)
    sent = gigachat_sandbox.requests[-1]
    assert (sent.path, sent.json) == ("/v1/tokens/count", {"model": "GigaChat-2", "input": ["Привет, мир", "x"]})


def test_tokens_of_one_text(gigachat_sandbox):
    assert [row["characters"] for row in both("count_tokens", "Привет")] == [6]
    assert gigachat_sandbox.requests[-1].json == {"model": "GigaChat-2-Max", "input": ["Привет"]}


@pytest.mark.parametrize("texts", [[], [1], ["a", None]])
def test_nothing_to_count_is_refused_before_anything_is_sent(gigachat_sandbox, texts):
    with pytest.raises(litellm.BadRequestError, match="texts"):
        account.count_tokens(texts)
    assert gigachat_sandbox.requests == []


def test_models(gigachat_sandbox):
    rows = both("list_models")
    assert {"GigaChat-2-Max", "Embeddings"} <= {row["id"] for row in rows}
    assert {row["type"] for row in rows} >= {"chat", "embedder"}


def test_balance(gigachat_sandbox):
    assert both("balance")[0] == {"usage": "GigaChat", "value": 900000}


def test_balance_of_an_account_that_pays_as_it_goes(gigachat_sandbox):
    gigachat_sandbox.knobs.balance_forbidden = True
    with pytest.raises(litellm.exceptions.PermissionDeniedError, match="pays as it goes"):
        account.balance()
    with pytest.raises(litellm.exceptions.PermissionDeniedError, match="pays as it goes"):
        asyncio.run(account.abalance())


def test_settings_of_the_call(gigachat_sandbox, monkeypatch):
    key = gigachat_sandbox.add_account("GIGACHAT_API_B2B")
    monkeypatch.delenv("GIGACHAT_CREDENTIALS")
    with pytest.raises(litellm.AuthenticationError, match="no GigaChat credential"):
        account.list_models(env_file=False)
    assert account.list_models(credentials=key, scope="B2B", env_file=False)


def test_unknown_model(gigachat_sandbox):
    with pytest.raises(litellm.NotFoundError, match="litellm-gigachat models") as failed:
        account.count_tokens("x", "NoSuch")
    assert failed.value.model == "NoSuch"
    with pytest.raises(litellm.NotFoundError, match="litellm-gigachat models") as failed:
        asyncio.run(account.acount_tokens("x", model="NoSuch"))
    assert failed.value.model == "NoSuch"


def test_what_help_shows():
    words = "(file_id: 'str', **settings: 'Any') -> 'bytes'"
    assert str(inspect.signature(account.get_file_content)) == words
    assert str(inspect.signature(account.aget_file_content)) == words
    assert account.aget_file_content.__name__ == "aget_file_content"
    assert inspect.iscoroutinefunction(account.aget_file_content)
    assert account.aget_file_content.__doc__.startswith("The bytes of a file")


@pytest.mark.parametrize("name", ["list_models", "balance"])
@pytest.mark.parametrize("body", ["[1, 2]", '"text"', "{}", "<html>"])
def test_answers_of_another_shape(gigachat_sandbox, name, body):
    gigachat_sandbox.fail_next("any", status=200, body=body, skip=1)  # the token first
    with pytest.raises(litellm.APIConnectionError):
        getattr(account, name)()
