"""``num_retries`` without a Router: LiteLLM's own repetition, in all four ways, a stream's before its first chunk."""

from __future__ import annotations

from pathlib import Path

import litellm
import litellm.exceptions as x
import pytest
from sent import chats

BACKOFF = "exponential_backoff_retry"


@pytest.mark.parametrize("strategy", [None, "constant_retry", BACKOFF])
def test_a_failed_call_is_asked_again(gigachat_sandbox, ask, strategy):
    gigachat_sandbox.fail_next("chat", status=500, times=1)
    outcome = ask(num_retries=2, **({"retry_strategy": strategy} if strategy else {}))
    assert outcome.content
    assert chats(gigachat_sandbox) == 2
    assert len({repr(body) for body in gigachat_sandbox.chat_bodies}) == 1
    assert not {"num_retries", "retry_strategy", "max_retries"} & set(gigachat_sandbox.chat_bodies[-1])


@pytest.mark.parametrize("strategy", [None, BACKOFF])
def test_the_services_error_comes_when_the_retries_are_used_up(gigachat_sandbox, ask, strategy):
    gigachat_sandbox.fail_next("chat", status=503, times=50, body={"status": 503, "message": "under repair"})
    with pytest.raises(x.ServiceUnavailableError, match="under repair"):
        ask(num_retries=2, **({"retry_strategy": strategy} if strategy else {}))
    assert chats(gigachat_sandbox) == 3


def test_zero_retries_ask_once(gigachat_sandbox, ask):
    gigachat_sandbox.fail_next("chat", status=500, times=50)
    with pytest.raises(x.InternalServerError):
        ask(num_retries=0)
    assert chats(gigachat_sandbox) == 1


def test_without_a_word_about_retries_one_request_is_sent(gigachat_sandbox, ask):
    gigachat_sandbox.fail_next("chat", status=500, times=50)
    with pytest.raises(x.InternalServerError):
        ask()
    assert chats(gigachat_sandbox) == 1


def test_for_the_whole_process(gigachat_sandbox, ask, monkeypatch):
    monkeypatch.setattr(litellm, "num_retries", 1)
    gigachat_sandbox.fail_next("chat", status=500, times=1)
    assert ask().content
    assert chats(gigachat_sandbox) == 2


def test_tenacity_comes_along():
    """LiteLLM's repetition imports it without requiring it; where it is missing, that replaces the service's error."""
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    runtime = project.partition("\ndependencies = [")[2].partition("]\n\n")[0]
    assert '"tenacity>=' in runtime
