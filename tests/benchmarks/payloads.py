"""What is asked and what is answered: the same for everybody, built once."""

from __future__ import annotations

import json
from typing import Any

MODEL = "GigaChat-2-Max"
CHUNKS = 200
HELLO: list[dict[str, Any]] = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "What is the capital of France, and how many people live there?"},
]

ANSWER = json.dumps(
    {
        "choices": [
            {
                "message": {"content": "It is Paris; some 2.1 million people live there.", "role": "assistant"},
                "index": 0,
                "finish_reason": "stop",
            }
        ],
        "created": 1768996176,
        "model": f"{MODEL}:2.0.28.2",
        "object": "chat.completion",
        "usage": {"prompt_tokens": 27, "completion_tokens": 19, "total_tokens": 46, "precached_prompt_tokens": 3},
    },
    ensure_ascii=False,
).encode()


def _event(delta: dict[str, Any], **more: Any) -> bytes:
    finish = {"finish_reason": more.pop("finish")} if "finish" in more else {}
    body = {
        "choices": [{"delta": delta, "index": 0, **finish}],
        "created": 1768996176,
        "model": f"{MODEL}:2.0.28.2",
        "object": "chat.completion",
        **more,
    }
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def words(count: int = CHUNKS) -> list[str]:
    """The texts of a stream's chunks: ``count`` phrases, the last chunk (finish and usage) not among them."""
    return [f"слово {number}, " for number in range(count)]


def events(count: int = CHUNKS) -> list[bytes]:
    """A stream as the service sends it: phrases, then finish with usage, then ``[DONE]`` (with the finish)."""
    texts = words(count)
    sent = [_event({"content": texts[0], "role": "assistant"})]
    sent += [_event({"content": text}) for text in texts[1:]]
    usage = {"prompt_tokens": 27, "completion_tokens": count, "total_tokens": 27 + count, "precached_prompt_tokens": 3}
    sent.append(_event({"content": ""}, finish="stop", usage=usage) + b"data: [DONE]\n\n")
    return sent


def tools(count: int = 20) -> list[dict[str, Any]]:
    """Tools in OpenAI's shape, each with nested objects, enums and arrays; new objects on each call."""
    return [
        {
            "type": "function",
            "function": {
                "name": f"search_flights_{number}",
                "description": f"Search flights between two cities in system number {number}",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "origin": {"type": "string", "description": "City of departure"},
                        "destination": {"type": "string", "description": "City of arrival"},
                        "date": {"type": "string", "description": "Date, YYYY-MM-DD"},
                        "cabin": {"type": "string", "enum": ["economy", "business", "first"]},
                        "passengers": {"type": "integer", "minimum": 1, "maximum": 9},
                        "filters": {
                            "type": "object",
                            "properties": {
                                "max_price": {"type": "number"},
                                "airlines": {"type": "array", "items": {"type": "string"}},
                                "direct": {"type": "boolean"},
                            },
                        },
                    },
                    "required": ["origin", "destination", "date"],
                },
            },
        }
        for number in range(count)
    ]


def history(count: int = 100) -> list[dict[str, Any]]:
    """``count`` messages: rounds of question, call, result and answer, and a last question."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": "You book flights."}]
    turn = 0
    while len(messages) + 4 < count:
        call_id = f"call_{turn:024d}"
        arguments = json.dumps({"origin": "Moscow", "destination": f"City {turn}", "date": "2026-12-01"})
        function = {"name": f"search_flights_{turn % 20}", "arguments": arguments}
        result = json.dumps({"flights": [{"number": f"SU{turn}{k}", "price": 100 + k} for k in range(5)]})
        calls = [{"id": call_id, "type": "function", "function": function}]
        messages += [
            {"role": "user", "content": f"Find me a flight to city {turn}, please, as cheap as it gets."},
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": call_id, "content": result},
            {"role": "assistant", "content": f"The cheapest flight to city {turn} costs 100."},
        ]
        turn += 1
    closing = [{"role": "assistant", "content": "Anything else?"}, {"role": "user", "content": "And now back home."}]
    while len(messages) < count - 1:
        messages += closing[::-1] if messages[-1]["role"] == "assistant" else closing
    return messages if len(messages) == count else [*messages, closing[1]]
