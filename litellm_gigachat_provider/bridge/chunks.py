"""Deltas as the chunks LiteLLM's ``CustomStreamWrapper`` takes, in the order that survives it.

Two kinds, chosen once by LiteLLM's version (:func:`chunk_kind`):

* ``M``: a ``ModelResponseStream`` as it is (LiteLLM 1.84 and later);
* ``G``: the ``GenericStreamingChunk`` dict of older versions, which by itself loses reasoning, choice indexes
  and all but one call. Their wrapper rebuilds a chunk from an ``original_chunk`` key when there is one (the
  road OpenAI's own chunks take), so the same ``ModelResponseStream`` rides along there.

The order, found by running it: the wrapper drops usage on or behind the finish chunk, and everything without
text or calls behind the first finish of any choice. So: role with the first chunk of each choice, text, calls,
then (when every choice is done) usage on a chunk of its own, and choice 0's finish last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from litellm.types.utils import Delta as LiteLLMDelta
from litellm.types.utils import ModelResponseStream, StreamingChoices

from ..types import Delta, Usage
from .openai_shapes import finish_for, image_items, litellm_usage, provider_fields, sum_usage, tool_call_item

ChunkKind = Literal["M", "G"]
Chunk = ModelResponseStream | dict[str, Any]
_FIRST_M = (1, 84)


@lru_cache(maxsize=1)
def chunk_kind() -> ChunkKind:
    """Up to 1.83 LiteLLM reads a custom provider's chunk by ``chunk["text"]`` and fails on an object."""
    from litellm._version import version

    found = re.match(r"(\d+)\.(\d+)", version)
    return "G" if found and (int(found[1]), int(found[2])) < _FIRST_M else "M"


class _Choice:
    """What is known of one choice of the stream so far."""

    __slots__ = ("fields", "finish", "opened", "pictures", "usage")

    def __init__(self) -> None:
        self.opened = False
        self.finish: str | None = None
        self.usage: Usage | None = None
        self.fields: dict[str, Any] = {}
        self.pictures = 0


class ChunkWriter:
    """Writes the deltas of one streamed request. ``n`` choices; nothing is finished before all of them are.

    :meth:`write` takes the deltas of one network read and joins their text: LiteLLM spends some 340 µs on
    every chunk it passes on. It flushes at a call, between reasoning and text, and at the finish.
    """

    def __init__(
        self,
        response_id: str,
        created: int,
        model: str,
        *,
        legacy_functions: bool = False,
        n: int = 1,
        kind: ChunkKind | None = None,
    ) -> None:
        self._kind = kind or chunk_kind()
        self._head: dict[str, Any] = {"id": response_id, "created": created, "model": model}
        self._legacy = legacy_functions
        self._choices = [_Choice() for _ in range(n)]
        self._fingerprint: str | None = None  # the build that answers, once it is known

    def identify(self, response_id: str, created: int) -> None:
        """The id and time of all chunks from now on."""
        self._head.update(id=response_id, created=created)

    def write(self, deltas: Sequence[Delta], index: int = 0, images: Mapping[str, str] | None = None) -> list[Chunk]:
        """Chunks for ``deltas`` of choice ``index``. ``images``: data URL by file id, where downloaded."""
        while index >= len(self._choices):
            self._choices.append(_Choice())
        choice = self._choices[index]
        out: list[Chunk] = []
        content = reasoning = ""
        for delta in deltas:
            if delta.served_model:
                self._fingerprint = delta.served_model
            if delta.reasoning:
                if content:
                    out.append(self._text(choice, index, content=content))
                    content = ""
                reasoning += delta.reasoning
            if delta.content:
                if reasoning:
                    out.append(self._text(choice, index, reasoning=reasoning))
                    reasoning = ""
                content += delta.content
            if self._is_plain(delta):
                continue
            if reasoning:
                out.append(self._text(choice, index, reasoning=reasoning))
            out += self._special(choice, index, delta, content, images)
            content = reasoning = ""
        if reasoning:
            out.append(self._text(choice, index, reasoning=reasoning))
        if content:
            out.append(self._text(choice, index, content=content))
        if choice.finish is not None and all(each.finish is not None for each in self._choices):
            out += self._finish()
        return out

    @staticmethod
    def _is_plain(delta: Delta) -> bool:
        return not (
            delta.finish_reason
            or delta.tool_calls
            or delta.usage
            or delta.state_id
            or delta.media
            or delta.annotations
            or delta.extra
        )

    def _special(
        self, choice: _Choice, index: int, delta: Delta, content: str, images: Mapping[str, str] | None
    ) -> list[Chunk]:
        """The rest of ``delta``, behind the text before it. Provider fields ride on the last of these chunks."""
        out: list[Chunk] = []
        if delta.usage is not None:
            choice.usage = delta.usage
        self._collect_fields(choice, delta)
        parts: list[dict[str, Any]] = []
        if content:
            parts.append({"content": content})
        if delta.tool_calls and self._legacy:
            call = delta.tool_calls[0]
            parts.append({"function_call": {"name": call.name, "arguments": call.arguments}})
        elif delta.tool_calls:
            # One chunk a call: LiteLLM's Anthropic adapter joins the arguments of calls that come in one.
            parts += [{"tool_calls": [tool_call_item(call, streamed=True)]} for call in delta.tool_calls]
        pictures = image_items(delta.media, images, start=choice.pictures)
        if not parts and (pictures or delta.annotations or choice.fields):
            parts.append({"content": ""})
        if pictures:
            parts[-1]["images"] = pictures
            choice.pictures += len(pictures)
        if delta.annotations:
            parts[-1]["annotations"] = delta.annotations
        if choice.fields and parts:
            parts[-1]["provider_specific_fields"] = choice.fields
            choice.fields = {}
        for part in parts:
            out.append(self._chunk(choice, index, part))
        if delta.finish_reason and choice.finish is None:
            if not choice.opened:
                out.append(self._chunk(choice, index, {"content": ""}))
            choice.finish = finish_for(delta.finish_reason, self._legacy)
        return out

    def _collect_fields(self, choice: _Choice, delta: Delta) -> None:
        raw = delta.raw_finish_reason
        choice.fields.update(
            provider_fields(
                state_id=delta.state_id,
                # A chunk of its own only where OpenAI's word says less than GigaChat's.
                raw_finish=raw if raw != delta.finish_reason else None,
                extra=delta.extra,
                media=delta.media,
            )
        )

    def _text(self, choice: _Choice, index: int, *, content: str | None = None, reasoning: str | None = None) -> Chunk:
        part: dict[str, Any] = {"content": content}
        if reasoning is not None:
            part["reasoning_content"] = reasoning
        return self._chunk(choice, index, part)

    def _chunk(self, choice: _Choice, index: int, part: dict[str, Any]) -> Chunk:
        if not choice.opened:
            part["role"] = "assistant"
            choice.opened = True
        chunk = self._object([StreamingChoices(index=index, delta=LiteLLMDelta(**part))])
        return chunk if self._kind == "M" else _generic(part.get("content") or "", chunk)

    def _object(self, choices: list[StreamingChoices], **more: Any) -> ModelResponseStream:
        return ModelResponseStream(**self._head, choices=choices, system_fingerprint=self._fingerprint, **more)

    def _finish(self) -> list[Chunk]:
        known = [choice.usage for choice in self._choices if choice.usage is not None]
        usage = litellm_usage(sum_usage(known)) if known else None
        reason = self._choices[0].finish or "stop"
        if self._kind == "G":
            return [_generic("", None, finish=reason, usage=usage.model_dump() if usage else None)]
        out: list[Chunk] = []
        for index, choice in enumerate(self._choices[1:], start=1):
            # The wrapper looks at the first element only and swallows a finish there: one that says nothing goes
            # before it, so that the finish of this choice reaches the caller.
            silent = StreamingChoices(index=index, delta=LiteLLMDelta())
            told = StreamingChoices(index=index, delta=LiteLLMDelta(), finish_reason=choice.finish)
            out.append(self._object([silent, told]))
        if usage:
            out.append(self._object([StreamingChoices(index=0, delta=LiteLLMDelta())], usage=usage))
        out.append(self._object([StreamingChoices(index=0, delta=LiteLLMDelta(), finish_reason=reason)]))
        return out


def _generic(
    text: str,
    original: ModelResponseStream | None,
    *,
    finish: str = "",
    usage: dict[str, Any] | None = None,
) -> dict[str, Any]:
    chunk: dict[str, Any] = {
        "text": text,
        "tool_use": None,
        "is_finished": bool(finish),
        "finish_reason": finish,
        "usage": usage,
        "index": original.choices[0].index if original is not None else 0,
    }
    if original is not None:
        chunk["original_chunk"] = original
    return chunk
