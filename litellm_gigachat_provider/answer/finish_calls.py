"""Answers that came as the call of a function which only exists to get them: unwrapped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..contracts.answer_common import json_text, shorten
from ..errors import ModelOutputError
from ..types import Answer, ChatRequest, FollowUp, Function, RequiredCall, Structured, ToolCall
from .finish_json import check, fits
from .jsonfix import find_json
from .nulls import fill_nulls


def structured_from_call(answer: Answer, request: ChatRequest, structured: Structured) -> Answer | FollowUp:
    """The schema function's arguments as ``content``. A call of the caller's own tools passes through.

    Text instead of the call is taken if it is the JSON that was asked for; otherwise the function is forced.
    """
    function = structured.function or ""
    name = request.names.get(function, function)
    ours = next((call for call in answer.tool_calls if call.name == name), None)
    if ours is not None:
        answer.content = json_text(_value(ours, structured))
        answer.tool_calls = [
            replace(call, index=index) for index, call in enumerate(c for c in answer.tool_calls if c.name != name)
        ]
        answer.finish_reason = "tool_calls" if answer.tool_calls else "stop"
        return answer
    if answer.tool_calls:
        return answer
    schema = structured.schema
    found = find_json(
        answer.content or "", (lambda value: fits(fill_nulls(value, schema), schema)) if schema is not None else None
    )
    if found is not None:
        value = found.value if schema is None else fill_nulls(found.value, schema)
        if schema is None or fits(value, schema):
            answer.content = found.text if value == found.value else json_text(value)
            return answer
    forced = next(offered for offered in request.functions if offered.name == function)
    return FollowUp(forced, Answer(usage=answer.usage))  # its words are no JSON


def _value(call: ToolCall, structured: Structured) -> Any:
    """The value in the call's arguments. A schema whose root is no object travels inside the argument ``wrap``."""
    value: Any = json.loads(call.arguments)
    if structured.wrap is not None and isinstance(value, dict):
        if structured.wrap not in value:
            raise ModelOutputError(
                f"the model left out the argument {structured.wrap!r} that holds its answer: {shorten(call.arguments)}",
                raw=call.arguments,
                schema=structured.schema,
            )
        value = value[structured.wrap]
    if structured.schema is not None:
        value = fill_nulls(value, structured.schema)
    check(value, structured, call.arguments)
    return value


def required_call(answer: Answer, request: ChatRequest, required: RequiredCall) -> Answer | FollowUp:
    """An answer with a call: the model's own, or the one that the forced chooser stands for."""
    if not answer.tool_calls:
        if answer.finish_reason == "content_filter":
            return answer
        if request.tool_choice is None or request.tool_choice.mode != "forced":
            return FollowUp(required.chooser, answer)
        if answer.finish_reason == "length":
            return answer
        raise ModelOutputError(
            f"a tool call was required and the model answered with text: {shorten(answer.content or '')}",
            raw=answer.content or "",
        )
    for at, call in enumerate(answer.tool_calls):
        if call.name == required.chooser.name:
            unwrapped = _unwrap(call, request, required)
            if isinstance(unwrapped, Function):
                return FollowUp(unwrapped, answer)
            answer.tool_calls[at] = unwrapped
    return answer


def _unwrap(call: ToolCall, request: ChatRequest, required: RequiredCall) -> ToolCall | Function:
    """The call that the chooser's stands for, or the chosen tool where its arguments are missing."""
    arguments: dict[str, Any] = json.loads(call.arguments)
    chosen = _chosen(arguments, request, required)
    if chosen is None:
        raise ModelOutputError(
            f"a tool call was required and the model chose no tool: {shorten(call.arguments)}", raw=call.arguments
        )
    given = arguments.get(chosen.name)
    inner = _object(given)
    if inner is None and (given is not None or chosen.parameters.get("required")):
        return chosen
    return replace(call, name=request.names.get(chosen.name, chosen.name), arguments=json_text(inner or {}))


def _chosen(arguments: Mapping[str, Any], request: ChatRequest, required: RequiredCall) -> Function | None:
    """The chosen tool: by the selector, else the only one that was given arguments."""
    said = arguments.get(required.selector)
    if isinstance(said, str):
        for tool in required.tools:
            if said.strip() in (tool.name, request.names.get(tool.name)):
                return tool
    filled = [tool for tool in required.tools if _object(arguments.get(tool.name)) is not None]
    return filled[0] if len(filled) == 1 else None


def _object(value: Any) -> dict[str, Any] | None:
    """``value`` as a JSON object; models sometimes write a nested object as its text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None
