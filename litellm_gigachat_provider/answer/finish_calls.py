"""Answers that came as the call of a function which only exists to get them: unwrapped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..contracts.answer_common import json_text, shorten
from ..errors import ModelOutputError
from ..types import Answer, ChatRequest, FollowUp, RequiredCall, Structured, ToolCall
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
    return FollowUp(function, answer.usage)


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


def unwrap_required(answer: Answer, request: ChatRequest, required: RequiredCall) -> Answer | FollowUp:
    """The call that the one forced function stands for, under the caller's name of the chosen tool."""
    carrier = next((call for call in answer.tool_calls if call.name == required.function), None)
    if carrier is None:
        if answer.tool_calls:
            return answer  # the model called a tool directly
        raise ModelOutputError(
            f"a tool call was required and the model answered with text: {shorten(answer.content or '')}",
            raw=answer.content or "",
        )
    arguments: dict[str, Any] = json.loads(carrier.arguments)
    chosen = _chosen(arguments, request, required)
    if chosen is None:
        raise ModelOutputError(
            f"a tool call was required and the model chose no tool: {shorten(carrier.arguments)}", raw=carrier.arguments
        )
    inner = _object(arguments.get(chosen))
    if inner is None and (arguments.get(chosen) is not None or _needs_arguments(chosen, request)):
        return FollowUp(chosen, answer.usage)
    call = ToolCall(carrier.id, request.names.get(chosen, chosen), json_text(inner or {}))
    others = [c for c in answer.tool_calls if c.name != required.function]
    answer.tool_calls = [replace(c, index=index) for index, c in enumerate([call, *others])]
    answer.finish_reason = "tool_calls"
    return answer


def _chosen(arguments: Mapping[str, Any], request: ChatRequest, required: RequiredCall) -> str | None:
    """GigaChat's name of the chosen tool: by the selector, else by the only tool that was given arguments."""
    said = arguments.get(required.selector)
    if isinstance(said, str):
        for tool in required.tools:
            if said.strip() in (tool, request.names.get(tool)):
                return tool
    filled = [tool for tool in required.tools if _object(arguments.get(tool)) is not None]
    return filled[0] if len(filled) == 1 else None


def _object(value: Any) -> dict[str, Any] | None:
    """``value`` as a JSON object; models sometimes write a nested object as its text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def _needs_arguments(name: str, request: ChatRequest) -> bool:
    function = next((function for function in request.functions if function.name == name), None)
    return function is None or bool(function.parameters.get("required"))
