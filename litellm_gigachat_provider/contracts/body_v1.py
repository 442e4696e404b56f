"""``ChatRequest`` -> the body of v1's ``POST /chat/completions``. Strict: what the service refuses is never written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from ..types import (
    AssistantTurn,
    ChatRequest,
    ResultTurn,
    SystemTurn,
    Turn,
    UserTurn,
)
from .body_common import TO_JSON, file_id, function_to_wire, response_format

_Message = dict[str, Any]


def body(request: ChatRequest, files: Mapping[str, str]) -> dict[str, Any]:
    """The body. ``files`` maps ``Attachment.key`` to the id of the uploaded file.

    Parts of it (schemas, options) are shared with the request: encode it, don't change it.
    """
    wire: dict[str, Any] = {**request.extra_body, "model": request.model, "messages": messages(request.turns, files)}
    wire.update(request.options)
    if not request.stream:
        wire.pop("update_interval", None)  # "stream only"
    if request.functions:
        wire["functions"] = [function_to_wire(function) for function in request.functions]
    choice = _choice(request)
    if choice is not None:
        wire["function_call"] = choice
    asked = response_format(request.structured)
    if asked is not None:
        wire["response_format"] = asked
    if request.stream:
        wire["stream"] = True
    return wire


def _choice(request: ChatRequest) -> Any:
    choice = request.tool_choice
    if choice is None:
        # said in words, because older servers took a missing one for "none"
        return "auto" if request.functions else None
    return {"name": choice.name} if choice.mode == "forced" else choice.mode


def messages(turns: tuple[Turn, ...], files: Mapping[str, str]) -> list[_Message]:
    """v1 knows one call per turn: parallel calls are unfolded into pairs of call and result."""
    written: list[_Message] = []
    waiting: deque[_Message] = deque()  # the calls of one turn, until each one's result comes
    for turn in turns:
        if isinstance(turn, ResultTurn):
            if waiting:
                written.append(waiting.popleft())
            written.append(_result(turn))
        elif isinstance(turn, AssistantTurn) and turn.calls:
            waiting = deque(_calls(turn))
        else:
            written.append(_WRITERS[type(turn)](turn, files))
    return written


def _system(turn: SystemTurn, files: Mapping[str, str]) -> _Message:
    return {"role": "system", "content": turn.text}


def _user(turn: UserTurn, files: Mapping[str, str]) -> _Message:
    message: _Message = {"role": "user", "content": turn.text}
    if turn.attachments:
        message["attachments"] = [file_id(attachment, files) for attachment in turn.attachments]
    return message


def _assistant(turn: AssistantTurn, files: Mapping[str, str]) -> _Message:
    message: _Message = {"role": "assistant", "content": turn.text}
    if turn.state_id is not None:
        message["functions_state_id"] = turn.state_id
    return message


def _calls(turn: AssistantTurn) -> list[_Message]:
    found: list[_Message] = []
    for index, call in enumerate(turn.calls):
        message: _Message = {
            "role": "assistant",
            "content": "" if index else turn.text,
            "function_call": {"name": call.name, "arguments": call.arguments},
        }
        if call.state_id is not None:
            message["functions_state_id"] = call.state_id
        found.append(message)
    return found


def _result(turn: ResultTurn) -> _Message:
    return {"role": "function", "name": turn.call.name, "content": turn.text or TO_JSON(turn.result)}


_WRITERS: dict[type, Callable[[Any, Mapping[str, str]], _Message]] = {
    SystemTurn: _system,
    UserTurn: _user,
    AssistantTurn: _assistant,
}
