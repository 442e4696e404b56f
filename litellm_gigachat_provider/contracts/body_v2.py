"""``ChatRequest`` -> the body of ``POST /v2/chat/completions``: parts instead of strings, options nested."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..types import AssistantTurn, Call, ChatRequest, Function, ResultTurn, SystemTurn, Turn, UserTurn
from .body_common import file_id, function_to_wire, response_format

# Both are known for results; recordings and the newest clients have "tool".
RESULT_ROLE = "tool"

_Message = dict[str, Any]
_MODEL_OPTIONS = (
    "temperature", "top_p", "max_tokens", "repetition_penalty", "update_interval", "preset",
    "unnormalized_history", "top_logprobs",
)  # fmt: skip
_TOP_LEVEL = ("filter_config", "user_info", "assistant_id", "tools_state_id", "flags")
_STORAGE = ("limit", "thread_id", "metadata")


def body(request: ChatRequest, files: Mapping[str, str]) -> dict[str, Any]:
    """The body. ``files`` maps ``Attachment.key`` to the id of the uploaded file.

    Parts of it (schemas, options) are shared with the request: encode it, don't change it.
    """
    wire: dict[str, Any] = {"model": request.model, "messages": [_message(turn, files) for turn in request.turns]}
    model_options = _model_options(request)
    if model_options:
        wire["model_options"] = model_options
    tools = _tools(request.functions)
    if tools:
        wire["tools"] = tools
    config = _tool_config(request)
    if config is not None:
        wire["tool_config"] = config
    _own(request.options, wire)
    if request.stream:
        wire["stream"] = True
    return _under(request.extra_body, wire)


def _under(extra: Mapping[str, Any], wire: dict[str, Any]) -> dict[str, Any]:
    """The caller's ``extra_body`` under ours; ``model_options`` are merged, not replaced."""
    if not extra:
        return wire
    merged = {**extra, **wire}
    nested = extra.get("model_options")
    if isinstance(nested, Mapping) and "model_options" in wire:
        merged["model_options"] = {**nested, **wire["model_options"]}
    return merged


def _model_options(request: ChatRequest) -> dict[str, Any]:
    options = {name: request.options[name] for name in _MODEL_OPTIONS if name in request.options}
    if not request.stream:
        options.pop("update_interval", None)  # "stream only"
    if "reasoning_effort" in request.options:
        options["reasoning"] = {"effort": request.options["reasoning_effort"]}
    asked = response_format(request.structured)
    if asked is not None:
        options["response_format"] = asked
    return options


def _own(options: Mapping[str, Any], wire: dict[str, Any]) -> None:
    for name in _TOP_LEVEL:
        if name in options:
            wire[name] = options[name]
    if "profanity_check" in options:
        wire["disable_filter"] = not options["profanity_check"]
    if "function_ranker" in options:
        wire["ranker_options"] = options["function_ranker"]
    storage = options.get("storage")
    if storage is not None and storage.get("is_stateful") is not False:
        wire["storage"] = {name: value for name, value in storage.items() if name in _STORAGE}
        if storage.get("assistant_id") is not None:
            wire.setdefault("assistant_id", storage["assistant_id"])
    if "assistant_id" in wire or "thread_id" in wire.get("storage", ()):
        del wire["model"]  # the assistant or the thread has its own


def _tools(functions: Sequence[Function]) -> list[dict[str, Any]]:
    own = [function_to_wire(function) for function in functions if not function.builtin]
    found: list[dict[str, Any]] = [{"functions": {"specifications": own}}] if own else []
    found.extend({function.name: dict(function.options or {})} for function in functions if function.builtin)
    return found


def _tool_config(request: ChatRequest) -> dict[str, Any] | None:
    choice = request.tool_choice
    if choice is None:
        return None
    if choice.mode != "forced":
        return {"mode": choice.mode}
    builtin = any(function.builtin and function.name == choice.name for function in request.functions)
    return {"mode": "forced", "tool_name" if builtin else "function_name": choice.name}


def _message(turn: Turn, files: Mapping[str, str]) -> _Message:
    return _WRITERS[type(turn)](turn, files)


def _text(text: str) -> list[dict[str, Any]]:
    return [{"text": text}] if text else []


def _system(turn: SystemTurn, files: Mapping[str, str]) -> _Message:
    return {"role": "system", "content": [{"text": turn.text}]}


def _user(turn: UserTurn, files: Mapping[str, str]) -> _Message:
    parts = _text(turn.text)
    if turn.attachments:
        parts.append({"files": [{"id": file_id(attachment, files)} for attachment in turn.attachments]})
    return {"role": "user", "content": parts or [{"text": ""}]}


def _assistant(turn: AssistantTurn, files: Mapping[str, str]) -> _Message:
    parts = _text(turn.text)
    parts.extend({"function_call": {"name": call.name, "arguments": call.arguments}} for call in turn.calls)
    return _with_state({"role": "assistant", "content": parts or [{"text": ""}]}, _state_of(turn))


def _state_of(turn: AssistantTurn) -> str | None:
    """The turn's one state; where clients put calls of different turns together there is none."""
    states = {call.state_id for call in turn.calls} or {turn.state_id}
    return states.pop() if len(states) == 1 else None


def _result(turn: ResultTurn, files: Mapping[str, str]) -> _Message:
    call: Call = turn.call
    part = {"function_result": {"name": call.name, "result": turn.result}}
    return _with_state({"role": RESULT_ROLE, "content": [part]}, call.state_id)


def _with_state(message: _Message, state_id: str | None) -> _Message:
    # The reply says tool_state_id; the request wants the plural.
    if state_id is not None:
        message["tools_state_id"] = state_id
    return message


_WRITERS: dict[type, Callable[[Any, Mapping[str, str]], _Message]] = {
    SystemTurn: _system,
    UserTurn: _user,
    AssistantTurn: _assistant,
    ResultTurn: _result,
}
