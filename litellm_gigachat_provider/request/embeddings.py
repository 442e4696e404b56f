"""Embeddings: OpenAI's request in the service's batches, the replies put together again.

The service takes ``{"model", "input": [text, …]}`` and answers ``data[].embedding`` in floats, with usage per item.
It has no ``encoding_format`` and no ``dimensions``; base64 is written here.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from litellm.types.utils import Embedding, EmbeddingResponse
from litellm.types.utils import Usage as LiteLLMUsage

from ..contracts.answer_common import bad, count, raise_error_body
from ..errors import BadAnswerError, InvalidRequestError, UnsupportedParamError
from ..models import find

BATCH = 20  # texts a request; the service's limit is not published, this size is observed to work
Kind = Literal["sent", "mapped", "accepted", "refused"]

# Every parameter of OpenAI's embeddings call and what becomes of it.
EMBEDDING_TABLE: dict[str, tuple[Kind, str]] = {
    "input": ("sent", "text or list of texts, split into requests of 20"),
    "encoding_format": ("mapped", "`float`, or `base64` written on our side"),
    "dimensions": ("refused", "the service has no such option; the model's own size is accepted"),
    "user": ("accepted", "no counterpart, nothing is sent"),
}
_FORMATS = ("float", "base64")
# LiteLLM's own bookkeeping that reaches a custom provider among the parameters.
_IGNORED = frozenset(
    {"user", "max_retries", "encoding_format", "dimensions", "extra_body", "extra_headers", "metadata"}
)


@dataclass(frozen=True, slots=True)
class EmbeddingPlan:
    """``batches``: request bodies, in order. ``count``: texts in all of them."""

    model: str
    batches: tuple[dict[str, Any], ...]
    count: int
    encoding_format: str = "float"
    dropped: tuple[str, ...] = field(default=())


def plan(model: str, texts: Any, params: Mapping[str, Any], *, drop_params: bool = False) -> EmbeddingPlan:
    """The requests for ``texts``. Raises InvalidRequestError for input that cannot be embedded."""
    inputs = _inputs(texts)
    extra, dropped = _extra(model, params, drop_params)
    chosen = params.get("encoding_format") or "float"
    if chosen not in _FORMATS:
        raise InvalidRequestError("encoding_format", f"{chosen!r} is unknown", "Use 'float' or 'base64'.")
    batches = tuple(
        {**extra, "model": model, "input": inputs[start : start + BATCH]} for start in range(0, len(inputs), BATCH)
    )
    return EmbeddingPlan(model, batches, len(inputs), chosen, dropped)


def fill_embedding_response(
    response: EmbeddingResponse, bodies: Sequence[Any], plan: EmbeddingPlan
) -> EmbeddingResponse:
    """The replies to ``plan.batches`` (same order) as one OpenAI answer. Usage is the sum over all texts."""
    vectors: list[list[float]] = []
    tokens = 0
    for body, batch in zip(bodies, plan.batches, strict=True):
        tokens += _read(body, len(batch["input"]), vectors)
    response.model = plan.model
    response.object = "list"
    response.data = [
        Embedding(object="embedding", index=index, embedding=_encode(vector, plan.encoding_format))
        for index, vector in enumerate(vectors)
    ]
    response.usage = LiteLLMUsage(prompt_tokens=tokens, completion_tokens=0, total_tokens=tokens)
    return response


def _inputs(texts: Any) -> list[str]:
    if isinstance(texts, str):
        texts = [texts]
    if not isinstance(texts, (list, tuple)) or not texts:
        raise InvalidRequestError("input", "there is nothing to embed", "Give a text or a list of texts.")
    for index, text in enumerate(texts):
        where = f"input[{index}]" if len(texts) > 1 else "input"
        if isinstance(text, (int, list, tuple)) and not isinstance(text, bool):
            raise InvalidRequestError(
                where,
                "token ids are not taken: GigaChat has its own tokenizer",
                "Give the text itself (in LangChain's OpenAIEmbeddings: check_embedding_ctx_length=False).",
            )
        if not isinstance(text, str):
            raise InvalidRequestError(where, f"is {type(text).__name__}, not a text")
        if not text.strip():
            raise InvalidRequestError(where, "is empty", "Leave it out: an empty text has no embedding.")
    return list(texts)


def _extra(model: str, params: Mapping[str, Any], drop_params: bool) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Unknown parameters go along as they are; ``dimensions`` only if it asks for what the model gives anyway."""
    dropped: tuple[str, ...] = ()
    wanted = params.get("dimensions")
    own = find(model).dimensions
    if wanted is not None and wanted != own:
        if not drop_params:
            size = f"{model} always gives {own} numbers" if own else f"the size of {model}'s vectors is fixed"
            raise UnsupportedParamError("dimensions", size, "Leave it out, or set drop_params=True.")
        dropped = ("dimensions",)
    extra_body = params.get("extra_body")
    unknown = {key: value for key, value in params.items() if key not in _IGNORED and value is not None}
    return {**(extra_body if isinstance(extra_body, Mapping) else {}), **unknown}, dropped


def _read(body: Any, expected: int, vectors: list[list[float]]) -> int:
    """Append the vectors of one reply in the order of its texts; gives the tokens it cost."""
    if not isinstance(body, Mapping):
        raise bad("GigaChat's answer to embeddings is no JSON object", body)
    data = body.get("data")
    if not isinstance(data, list):
        raise_error_body(body, where="embeddings")
        raise bad("GigaChat's answer to embeddings has no data", body)
    placed: list[list[float] | None] = [None] * expected
    tokens = 0
    for position, item in enumerate(data):
        vector = item.get("embedding") if isinstance(item, Mapping) else None
        index = item.get("index", position) if isinstance(item, Mapping) else position
        if not isinstance(vector, list) or not isinstance(index, int) or not 0 <= index < expected:
            raise bad("GigaChat's answer to embeddings has an item without a vector", item)
        placed[index] = vector
        tokens += _tokens(item)
    whole = [vector for vector in placed if vector is not None]
    if len(whole) != expected:
        raise BadAnswerError(f"GigaChat answered {expected} texts with {len(whole)} embeddings")
    vectors += whole
    return tokens + (0 if tokens else _tokens(body))


def _tokens(holder: Mapping[str, Any]) -> int:
    usage = holder.get("usage")
    return count(usage.get("prompt_tokens")) if isinstance(usage, Mapping) else 0


def _encode(vector: list[float], encoding_format: str) -> Any:
    """OpenAI's base64 is of little-endian 32-bit floats."""
    if encoding_format == "float":
        return vector
    try:
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    except (struct.error, OverflowError) as error:
        raise BadAnswerError("GigaChat sent an embedding that is not made of numbers") from error
