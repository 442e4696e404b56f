"""v1 in both directions: the checked request as a :class:`Question`, the reply as JSON or as stream chunks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .brain.model import Call, Question, Reply, Said
from .knobs import Knobs
from .stream import DONE, Frame
from .tokens import Usage

# The brain speaks of built-in tools by their v2 names.
BUILT_INS: Final = {"text2image": "image_generate", "text2model3d": "model_3d_generate"}
_PHRASE: Final = re.compile(r"\S+(?:\s+\S+){0,2}\s*|\s+")


def phrases(text: str) -> list[str]:
    """A text in the pieces a stream sends: up to three words each, nothing lost."""
    return _PHRASE.findall(text)


@dataclass
class Outcome:
    """A reply with everything that does not depend on the wire shape decided."""

    reply: Reply
    finish: str
    usage: Usage
    model: str
    created: int
    state_id: str | None = None
    call_ids: list[str] = field(default_factory=list)  # empty: calls carry no id
    thread: dict[str, str] | None = None
    picture_id: str | None = None


def question(body: Mapping[str, Any], files: Mapping[str, tuple[str, int]]) -> Question:
    """``files``: id -> (name, bytes) of the attachments, looked up by the caller."""
    functions = body.get("functions", [])
    choice = body.get("function_call", "auto")
    own = [function for function in functions if "parameters" in function]
    listed = {function["name"] for function in functions} & BUILT_INS.keys()
    # "auto" without functions switches the built-ins on; beside the user's own they must be listed by name.
    enabled = (listed if functions else BUILT_INS.keys()) if body.get("function_call") == "auto" or listed else set()
    forced = choice["name"] if isinstance(choice, dict) else None
    if forced in BUILT_INS:
        enabled = {forced}
    return Question(
        messages=[_said(message, files) for message in body["messages"]],
        functions=own,
        mode="none" if choice == "none" else "forced" if forced and forced not in BUILT_INS else "auto",
        forced=forced if forced not in BUILT_INS else None,
        built_ins=frozenset(BUILT_INS[name] for name in enabled),
        forced_built_in=BUILT_INS.get(forced) if forced else None,
        format=body.get("response_format"),
        effort=body.get("reasoning_effort"),
    )


def _said(message: Mapping[str, Any], files: Mapping[str, tuple[str, int]]) -> Said:
    if message["role"] == "function":
        return Said("result", results=[(message["name"], json.loads(message["content"]))])
    call = message.get("function_call")
    return Said(
        message["role"],
        text=message["content"],
        calls=[Call(call["name"], call["arguments"])] if call else [],
        files=[files[file_id] for file_id in message.get("attachments", []) if file_id in files],
    )


def prompt_parts(body: Mapping[str, Any]) -> list[str]:
    """What the prompt's tokens are counted over, in the order the cache compares: functions, then each message."""
    parts = [json.dumps(body["functions"], ensure_ascii=False)] if body.get("functions") else []
    for message in body["messages"]:
        call = message.get("function_call")
        parts.append(
            message["role"] + " " + message["content"] + (json.dumps(call, ensure_ascii=False) if call else "")
        )
    return parts


def content(outcome: Outcome) -> str:
    if outcome.picture_id is not None:
        return f'<img src="{outcome.picture_id}" fuse="true"/> {outcome.reply.text}'
    return outcome.reply.text


def _call(outcome: Outcome) -> dict[str, Any]:
    call = outcome.reply.calls[0]
    body: dict[str, Any] = {"name": call.name, "arguments": call.arguments}
    return {"id": outcome.call_ids[0], **body} if outcome.call_ids else body


def body(outcome: Outcome, knobs: Knobs) -> dict[str, Any]:
    """The plain answer: no top-level id, ``object`` "chat.completion"."""
    message: dict[str, Any] = {"content": content(outcome), "role": "assistant"}
    if outcome.reply.reasoning:
        message["reasoning_content"] = outcome.reply.reasoning
    if outcome.state_id is not None:
        message["functions_state_id"] = outcome.state_id
    if outcome.reply.calls:
        message["function_call"] = _call(outcome)
    return {
        "choices": [{"message": message, "index": 0, "finish_reason": outcome.finish}],
        **_tail(outcome),
        "usage": outcome.usage.v1(),
        **(outcome.thread or {}),
    }


def _tail(outcome: Outcome) -> dict[str, Any]:
    return {"created": outcome.created, "model": outcome.model, "object": "chat.completion"}


def frames(outcome: Outcome, knobs: Knobs) -> list[Frame]:
    """The chunks: ``finish_reason`` absent until the last, then ``[DONE]``.

    The role stands in the first delta, and in the last again where that brings the state id.
    """
    deltas = _deltas(outcome)
    if knobs.stream.single_event:
        deltas = [_merged(deltas)]
    joined = knobs.stream.single_event or (knobs.stream.call_with_finish and bool(outcome.reply.calls))
    if not joined:
        deltas.append({"content": ""})
    _role_first(deltas)
    if outcome.state_id is not None:
        deltas[-1].update(role="assistant", functions_state_id=outcome.state_id)
    tail = _tail(outcome)
    chunks: list[dict[str, Any]] = [{"choices": [{"delta": delta, "index": 0}], **tail} for delta in deltas]
    chunks[-1]["choices"][0]["finish_reason"] = outcome.finish
    chunks[-1]["usage"] = outcome.usage.v1()
    if outcome.thread:
        chunks = [{**chunk, **outcome.thread} for chunk in chunks]
    return [*map(Frame, chunks), Frame(DONE)]


def _deltas(outcome: Outcome) -> list[dict[str, Any]]:
    deltas: list[dict[str, Any]] = []
    if outcome.picture_id is not None:
        deltas += [
            {"role": "function_in_progress", "name": "text2image", "created": outcome.created, "content": left}
            for left in ("Осталось 10 секунд", "Осталось 5 секунд")
        ]
    deltas += [{"content": "", "reasoning_content": piece} for piece in phrases(outcome.reply.reasoning)]
    if outcome.reply.calls:
        deltas += [{"content": piece} for piece in phrases(content(outcome))]
        deltas.append({"content": "", "function_call": _call(outcome)})
    elif outcome.picture_id is not None:
        deltas.append({"content": content(outcome)})
    else:
        deltas += [{"content": piece} for piece in phrases(content(outcome))]
    return deltas


def _merged(deltas: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    spoken = [delta for delta in deltas if delta.get("role") != "function_in_progress"]
    merged: dict[str, Any] = {}
    for delta in spoken:
        merged.update(delta)
    merged["content"] = "".join(delta["content"] for delta in spoken)
    thoughts = "".join(delta.get("reasoning_content", "") for delta in spoken)
    return {**merged, "reasoning_content": thoughts} if thoughts else merged


def _role_first(deltas: list[dict[str, Any]]) -> None:
    for delta in deltas:
        if delta.get("role") != "function_in_progress":
            delta["role"] = "assistant"
            return
