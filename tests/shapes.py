"""Bodies and events in the shapes that were observed on the wire, and small readers of deltas."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from litellm_gigachat_provider.types import ChatRequest, Delta, Function

STATE = "019e8373-dc9a-7883-af60-ebb20b79e1e1"
STATE_HEX = STATE.replace("-", "")
FILE = "0a1b2c3d-0000-4000-8000-00000000000a"
FILE_2 = "0a1b2c3d-0000-4000-8000-00000000000b"
USAGE_V1 = {"prompt_tokens": 17, "completion_tokens": 3, "total_tokens": 20, "precached_prompt_tokens": 2}
USAGE_V2 = {
    "input_tokens": 19,
    "input_tokens_details": {"prompt_tokens": 19, "cached_tokens": 5},
    "output_tokens": 8,
    "total_tokens": 27,
}


def two_tools(weather: str) -> list[dict[str, Any]]:
    """OpenAI's: one of that name, and get_rate; each with one required field."""
    return [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": description,
                "parameters": {"type": "object", "properties": {field: {"type": "string"}}, "required": [field]},
            },
        }
        for name, description, field in (
            (weather, "Current weather in a city", "city"),
            ("get_rate", "Exchange rate of a currency", "currency"),
        )
    ]


def request(**more: Any) -> ChatRequest:
    return ChatRequest("GigaChat-2-Max", (), **more)


def function(name: str, *required: str) -> Function:
    properties = {field: {"type": "string"} for field in required}
    return Function(name, name, {"type": "object", "properties": properties, "required": list(required)})


def v1_body(finish: Any = "stop", **message: Any) -> dict[str, Any]:
    return {
        "choices": [{"message": {"role": "assistant", "content": "", **message}, "index": 0, "finish_reason": finish}],
        "created": 1768996171,
        "model": "GigaChat-2-Max:2.0.30.01",
        "object": "chat.completion",
        "usage": USAGE_V1,
    }


def v1_event(finish: str | None = None, usage: dict[str, Any] | None = None, **delta: Any) -> dict[str, Any]:
    choice: dict[str, Any] = {"delta": delta, "index": 0}
    if finish is not None:
        choice["finish_reason"] = finish
    event: dict[str, Any] = {
        "choices": [choice],
        "created": 1768996176,
        "model": "GigaChat:2.0.28.2",
        "object": "chat.completion",
    }
    if usage is not None:
        event["usage"] = usage
    return event


def v2_body(*parts: Any, finish: str = "stop", role: str = "assistant", **message: Any) -> dict[str, Any]:
    return {
        "model": "GigaChat-3-Ultra:32.3.18.5",
        "created_at": 1780321868,
        "messages": [{"role": role, "content": list(parts), **message}],
        "finish_reason": finish,
        "usage": USAGE_V2,
    }


def read_stream(stream: Any, events: Iterable[tuple[str, Any]]) -> list[Delta]:
    deltas = [delta for name, payload in events for delta in stream.feed(name, payload)]
    return deltas + stream.end()


def content(deltas: Sequence[Delta]) -> str:
    return "".join(delta.content or "" for delta in deltas)


def reasoning(deltas: Sequence[Delta]) -> str:
    return "".join(delta.reasoning or "" for delta in deltas)


def pieces(text: str, cuts: Iterable[int]) -> list[str]:
    """``text`` cut at every place in ``cuts``."""
    places = sorted({cut % (len(text) + 1) for cut in cuts} | {0, len(text)})
    return [text[start:end] for start, end in itertools.pairwise(places)]
