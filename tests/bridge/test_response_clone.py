"""Copied usage and choices are what LiteLLM's constructors make, and belong to one response alone."""

from __future__ import annotations

from typing import Any

import pytest

from litellm_gigachat_provider.bridge import response_clone
from litellm_gigachat_provider.bridge.cloning import same


def test_this_litellm_is_one_that_is_copied() -> None:
    assert response_clone._usage_template() is not None
    assert response_clone._choice_template() is not None


@pytest.mark.parametrize("numbers", [(0, 0, 0, 0), (41, 3, 44, 40)])
def test_usage_as_constructed(numbers: tuple[int, int, int, int]) -> None:
    assert same(response_clone.usage(*numbers), response_clone._build_usage(*numbers))


@pytest.mark.parametrize("fields", [{}, {"finish_reason": "stop"}, {"extra": {"novel": [1]}}])
@pytest.mark.parametrize("finish", ["stop", "length", "content_filter", "tool_calls"])
@pytest.mark.parametrize("content", ["text", "", None])
def test_choice_as_constructed(content: str | None, finish: str, fields: dict[str, Any]) -> None:
    case = (1, finish, content, fields)
    assert same(response_clone.text_choice(*case), response_clone._build_choice(*case))


def test_copies_share_nothing_that_is_written_to() -> None:
    first, second = (response_clone.text_choice(0, "stop", "a", {"finish_reason": "stop"}) for _ in range(2))
    first.message.content = "b"
    first.message.provider_specific_fields["x"] = 1
    first.novel = 1
    assert second.message.content == "a"
    assert second.message.provider_specific_fields == {"finish_reason": "stop"}
    assert not hasattr(second, "novel")
    one, two = (response_clone.usage(5, 1, 6, 2) for _ in range(2))
    one.prompt_tokens_details.cached_tokens = 4
    one.prompt_tokens_details.text_tokens = 1
    one.cost = 0.5
    assert (two.prompt_tokens_details.cached_tokens, two.prompt_tokens_details.text_tokens) == (2, None)
    assert "cost" not in two.model_fields_set


def test_another_layout_is_left_to_the_constructors(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise AttributeError

    monkeypatch.setattr(response_clone, "state", broken)
    assert response_clone._usage_template.__wrapped__() is None
    assert response_clone._choice_template.__wrapped__() is None
    monkeypatch.setattr(response_clone, "_usage_template", lambda: None)
    monkeypatch.setattr(response_clone, "_choice_template", lambda: None)
    assert response_clone.usage(5, 1, 6, 2).prompt_tokens_details.cached_tokens == 2
    assert response_clone.text_choice(0, "stop", "a", {"finish_reason": "stop"}).message.content == "a"
