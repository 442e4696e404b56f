"""The session id: stable through a conversation, apart between tenants, and telling nothing."""

from __future__ import annotations

import uuid

import pytest

from litellm_gigachat_provider.request.session import session_id

SYSTEM = {"role": "system", "content": "Be brief."}
FIRST = {"role": "user", "content": "My secret is 4711"}
LATER = [{"role": "assistant", "content": "ok"}, {"role": "user", "content": "more"}]


def made(headers=None, params=None, litellm_params=None, messages=(SYSTEM, FIRST), salt="t1"):
    return session_id(headers or {}, params or {}, litellm_params or {}, list(messages), salt)


def test_it_is_the_same_from_turn_to_turn():
    one = made()
    assert one == made(messages=[SYSTEM, FIRST, *LATER])
    assert str(uuid.UUID(one)) == one
    assert "4711" not in one


@pytest.mark.parametrize(
    "other",
    [
        {"salt": "t2"},
        {"params": {"user": "ann"}},
        {"messages": [FIRST]},
        {"messages": [SYSTEM, {"role": "user", "content": "other"}]},
        {"messages": [SYSTEM, {"role": "user", "content": [{"type": "text", "text": "My secret is 4711"}]}]},
    ],
)
def test_it_differs(other):
    assert made(**other) != made()


@pytest.mark.parametrize(
    "named",
    [
        {"litellm_params": {"litellm_session_id": "abc"}},
        {"litellm_params": {"metadata": {"session_id": "abc"}}},
        {"litellm_params": {"litellm_metadata": {"session_id": "abc"}}},
        {"params": {"metadata": {"session_id": "abc"}}},
        {"params": {"prompt_cache_key": "abc"}},
        {"params": {"session_id": "abc\n"}},
    ],
)
def test_a_given_id_decides_whatever_the_messages(named):
    one = made(**named)
    assert one == made(**named, messages=[FIRST])
    assert one != made(**named, salt="t2")
    assert "abc" not in one


def test_order_of_precedence():
    both = {
        "litellm_params": {"litellm_session_id": "a", "metadata": {"session_id": "b"}},
        "params": {"prompt_cache_key": "c"},
    }
    assert made(**both) == made(litellm_params={"litellm_session_id": "a"})


def test_an_explicit_header_wins_and_an_explicit_parameter_goes_as_it_is():
    assert made(headers={"x-session-id": "mine"}) is None
    assert made(params={"session_id": "mine"}) == "mine"


def test_it_can_be_switched_off():
    assert made(params={"gigachat_session_affinity": False}) is None
    assert made(params={"gigachat_session_affinity": False, "session_id": "mine"}) == "mine"


@pytest.mark.parametrize("messages", [None, [], "hello", 5])
def test_without_messages_there_is_none(messages):
    assert session_id({}, {}, None, messages, "t") is None


def test_odd_messages_do_no_harm():
    assert session_id(None, {}, None, [{"role": "user", "content": {1: object()}}, 5], "t")
    assert session_id(None, {}, None, [object()], "t")
    assert session_id(None, {}, None, [{"role": "user", "content": "\ud800"}], "t")
