"""Embeddings, from the texts to the bodies and from the replies to LiteLLM's object."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest
from litellm import EmbeddingResponse

from litellm_gigachat_provider.bridge.embeddings import fill_embedding_response
from litellm_gigachat_provider.contracts.embeddings import read_vectors
from litellm_gigachat_provider.errors import (
    BadAnswerError,
    HttpFailureError,
    InvalidRequestError,
    UnsupportedParamError,
)
from litellm_gigachat_provider.request import embeddings


def item(index: int, *vector: float, tokens: int = 7) -> dict[str, Any]:
    return {"object": "embedding", "index": index, "embedding": list(vector), "usage": {"prompt_tokens": tokens}}


def reply(*items: Any) -> dict[str, Any]:
    return {"object": "list", "model": "Embeddings", "data": list(items)}


def filled(bodies: list[Any], plan: embeddings.EmbeddingPlan) -> EmbeddingResponse:
    read = [read_vectors(body, len(batch["input"])) for body, batch in zip(bodies, plan.batches, strict=True)]
    return fill_embedding_response(
        EmbeddingResponse(),
        [vector for vectors, _ in read for vector in vectors],
        model=plan.model,
        tokens=sum(tokens for _, tokens in read),
        encoding_format=plan.encoding_format,
    )


def test_one_text() -> None:
    plan = embeddings.plan("Embeddings", "Привет", {})
    assert plan.batches == ({"model": "Embeddings", "input": ["Привет"]},)
    response = filled([reply(item(0, 0.5, -1.0))], plan)
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
    response = filled(bodies, plan)
    assert [entry["embedding"] for entry in response.data] == [[float(n)] for n in range(45)]
    assert [entry["index"] for entry in response.data] == list(range(45))
    assert response.usage.total_tokens == 45


def test_base64_is_little_endian_float32() -> None:
    plan = embeddings.plan("Embeddings", ["x"], {"encoding_format": "base64"})
    assert plan.batches == ({"model": "Embeddings", "input": ["x"]},)
    response = filled([reply(item(0, 0.5, -1.25))], plan)
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
        filled([body], embeddings.plan("E", ["a", "b"], {}))


def test_vector_that_is_not_made_of_numbers() -> None:
    plan = embeddings.plan("E", "a", {"encoding_format": "base64"})
    with pytest.raises(BadAnswerError, match="numbers"):
        filled([reply({**item(0), "embedding": ["x"]})], plan)


def test_error_body_under_200() -> None:
    with pytest.raises(HttpFailureError) as caught:
        filled([{"status": 413, "message": "Payload too large"}], embeddings.plan("E", "a", {}))
    assert (caught.value.status, caught.value.where) == (413, "embeddings")
