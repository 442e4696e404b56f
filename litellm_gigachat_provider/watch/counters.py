"""What this process has done since it started: the numbers behind ``litellm_gigachat_provider.stats()``.

Plain integers changed without a lock, as in ``transport.stats``: they inform, nothing depends on them. For
Prometheus nothing of ours is needed: usage and cost of plain and streamed answers reach LiteLLM's callbacks
(``litellm.callbacks = ["prometheus"]`` among them) like any other provider's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import stats

if TYPE_CHECKING:
    from ..types import ChatRequest, Usage  # a third of what importing the package costs


class Counters:
    """Counted where a chat call is read and where its answer is finished, never in the pure rooms."""

    __slots__ = (
        "cached_tokens",
        "completion_tokens",
        "content_arrays",
        "converted_messages",
        "failures",
        "processed_requests",
        "prompt_tokens",
        "tool_messages",
        "tools",
    )

    def __init__(self) -> None:
        self.processed_requests = 0
        self.converted_messages = 0
        self.content_arrays = 0
        self.tool_messages = 0
        self.tools = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.cached_tokens = 0
        self.failures: dict[str, int] = {}


_counters = Counters()
_RESHAPED_ROLES = ("tool", "function", "developer")
_AS_THEY_ARE = ("user", "system")
_ARRAYS = (list, tuple)


def read(messages: Any, request: ChatRequest) -> None:
    """One chat request was understood: count which of its messages GigaChat could not have taken as they were."""
    counters = _counters
    counters.processed_requests += 1
    counters.tools += len(request.functions)
    for message in messages if isinstance(messages, Sequence) else ():
        get = getattr(message, "get", None)
        if get is None:
            continue
        role = get("role")
        array = type(get("content")) in _ARRAYS
        if role in _AS_THEY_ARE and not array:
            continue
        tool = bool(role in _RESHAPED_ROLES or get("tool_calls") or get("function_call"))
        counters.content_arrays += array
        counters.tool_messages += tool
        counters.converted_messages += array or tool


def spent(usage: Usage | None) -> None:
    """Tokens of one finished choice, or of one embeddings call, as the service counted them."""
    if usage is not None:
        _counters.prompt_tokens += usage.prompt_tokens
        _counters.completion_tokens += usage.completion_tokens
        _counters.cached_tokens += usage.cached_tokens


def failed(kind: str) -> None:
    """A caller got an exception of this class."""
    _counters.failures[kind] = _counters.failures.get(kind, 0) + 1


def snapshot(tokens: Mapping[str, int]) -> dict[str, Any]:
    """All counters, with those of the token store (``transport.auth.stats()``). No secrets, no network.

    ``requests`` and ``errors`` count HTTP exchanges by kind; ``failures`` the exceptions callers got, by LiteLLM's
    class, refusals before any HTTP included. ``retries`` are requests sent again with a new token after a 401.
    ``processed_requests`` and ``conversion_stats["converted_messages"]`` are the names the predecessor documents.
    """
    network: Mapping[str, Any] = stats.totals()
    counters = _counters
    return {
        "processed_requests": counters.processed_requests,
        "requests": network["requests"],
        "errors": network["errors"],
        "failures": dict(counters.failures),
        "retries": tokens["token_replays"] + network["retries"],
        "streams_open": network["streams_open"],
        "uploads": network["uploads"],
        "upload_cache_hits": network["cache_hits"],
        "downloads": network["downloads"],
        "deletes": network["deletes"],
        **tokens,
        "conversion_stats": {
            "converted_messages": counters.converted_messages,
            "content_arrays": counters.content_arrays,
            "tool_messages": counters.tool_messages,
            "tools": counters.tools,
        },
        "tokens": {
            "prompt": counters.prompt_tokens,
            "completion": counters.completion_tokens,
            "cached": counters.cached_tokens,
            "total": counters.prompt_tokens + counters.completion_tokens,
        },
    }
