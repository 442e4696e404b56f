"""Embedding batches and picture requests."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest
from litellm import EmbeddingResponse, ImageResponse
from shapes import FILE

from litellm_gigachat_provider.errors import (
    BadAnswerError,
    HttpFailureError,
    InvalidRequestError,
    ModelOutputError,
    UnsupportedParamError,
)
from litellm_gigachat_provider.request import embeddings, images
from litellm_gigachat_provider.types import Answer, MediaRef, ToolChoice


def item(index: int, *vector: float, tokens: int = 7) -> dict[str, Any]:
    return {"object": "embedding", "index": index, "embedding": list(vector), "usage": {"prompt_tokens": tokens}}


def reply(*items: Any) -> dict[str, Any]:
    return {"object": "list", "model": "Embeddings", "data": list(items)}


def test_one_text() -> None:
    plan = embeddings.plan("Embeddings", "Привет", {})
    assert plan.batches == ({"model": "Embeddings", "input": ["Привет"]},)
    response = embeddings.fill_embedding_response(EmbeddingResponse(), [reply(item(0, 0.5, -1.0))], plan)
    assert response.model_dump()["data"] == [{"embedding": [0.5, -1.0], "index": 0, "object": "embedding"}]
    assert (response.model, response.object) == ("Embeddings", "list")
    assert (response.usage.prompt_tokens, response.usage.completion_tokens, response.usage.total_tokens) == (7, 0, 7)


def test_batches_come_back_in_order_and_usage_adds_up() -> None:
    texts = [f"t{n}" for n in range(45)]
    plan = embeddings.plan("Embeddings", texts, {})
    assert [len(batch["input"]) for batch in plan.batches] == [20, 20, 5]
    assert [text for batch in plan.batches for text in batch["input"]] == texts
    bodies = [
        reply(*(item(i, float(start + i), tokens=1) for i in reversed(range(len(batch["input"])))))
        for start, batch in zip((0, 20, 40), plan.batches, strict=True)
    ]
    response = embeddings.fill_embedding_response(EmbeddingResponse(), bodies, plan)
    assert [entry["embedding"] for entry in response.data] == [[float(n)] for n in range(45)]
    assert [entry["index"] for entry in response.data] == list(range(45))
    assert response.usage.total_tokens == 45


def test_base64_is_little_endian_float32() -> None:
    plan = embeddings.plan("Embeddings", ["x"], {"encoding_format": "base64"})
    assert plan.batches == ({"model": "Embeddings", "input": ["x"]},)
    response = embeddings.fill_embedding_response(EmbeddingResponse(), [reply(item(0, 0.5, -1.25))], plan)
    assert struct.unpack("<2f", base64.b64decode(response.data[0]["embedding"])) == (0.5, -1.25)


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        ("", "input: is empty"),
        ([], "nothing to embed"),
        (None, "nothing to embed"),
        (["a", "  "], r"input\[1\]: is empty"),
        ([1, 2], r"input\[0\]: token ids"),
        ([[1, 2]], "input: token ids"),
        (["a", None], r"input\[1\]: is NoneType"),
    ],
)
def test_input_that_cannot_be_embedded(texts: Any, problem: str) -> None:
    with pytest.raises(InvalidRequestError, match=problem):
        embeddings.plan("Embeddings", texts, {})


def test_dimensions() -> None:
    assert embeddings.plan("Embeddings", "x", {"dimensions": 1024}).batches[0] == {
        "model": "Embeddings",
        "input": ["x"],
    }
    with pytest.raises(UnsupportedParamError, match="1024"):
        embeddings.plan("Embeddings", "x", {"dimensions": 256})
    dropped = embeddings.plan("Embeddings", "x", {"dimensions": 256}, drop_params=True)
    assert dropped.batches == ({"model": "Embeddings", "input": ["x"]},)
    with pytest.raises(InvalidRequestError, match="encoding_format"):
        embeddings.plan("Embeddings", "x", {"encoding_format": "hex"})


def test_other_parameters() -> None:
    params = {"user": "u", "max_retries": 0, "extra_body": {"a": 1}, "novel": 2, "none": None}
    assert embeddings.plan("E", "x", params).batches == ({"a": 1, "novel": 2, "model": "E", "input": ["x"]},)


@pytest.mark.parametrize(
    "body", [[], {}, reply(), reply(item(0, 1.0), item(0, 1.0)), reply(item(5, 1.0)), reply({"index": 0}), reply(1)]
)
def test_unusable_replies(body: Any) -> None:
    with pytest.raises(BadAnswerError):
        embeddings.fill_embedding_response(EmbeddingResponse(), [body], embeddings.plan("E", ["a", "b"], {}))


def test_vector_that_is_not_made_of_numbers() -> None:
    plan = embeddings.plan("E", "a", {"encoding_format": "base64"})
    with pytest.raises(BadAnswerError, match="numbers"):
        embeddings.fill_embedding_response(EmbeddingResponse(), [reply({**item(0), "embedding": ["x"]})], plan)


def test_error_body_under_200() -> None:
    with pytest.raises(HttpFailureError) as caught:
        embeddings.fill_embedding_response(
            EmbeddingResponse(), [{"status": 413, "message": "Payload too large"}], embeddings.plan("E", "a", {})
        )
    assert (caught.value.status, caught.value.where) == (413, "embeddings")


# --- pictures ------------------------------------------------------------------------------------------


def test_v1_lets_the_model_use_its_own_functions() -> None:
    asked = images.image_request("GigaChat-2-Max", "розовый кот", {"novel": 1, "max_retries": 0}, contract="v1")
    assert (asked.functions, asked.tool_choice, asked.extra_body) == ((), ToolChoice("auto"), {"novel": 1})
    assert asked.turns[0].text.endswith("розовый кот")


def test_v2_names_the_builtin() -> None:
    asked = images.image_request("GigaChat-2-Max", "кот", {}, contract="v2")
    assert [(f.name, f.builtin) for f in asked.functions] == [("image_generate", True)]
    assert asked.tool_choice == ToolChoice("forced", "image_generate")


@pytest.mark.parametrize("params", [{"n": 1}, {"size": "1024x1024"}, {"response_format": "b64_json", "user": "u"}])
def test_parameters_that_ask_for_what_happens_anyway(params: dict[str, Any]) -> None:
    assert images.image_request("G", "кот", params, contract="v1").extra_body == {}


@pytest.mark.parametrize("params", [{"n": 2}, {"size": "1792x1024"}, {"response_format": "url"}, {"style": "vivid"}])
def test_parameters_that_cannot_be_met(params: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedParamError, match=next(iter(params))):
        images.image_request("G", "кот", params, contract="v1")
    assert images.image_request("G", "кот", params, contract="v1", drop_params=True).extra_body == {}


@pytest.mark.parametrize("prompt", ["", "  ", None])
def test_empty_prompt(prompt: Any) -> None:
    with pytest.raises(InvalidRequestError, match="prompt"):
        images.image_request("G", prompt, {}, contract="v1")


def test_picture_or_the_models_own_words() -> None:
    assert images.pictures(Answer(content="", media=[MediaRef(FILE), MediaRef("v", "video")])) == [MediaRef(FILE)]
    with pytest.raises(ModelOutputError, match="It said: Не умею"):
        images.pictures(Answer(content="Не умею"))
    with pytest.raises(ModelOutputError, match="filter stepped in") as caught:
        images.pictures(Answer(content="я" * 5000, finish_reason="content_filter"))
    assert len(str(caught.value)) < 600


def test_image_response() -> None:
    response = images.fill_image_response(ImageResponse(), ["AA=="], Answer(content="Вот кот"), created=5)
    assert response.created == 5
    assert [(picture.b64_json, picture.revised_prompt, picture.url) for picture in response.data] == [
        ("AA==", "Вот кот", None)
    ]
