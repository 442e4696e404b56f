"""What the readers of both contracts share: finish reasons, numbers, function calls, error bodies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .. import ids
from ..errors import BadAnswerError, HttpFailureError, ModelOutputError
from ..types import ChatRequest, ToolCall

# GigaChat's finish reason -> OpenAI's. `blacklist` and its kin come with HTTP 200 and a canned refusal.
FINISH_REASONS: dict[str, str] = {
    "stop": "stop",
    "length": "length",
    "function_call": "tool_calls",
    "blacklist": "content_filter",
    "request_blacklist": "content_filter",
    "request_whitelist": "content_filter",
    "request_filter": "content_filter",
    "response_blacklist": "content_filter",
}
# The model wrote arguments nobody can read. A client can only try again.
_FAILED = frozenset({"error", "function_call_error"})
CUT = "the stream ended before its finish: GigaChat or a proxy cut it off"
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_]")  # dashes go too: the 32 characters that fit then hold a UUID
_SHOWN = 400  # characters of a model's own text in an error


def finish_reason(raw: Any, *, has_call: bool, has_text: bool) -> str:
    """OpenAI's finish reason. Raises :class:`ModelOutputError` for ``error`` and for a call that is not there."""
    if isinstance(raw, str) and raw in _FAILED:
        raise ModelOutputError(f"GigaChat reported finish_reason {raw!r}: the model failed to write its function call")
    mapped = FINISH_REASONS.get(raw, "stop") if isinstance(raw, str) else "stop"
    if mapped == "stop" and has_call:
        return "tool_calls"
    if mapped == "tool_calls" and not has_call:
        if not has_text:
            raise ModelOutputError("GigaChat announced a function call (finish_reason 'function_call') but sent none")
        return "stop"
    return mapped


def count(value: Any) -> int:
    """A token count, or 0 for anything that is not one."""
    if type(value) is int and 0 <= value < 10**15:
        return value
    if isinstance(value, bool):
        return 0
    if isinstance(value, str) and value.isdecimal() and len(value) < 16:
        value = int(value)
    return int(value) if isinstance(value, (int, float)) and 0 <= value < 1e15 else 0


def seconds(value: Any) -> int | None:
    """Unix seconds. The documentation shows `created_at` as a number and, once, as a string."""
    return count(value) or None


def text_of(value: Any) -> str | None:
    """Text from a field that should hold a string."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        parts = [part if isinstance(part, str) else part.get("text") for part in value if isinstance(part, (str, dict))]
        return "".join(part for part in parts if isinstance(part, str))
    return json_text(value)


def string(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def json_text(value: Any) -> str:
    """Compact JSON, letters of every script as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def shorten(text: str, limit: int = _SHOWN) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def unknown(data: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """The keys nobody here knows, with their values."""
    return {key: value for key, value in data.items() if key not in known} if not known.issuperset(data) else {}


def raise_error_body(body: Mapping[str, Any], *, where: str) -> None:
    """Raise if ``body`` is the API's error shape ``{"status": …, "message": …}``, seen under HTTP 200 too.

    The key is not always ``status``: an internal gateway writes ``status_code``.
    """
    error = body.get("error")
    detail: Mapping[str, Any] = error if isinstance(error, Mapping) else body
    if "message" not in detail and not isinstance(error, str):
        return
    status = next(
        (count(d[k]) for d in (detail, body) for k in ("status", "status_code", "code") if count(d.get(k)) >= 400), 0
    )
    if status or error:
        raise HttpFailureError(status=status or 500, body=json_text(body).encode(), where=where)


def bad(problem: str, body: Any) -> BadAnswerError:
    keys = ", ".join(sorted(map(str, body))[:12]) if isinstance(body, Mapping) else type(body).__name__
    return BadAnswerError(f"{problem} (it has: {shorten(keys) or 'nothing'})")


@dataclass(slots=True)
class _Raw:
    name: str
    id: str | None
    arguments: Mapping[str, Any] | None
    text: str
    seen: int  # number of the payload that last spoke of this call

    def completes(self, other: _Raw, single: bool) -> bool:
        """Whether ``other``, from a later payload, is this very call again or the rest of it."""
        if self.name != other.name or (self.id and other.id and self.id != other.id):
            return False
        if self.id and self.id == other.id:
            return True
        if self.text:
            return self.text == other.text or not _is_json(self.text)
        unsaid = self.arguments is None or (single and not self.arguments)
        return unsaid or (other.arguments is None and not other.text) or self.arguments == other.arguments


class CallCollector:
    """Function calls of one answer, told once however often and in however many pieces they come.

    A stream may repeat a call in its last event, or bring name and arguments apart. ``single`` (v1, one
    call a turn): empty arguments count as not yet told. Two equal calls in one payload are two calls.
    """

    __slots__ = ("_calls", "_payload", "_single")

    def __init__(self, *, single: bool = False) -> None:
        self._calls: list[_Raw] = []
        self._payload = 0
        self._single = single

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, calls: Iterable[Any]) -> None:
        """``calls``: the ``function_call`` objects of one payload."""
        self._payload += 1
        for raw in calls:
            if isinstance(raw, Mapping):
                self._add(raw)

    def _add(self, raw: Mapping[str, Any]) -> None:
        value = raw.get("arguments")
        if value is not None and not isinstance(value, (Mapping, str)):
            raise ModelOutputError(f"a function call's arguments are no JSON object: {shorten(json_text(value))}")
        new = _Raw(
            name=string(raw.get("name")) or "",
            id=string(raw.get("id")),
            arguments=value if isinstance(value, Mapping) else None,
            text=value if isinstance(value, str) else "",
            seen=self._payload,
        )
        if not new.name and self._calls:
            new.name = self._calls[-1].name  # a fragment: it goes on with the last call
        for old in self._calls:
            if old.seen != self._payload and old.completes(new, self._single):
                _merge(old, new)
                return
        self._calls.append(new)

    def build(self, request: ChatRequest, state_id: str | None, fallback_id: str) -> list[ToolCall]:
        """The calls in OpenAI's terms, under the caller's own function names."""
        return [
            ToolCall(
                id=ids.call_id(state_id, index, _own_id(call, index, fallback_id)),
                name=_caller_name(call, request),
                arguments=_arguments_text(call),
                index=index,
            )
            for index, call in enumerate(self._calls)
        ]


def _merge(old: _Raw, new: _Raw) -> None:
    old.seen = new.seen
    old.id = old.id or new.id
    if new.arguments:
        old.arguments = new.arguments
    elif new.text and new.text != old.text:
        old.text += new.text


def _own_id(call: _Raw, index: int, fallback_id: str) -> str:
    """An id for a call without state: from the service's own, or from ``fallback_id``, told apart by index."""
    made = _NOT_IN_IDS.sub("", call.id or fallback_id)[-32:]
    return f"call_{made}" if call.id or not index else f"call{index}_{made}"


def _caller_name(call: _Raw, request: ChatRequest) -> str:
    if not call.name:
        raise ModelOutputError("GigaChat sent a function call without a name")
    return request.names.get(call.name, call.name)


def _arguments_text(call: _Raw) -> str:
    """Arguments are a JSON object on the wire; OpenAI's clients want its text."""
    if call.arguments is not None or not call.text.strip():
        return json_text(call.arguments or {})
    try:
        parsed = json.loads(call.text)
    except (ValueError, RecursionError):  # thousands of brackets
        parsed = None
    if not isinstance(parsed, dict):
        raise ModelOutputError(
            f"the arguments of the call to {call.name!r} are no JSON object: {shorten(call.text)}", raw=call.text
        )
    return call.text


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
