"""Picture requests, and what becomes of their answers."""

from __future__ import annotations

from typing import Any

import pytest
from shapes import FILE

from litellm_gigachat_provider.answer.pictures import pictures
from litellm_gigachat_provider.errors import InvalidRequestError, ModelOutputError, UnsupportedParamError
from litellm_gigachat_provider.request.images import image_request
from litellm_gigachat_provider.types import Answer, MediaRef, ToolChoice


def test_v1_lets_the_model_use_its_own_functions() -> None:
    asked = image_request("GigaChat-2-Max", "розовый кот", {"novel": 1, "max_retries": 0}, contract="v1")
    assert (asked.functions, asked.tool_choice, asked.extra_body) == ((), ToolChoice("auto"), {"novel": 1})
    assert asked.turns[0].text == "Нарисуй изображение: розовый кот"


def test_v1_is_told_to_draw_in_the_language_of_the_prompt() -> None:
    assert image_request("G", "a pink cat", {}, contract="v1").turns[0].text == "Draw a picture: a pink cat"


def test_v2_names_the_builtin() -> None:
    asked = image_request("GigaChat-2-Max", "кот", {}, contract="v2")
    assert [(f.name, f.builtin) for f in asked.functions] == [("image_generate", True)]
    assert asked.tool_choice == ToolChoice("forced", "image_generate")
    assert asked.turns[0].text == "кот"


@pytest.mark.parametrize("params", [{"n": 2}, {"size": "1024x1024"}, {"response_format": "b64_json", "user": "u"}])
def test_parameters_that_ask_for_what_happens_anyway(params: dict[str, Any]) -> None:
    assert image_request("G", "кот", params, contract="v1").extra_body == {}


@pytest.mark.parametrize(
    "params", [{"quality": "hd"}, {"size": "1792x1024"}, {"response_format": "url"}, {"style": "a"}]
)
def test_parameters_that_cannot_be_met(params: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedParamError, match=next(iter(params))):
        image_request("G", "кот", params, contract="v1")
    assert image_request("G", "кот", params, contract="v1", drop_params=True).extra_body == {}


@pytest.mark.parametrize("prompt", ["", "  ", None])
def test_empty_prompt(prompt: Any) -> None:
    with pytest.raises(InvalidRequestError, match="prompt"):
        image_request("G", prompt, {}, contract="v1")


def test_picture_or_the_models_own_words() -> None:
    assert pictures(Answer(content="", media=[MediaRef(FILE), MediaRef("v", "video")])) == [MediaRef(FILE)]
    with pytest.raises(ModelOutputError, match="It said: Не умею"):
        pictures(Answer(content="Не умею"))
    with pytest.raises(ModelOutputError, match="filter stepped in") as caught:
        pictures(Answer(content="я" * 5000, finish_reason="content_filter"))
    assert len(str(caught.value)) < 600
