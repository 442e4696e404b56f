"""Embeddings: OpenAI's request in the service's batches ``{"model", "input": [text, …]}``.

The service has no ``encoding_format`` (base64 is written by the bridge) and no ``dimensions``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidRequestError, UnsupportedParamError
from ..models import find, is_for

BATCH = 20  # texts a request; the service's limit is not published, this size is observed to work
_FORMATS = ("float", "base64")
# LiteLLM's own bookkeeping that reaches a custom provider among the parameters.
_IGNORED = frozenset(
    {"user", "max_retries", "encoding_format", "dimensions", "extra_body", "extra_headers", "metadata"}
)


@dataclass(frozen=True, slots=True)
class EmbeddingPlan:
    """``batches``: request bodies, in order."""

    model: str
    batches: tuple[dict[str, Any], ...]
    encoding_format: str


def plan(model: str, texts: Any, params: Mapping[str, Any], *, drop_params: bool = False) -> EmbeddingPlan:
    """The requests for ``texts``. Raises InvalidRequestError for input that cannot be embedded."""
    if not is_for(model, "embedding"):
        problem = f"{model} is a model for chat and makes no embeddings"
        raise InvalidRequestError("model", problem, "Use a model for embeddings, e.g. Embeddings or EmbeddingsGigaR")
    inputs = _inputs(texts)
    extra = _extra(model, params, drop_params)
    chosen = params.get("encoding_format") or "float"
    if chosen not in _FORMATS:
        raise InvalidRequestError("encoding_format", f"{chosen!r} is unknown", "Use 'float' or 'base64'.")
    batches = tuple(
        {**extra, "model": model, "input": inputs[start : start + BATCH]} for start in range(0, len(inputs), BATCH)
    )
    return EmbeddingPlan(model, batches, chosen)


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


def _extra(model: str, params: Mapping[str, Any], drop_params: bool) -> dict[str, Any]:
    """Unknown parameters go along as they are; ``dimensions`` only if it asks for what the model gives anyway."""
    wanted = params.get("dimensions")
    own = find(model).dimensions
    if wanted is not None and wanted != own and not drop_params:
        size = f"{model} always gives {own} numbers" if own else f"the size of {model}'s vectors is fixed"
        raise UnsupportedParamError("dimensions", size, "Leave it out, or set drop_params=True.")
    extra_body = params.get("extra_body")
    unknown = {key: value for key, value in params.items() if key not in _IGNORED and value is not None}
    return {**(extra_body if isinstance(extra_body, Mapping) else {}), **unknown}
