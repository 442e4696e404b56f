"""What this process has done since it started: the numbers behind ``litellm_gigachat_provider.stats()``.

Plain integers changed without a lock: they inform, nothing depends on them, lost increments of racing threads are
accepted. For Prometheus nothing of ours is needed: usage and cost of plain and streamed answers reach LiteLLM's
callbacks (``litellm.callbacks = ["prometheus"]`` among them) like any other provider's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import GigaChatError, HttpFailureError

requests: Counter[str] = Counter()  # HTTP exchanges by kind: chat, stream, embeddings, files, ...
errors: Counter[str] = Counter()  # their failures: http_429, TimeoutFailureError, ...
failures: Counter[str] = Counter()  # the exceptions callers got, by LiteLLM's class
streams: Counter[str] = Counter(open=0)
files: Counter[str] = Counter(uploads=0, upload_cache_hits=0, downloads=0, deletes=0)
conversions: Counter[str] = Counter(converted_messages=0, content_arrays=0, tool_messages=0, tools=0)
tokens: Counter[str] = Counter(prompt=0, completion=0, cached=0)
_processed = Counter(requests=0)

_RESHAPED_ROLES = ("tool", "function", "developer")
_AS_THEY_ARE = ("user", "system")
_ARRAYS = (list, tuple)


def read(messages: Any, tools: int) -> None:
    """One chat request was understood: count which of its messages GigaChat could not have taken as they were."""
    _processed["requests"] += 1
    conversions["tools"] += tools
    for message in messages if isinstance(messages, Sequence) else ():
        get = getattr(message, "get", None)
        if get is None:
            continue
        role = get("role")
        array = type(get("content")) in _ARRAYS
        if role in _AS_THEY_ARE and not array:
            continue
        tool = bool(role in _RESHAPED_ROLES or get("tool_calls") or get("function_call"))
        conversions["content_arrays"] += array
        conversions["tool_messages"] += tool
        conversions["converted_messages"] += array or tool


def spent(usage: Any) -> None:
    """Tokens (a ``Usage`` or None) of one finished choice, or of one embeddings call, as the service counted them."""
    if usage is not None:
        tokens["prompt"] += usage.prompt_tokens
        tokens["completion"] += usage.completion_tokens
        tokens["cached"] += usage.cached_tokens


def broke(failure: GigaChatError) -> None:
    """An HTTP exchange failed."""
    errors[f"http_{failure.status}" if isinstance(failure, HttpFailureError) else type(failure).__name__] += 1


def snapshot(of_tokens: Mapping[str, int]) -> dict[str, Any]:
    """All counters, with those of the token store (``transport.auth.stats()``). No secrets, no network.

    ``requests`` and ``errors`` count HTTP exchanges by kind; ``failures`` the exceptions callers got, by LiteLLM's
    class, refusals before any HTTP included. ``retries`` are requests sent again with a new token after a 401; other
    repeats are for LiteLLM's ``num_retries`` to decide.
    ``processed_requests`` and ``conversion_stats["converted_messages"]`` are the names the predecessor documents.
    """
    return {
        "processed_requests": _processed["requests"],
        "requests": dict(requests),
        "errors": dict(errors),
        "failures": dict(failures),
        "retries": of_tokens["token_replays"],
        "streams_open": streams["open"],
        **files,
        **of_tokens,
        "conversion_stats": dict(conversions),
        "tokens": {**tokens, "total": tokens["prompt"] + tokens["completion"]},
    }
