"""Lines of a batch's results: the objects that calls give, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from litellm.types.utils import EmbeddingResponse, ModelResponse

from ..errors import GigaChatError, HttpFailureError
from ..types import Answer, ChatRequest
from .embeddings import fill_embedding_response
from .exceptions import to_litellm
from .litellm_objects import fill_response


def chat_completion(answers: Sequence[Answer], request: ChatRequest, line_id: str) -> dict[str, Any]:
    """OpenAI's ``chat.completion``. Pictures stay at GigaChat: ``provider_specific_fields.media`` has their ids."""
    filled = fill_response(
        ModelResponse(),
        answers,
        request_model=request.model,
        response_id=f"chatcmpl-{line_id}",
        created=0,  # an answer that does not say when
        headers={},
        legacy_functions=request.legacy_functions,
    )
    body: dict[str, Any] = filled.model_dump()  # type: ignore[no-untyped-call]
    return body


def embedding_list(vectors: Sequence[list[float]], model: str, tokens: int, encoding_format: str) -> dict[str, Any]:
    filled = fill_embedding_response(
        EmbeddingResponse(), vectors, model=model, tokens=tokens, encoding_format=encoding_format
    )
    return filled.model_dump()


def failed_line(failure: GigaChatError, model: str, line_id: str) -> dict[str, Any]:
    """``error`` with the ``litellm.exceptions`` class that a call would have raised; ``response`` if GigaChat refused.

    A refusal stands in both, as OpenAI's users look for it in either.
    """
    error: Any = to_litellm(failure, model)
    code = type(error).__name__
    message = str(error.message).removeprefix(f"litellm.{code}: ")
    told: Mapping[str, Any] = {"message": message, "type": code, "param": None, "code": str(error.status_code)}
    refused = isinstance(failure, HttpFailureError)
    response = {"status_code": error.status_code, "request_id": line_id, "body": {"error": told}} if refused else None
    return {"response": response, "error": {"code": code, "message": message}}
