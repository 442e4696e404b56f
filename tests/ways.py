"""The four ways of one chat call, with one outcome to assert on."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass, field
from typing import Any

import litellm

WAYS = ("completion", "acompletion", "stream", "astream")
MODEL = "gigachat/GigaChat-2-Max"


@dataclass
class Outcome:
    """What a caller sees. For streams: joined from the chunks, not by LiteLLM's own builder."""

    way: str
    content: str | None
    tool_calls: list[dict[str, Any]]
    finish_reason: str | None
    usage: Any
    response: Any
    reasoning: str | None = None
    function_call: dict[str, Any] | None = None
    chunks: list[Any] = field(default_factory=list)

    @property
    def streamed(self) -> bool:
        return self.way.endswith("stream")


def call(way: str, messages: Any = "Привет!", model: str = MODEL, **kwargs: Any) -> Outcome:
    """One call in the given way; ``messages`` may be the text of a single user message."""
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    kwargs = {"model": model, "messages": messages, **kwargs}
    if way == "completion":
        return _plain(way, litellm.completion(**kwargs))
    if way == "acompletion":
        return _plain(way, asyncio.run(_acompletion(kwargs)))
    kwargs.setdefault("stream_options", {"include_usage": True})
    if way == "stream":
        return _joined(way, list(litellm.completion(stream=True, **kwargs)))
    return _joined(way, asyncio.run(_astream(kwargs)))


async def _acompletion(kwargs: dict[str, Any]) -> Any:
    return await litellm.acompletion(**kwargs)


async def _astream(kwargs: dict[str, Any]) -> list[Any]:
    chunks = [chunk async for chunk in await litellm.acompletion(stream=True, **kwargs)]
    gc.collect()
    return chunks


def _plain(way: str, response: Any) -> Outcome:
    choice = response.choices[0]
    message = choice.message
    calls = [
        {"id": c.id, "name": c.function.name, "arguments": c.function.arguments, "index": i}
        for i, c in enumerate(message.tool_calls or [])
    ]
    legacy = message.get("function_call")
    return Outcome(
        way,
        message.content,
        calls,
        choice.finish_reason,
        response.usage,
        response,
        reasoning=message.get("reasoning_content"),
        function_call={"name": legacy.name, "arguments": legacy.arguments} if legacy else None,
    )


def _joined(way: str, chunks: list[Any]) -> Outcome:
    content, reasoning, finish, usage, legacy = "", "", None, None, None
    calls: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        if getattr(chunk, "usage", None) is not None:
            usage = chunk.usage
        for choice in chunk.choices:
            if choice.index:
                continue
            delta = choice.delta
            content += delta.content or ""
            reasoning += getattr(delta, "reasoning_content", None) or ""
            if getattr(delta, "function_call", None):
                legacy = {"name": delta.function_call.name, "arguments": delta.function_call.arguments}
            for part in delta.tool_calls or []:
                slot = calls.setdefault(part.index, {"id": None, "name": None, "arguments": "", "index": part.index})
                slot["id"] = part.id or slot["id"]
                slot["name"] = part.function.name or slot["name"]
                slot["arguments"] += part.function.arguments or ""
            finish = choice.finish_reason or finish
    return Outcome(
        way,
        content or None,
        [calls[i] for i in sorted(calls)],
        finish,
        usage,
        litellm.stream_chunk_builder(chunks),
        reasoning=reasoning or None,
        function_call=legacy,
        chunks=chunks,
    )
