"""v2 in both directions: the checked request as a :class:`Question`, the reply as messages of parts or as events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from .answers_v1 import Outcome, phrases
from .brain.model import Call, Question, Said
from .knobs import Knobs
from .rules.validate_v2 import RESULT_ROLES, file_ids
from .stream import Frame

DELTA: Final = "response.message.delta"
DONE: Final = "response.message.done"
IN_PROGRESS: Final = "response.tool.in_progress"
COMPLETED: Final = "response.tool.completed"


def question(body: Mapping[str, Any], files: Mapping[str, tuple[str, int]]) -> Question:
    options, config = body.get("model_options", {}), body.get("tool_config", {})
    tools = body.get("tools", [])
    functions = [item for tool in tools if "functions" in tool for item in tool["functions"]["specifications"]]
    mode = config.get("mode", "auto")
    forced = config.get("function_name")
    return Question(
        messages=[_said(message, files) for message in body["messages"]],
        functions=functions,
        mode="forced" if forced else "none" if mode == "none" else "auto",
        forced=forced,
        built_ins=frozenset(key for tool in tools for key in tool) - {"functions"},
        forced_built_in=config.get("tool_name"),
        format=options.get("response_format"),
        effort=options.get("reasoning", {}).get("effort"),
        parallel=True,
    )


def _said(message: Mapping[str, Any], files: Mapping[str, tuple[str, int]]) -> Said:
    parts = message["content"]
    if message["role"] in RESULT_ROLES:
        return Said("result", results=[_result(part["function_result"]) for part in parts])
    return Said(
        message["role"],
        text="\n".join(part["text"] for part in parts if "text" in part),
        calls=[
            Call(part["function_call"]["name"], part["function_call"]["arguments"])
            for part in parts
            if "function_call" in part
        ],
        files=[files[file_id] for file_id in file_ids(message) if file_id in files],
    )


def _result(result: Mapping[str, Any]) -> tuple[str, Any]:
    value = result["result"]
    return result["name"], json.loads(value) if isinstance(value, str) else value


def prompt_parts(body: Mapping[str, Any]) -> list[str]:
    parts = [json.dumps(body["tools"], ensure_ascii=False)] if body.get("tools") else []
    for message in body["messages"]:
        texts = [part.get("text") or json.dumps(part, ensure_ascii=False) for part in message["content"]]
        parts.append(" ".join([message["role"], *texts]))
    return parts


def _calls(outcome: Outcome) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for number, call in enumerate(outcome.reply.calls):
        body: dict[str, Any] = {"name": call.name, "arguments": call.arguments}
        out.append({"function_call": {"id": outcome.call_ids[number], **body} if outcome.call_ids else body})
    return out


def _media(outcome: Outcome) -> list[dict[str, Any]]:
    """What comes before the text: a generated picture."""
    if outcome.picture_id is None:
        return []
    return [{"files": [{"id": outcome.picture_id, "mime": "image/jpeg", "target": "image"}]}]


def _texts(outcome: Outcome, pieces: list[str]) -> list[dict[str, Any]]:
    """A part for each piece; the sources of a search stand in the last one, beside its text."""
    parts: list[dict[str, Any]] = [{"text": piece} for piece in pieces]
    if outcome.reply.sources and parts:
        parts[-1]["inline_data"] = {"images": [], "sources": outcome.reply.sources}
    return parts


def _state(outcome: Outcome) -> dict[str, str]:
    """The reply's key is singular, the request's plural."""
    return {"tool_state_id": outcome.state_id} if outcome.state_id is not None else {}


def body(outcome: Outcome, knobs: Knobs) -> dict[str, Any]:
    reply = outcome.reply
    messages: list[dict[str, Any]] = []
    if reply.reasoning:
        messages.append({"role": "reasoning", "content": [{"text": reply.reasoning}]})
    text = _texts(outcome, [reply.text] if reply.text or not reply.calls else [])
    parts = [*_media(outcome), *text, *_calls(outcome)]
    messages.append({"role": "assistant", **_state(outcome), "content": parts})
    return {
        **_head(outcome),
        "messages": messages,
        "finish_reason": outcome.finish,
        "usage": outcome.usage.v2(),
    }


def _head(outcome: Outcome) -> dict[str, Any]:
    return {"model": outcome.model, "created_at": outcome.created, **(outcome.thread or {})}


def frames(outcome: Outcome, knobs: Knobs) -> list[Frame]:
    """Named events; the end is ``response.message.done`` and EOF, there is no ``[DONE]``."""
    reply, head = outcome.reply, _head(outcome)
    out: list[Frame] = []

    def message(event: str, part: dict[str, Any], role: str = "assistant", **state: str) -> None:
        out.append(Frame({**head, "messages": [{"role": role, **state, "content": [part]}]}, event))

    if reply.built_in is not None:
        for event, more in (
            (IN_PROGRESS, {"seconds_left": 5}),
            (COMPLETED, {"status": "success", "seconds_left": 0, "censored": False}),
        ):
            message(event, {"tool_execution": {"name": reply.built_in, **more}})
    for piece in phrases(reply.reasoning):
        message(DELTA, {"text": piece}, "reasoning")
    pieces = [reply.text] if knobs.stream.single_event and reply.text else phrases(reply.text)
    for part in [*_media(outcome), *_texts(outcome, pieces)]:
        message(DELTA, part)
    calls = _calls(outcome)
    if knobs.v2_calls_in != "done":
        for call in calls:
            message(DELTA, call, **_state(outcome))
    done: dict[str, Any] = {**head, "finish_reason": outcome.finish, "usage": outcome.usage.v2()}
    if calls and knobs.v2_calls_in != "delta":
        done["messages"] = [{"role": "assistant", **_state(outcome), "content": calls}]
    elif outcome.state_id is not None and not calls:
        done["messages"] = [{"role": "assistant", **_state(outcome)}]  # a stop turn's has no content
    out.append(Frame(done, DONE))
    return out
