"""Small pieces of OpenAI's answer shapes, shared by plain answers and stream chunks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from litellm.types.utils import PromptTokensDetailsWrapper
from litellm.types.utils import Usage as LiteLLMUsage

from ..types import MediaRef, ToolCall, Usage

_OWN_FIELDS = ("thread_id", "message_id", "logprobs")


def finish_for(reason: str, legacy_functions: bool) -> str:
    return "function_call" if legacy_functions and reason == "tool_calls" else reason


def sum_usage(usages: Iterable[Usage]) -> Usage:
    """Usage of one request with several choices: the prompt counts once, completions add up."""
    known = list(usages)
    if len(known) == 1:
        return known[0]
    prompt = max(known, key=lambda usage: usage.prompt_tokens, default=Usage())
    return Usage(
        prompt_tokens=prompt.prompt_tokens,
        completion_tokens=sum(usage.completion_tokens for usage in known),
        cached_tokens=prompt.cached_tokens,
    )


def litellm_usage(usage: Usage) -> LiteLLMUsage:
    """LiteLLM's usage, with the cached part of the prompt beside it."""
    return LiteLLMUsage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
        prompt_tokens_details=PromptTokensDetailsWrapper(cached_tokens=usage.cached_tokens),
    )


def provider_fields(
    *, state_id: str | None, raw_finish: str | None, extra: Mapping[str, Any], media: Sequence[MediaRef]
) -> dict[str, Any]:
    """``provider_specific_fields``: what GigaChat says beyond OpenAI's vocabulary."""
    fields: dict[str, Any] = {}
    if state_id:
        fields["functions_state_id"] = state_id
    if raw_finish:
        fields["finish_reason"] = raw_finish
    if media:
        fields["media"] = [{"file_id": ref.file_id, "kind": ref.kind, "mime": ref.mime} for ref in media]
    if extra:
        fields.update((key, extra[key]) for key in _OWN_FIELDS if key in extra)
        if rest := {key: value for key, value in extra.items() if key not in _OWN_FIELDS}:
            fields["extra"] = rest
    return fields


def image_items(media: Sequence[MediaRef], images: Mapping[str, str] | None, *, start: int = 0) -> list[dict[str, Any]]:
    """Downloaded pictures in the shape of LiteLLM's ``message.images``, numbered from ``start``."""
    urls = [images[ref.file_id] for ref in media if ref.file_id in images] if images else []
    return [{"type": "image_url", "index": index, "image_url": {"url": url}} for index, url in enumerate(urls, start)]


def tool_call_item(call: ToolCall, *, streamed: bool = False) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }
    if streamed:
        item["index"] = call.index
    return item
