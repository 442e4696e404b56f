"""The service's answers to embeddings: ``data[].embedding`` in floats, with usage per item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import BadAnswerError
from .answer_common import bad, count, raise_error_body


def read_vectors(body: Any, expected: int) -> tuple[list[list[float]], int]:
    """The vectors of one reply in the order of its ``expected`` texts, and the tokens it cost."""
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
    return whole, tokens or _tokens(body)


def _tokens(holder: Mapping[str, Any]) -> int:
    usage = holder.get("usage")
    return count(usage.get("prompt_tokens")) if isinstance(usage, Mapping) else 0
