"""Answers as LiteLLM's objects; streams are written by ``chunks``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from litellm.types.utils import ChoiceLogprobs, Choices, Message, ModelResponse

from ..types import Answer
from .openai_shapes import finish_for, image_items, litellm_usage, provider_fields, sum_usage, tool_call_item

# Response headers worth a caller's eyes; LiteLLM shows them as `llm_provider-<name>`.
_SHOWN_HEADERS = ("x-request-id", "x-session-id")


def fill_response(
    model_response: ModelResponse,
    answers: Sequence[Answer],
    *,
    request_model: str,
    response_id: str,
    created: int,
    headers: Mapping[str, str],
    legacy_functions: bool = False,
    images: Mapping[str, str] | None = None,
) -> ModelResponse:
    """Write ``answers`` (one a choice) into the response LiteLLM handed out.

    ``model`` stays the name that was asked for; the served build stands in ``system_fingerprint`` and
    ``_hidden_params["gigachat_model"]``. ``images``: data URL by file id, for media that were downloaded.
    """
    first = answers[0]
    model_response.id = response_id
    model_response.created = first.created or created
    model_response.model = request_model
    model_response.system_fingerprint = first.served_model
    model_response.choices = [
        _choice(index, answer, finish_for(answer.finish_reason, legacy_functions), legacy_functions, images)
        for index, answer in enumerate(answers)
    ]
    usage = litellm_usage(sum_usage(answer.usage for answer in answers))
    model_response.usage = usage  # type: ignore[attr-defined]
    hidden = model_response._hidden_params
    if first.served_model:
        hidden["gigachat_model"] = first.served_model
    shown = {name: value for name in _SHOWN_HEADERS if (value := headers.get(name))}
    if shown:
        hidden["additional_headers"] = {**(hidden.get("additional_headers") or {}), **shown}
    return model_response


def _choice(
    index: int, answer: Answer, finish: str, legacy_functions: bool, images: Mapping[str, str] | None
) -> Choices:
    fields = provider_fields(
        state_id=answer.state_id, raw_finish=answer.raw_finish_reason, extra=answer.extra, media=answer.media
    )
    message = _message(answer, fields, legacy_functions, images)
    return Choices(index=index, finish_reason=finish, message=message, **_logprobs(answer))


def _logprobs(answer: Answer) -> dict[str, Any]:
    """v2's ``[{chosen: {token, logprob}, top: [...]}]`` in OpenAI's shape. No bytes: the service gives none."""
    found = answer.extra.get("logprobs")
    if not found:
        return {}
    content = [
        {**_token(item.get("chosen")), "top_logprobs": [_token(other) for other in item.get("top") or ()]}
        for item in found
        if isinstance(item, Mapping)
    ]
    return {"logprobs": ChoiceLogprobs.model_validate({"content": content})}


def _token(item: Any) -> dict[str, Any]:
    item = item if isinstance(item, Mapping) else {}
    logprob = item.get("logprob")
    return {
        "token": str(item.get("token", "")),
        "logprob": float(logprob) if isinstance(logprob, int | float) else 0.0,
        "bytes": None,
    }


def _message(
    answer: Answer, fields: dict[str, Any], legacy_functions: bool, images: Mapping[str, str] | None
) -> Message:
    optional: dict[str, Any] = {}
    if answer.tool_calls and legacy_functions:
        # One call a turn is all the legacy shape can hold, and all v1 makes.
        call = answer.tool_calls[0]
        optional["function_call"] = {"name": call.name, "arguments": call.arguments}
    elif answer.tool_calls:
        optional["tool_calls"] = [tool_call_item(call) for call in answer.tool_calls]
    if answer.reasoning:
        optional["reasoning_content"] = answer.reasoning
    if answer.annotations:
        optional["annotations"] = answer.annotations
    if pictures := image_items(answer.media, images):
        optional["images"] = pictures
    if fields:
        optional["provider_specific_fields"] = fields
    return Message(content=answer.content, role="assistant", **optional)
