"""Embeddings as LiteLLM's objects."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from typing import Any

from litellm.types.utils import Embedding, EmbeddingResponse
from litellm.types.utils import Usage as LiteLLMUsage

from ..errors import BadAnswerError


def fill_embedding_response(
    response: EmbeddingResponse,
    vectors: Sequence[list[float]],
    *,
    model: str,
    tokens: int,
    encoding_format: str = "float",
) -> EmbeddingResponse:
    """Write ``vectors``, in the order of their texts, into the response LiteLLM handed out."""
    response.model = model
    response.object = "list"
    response.data = [
        Embedding(object="embedding", index=index, embedding=_encode(vector, encoding_format))
        for index, vector in enumerate(vectors)
    ]
    response.usage = LiteLLMUsage(prompt_tokens=tokens, completion_tokens=0, total_tokens=tokens)
    return response


def _encode(vector: list[float], encoding_format: str) -> Any:
    """OpenAI's base64 is of little-endian 32-bit floats."""
    if encoding_format == "float":
        return vector
    try:
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    except (struct.error, OverflowError) as error:
        raise BadAnswerError("GigaChat sent an embedding that is not made of numbers") from error
