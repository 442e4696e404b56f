"""Reading GigaChat's v1 answers: ``choices[].message``, and ``data:`` events with ``choices[].delta``.

Tolerant by design: keys nobody knows are kept in ``Answer.extra``, missing ones mean nothing was said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import BadAnswerError
from ..types import Answer, ChatRequest, Delta, Usage
from .answer_common import (
    CUT,
    CallCollector,
    bad,
    count,
    finish_reason,
    json_text,
    raise_error_body,
    seconds,
    string,
    text_of,
    unknown,
)
from .answer_text import TextCleaner, whole

_BODY_KEYS = frozenset({"choices", "created", "model", "object", "usage"})
_MESSAGE_KEYS = frozenset({"role", "content", "function_call", "functions_state_id", "reasoning_content", "created"})
_USAGE_KEYS = frozenset({"prompt_tokens", "completion_tokens", "total_tokens", "precached_prompt_tokens"})
# Progress of a built-in ("function_in_progress": content is the remaining time) and search notes are not the answer.
_SPEAKERS = ("assistant", None, "")


def read_answer(body: Mapping[str, Any], request: ChatRequest, fallback_id: str) -> Answer:
    """One choice of a plain v1 answer. ``fallback_id`` names calls that came without a state id."""
    choice, message = _message(body)
    clean = whole(text_of(message.get("content")) or "")
    calls = CallCollector(single=True)
    _add_call(calls, message)
    content = clean.content
    state_id = string(message.get("functions_state_id"))
    raw = choice.get("finish_reason")
    finish = finish_reason(raw, has_call=bool(calls), has_text=bool(content))
    tool_calls = calls.build(request, state_id, fallback_id)
    return Answer(
        content=None if tool_calls and not content else content,
        reasoning=((text_of(message.get("reasoning_content")) or "") + clean.reasoning) or None,
        tool_calls=tool_calls,
        finish_reason=finish,
        raw_finish_reason=string(raw),
        usage=read_usage(body.get("usage")) or Usage(),
        served_model=string(body.get("model")),
        created=seconds(body.get("created")),
        state_id=state_id,
        media=clean.media,
        extra=_extra(body, message),
    )


def read_usage(usage: Any) -> Usage | None:
    """OpenAI's gross counts. The service's `prompt_tokens` is net: `precached_prompt_tokens` stand outside it."""
    if not isinstance(usage, Mapping) or not usage:
        return None
    cached = count(usage.get("precached_prompt_tokens"))
    net = count(usage.get("prompt_tokens"))
    completion = count(usage.get("completion_tokens"))
    if "completion_tokens" not in usage:
        completion = max(0, count(usage.get("total_tokens")) - net)
    return Usage(prompt_tokens=net + cached, completion_tokens=completion, cached_tokens=cached)


def _message(body: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    if not isinstance(body, Mapping):
        raise bad("GigaChat's answer is no JSON object", body)
    choices = body.get("choices")
    if not choices:
        raise_error_body(body, where="chat")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        raise bad("GigaChat's answer has no choices", body)
    message = choices[0].get("message")
    if not isinstance(message, Mapping):
        raise bad("GigaChat's answer has no message in its choice", choices[0])
    return choices[0], message


def _add_call(calls: CallCollector, message: Mapping[str, Any]) -> None:
    call = message.get("function_call")
    if call is not None:
        calls.add((call,))


def _extra(body: Mapping[str, Any], message: Mapping[str, Any]) -> dict[str, Any]:
    """`thread_id`, `message_id` (with `storage`) and every key that is not understood here."""
    extra = unknown(body, _BODY_KEYS)
    if rest := unknown(message, _MESSAGE_KEYS):
        extra["message"] = rest
    usage = body.get("usage")
    if isinstance(usage, Mapping) and (rest := unknown(usage, _USAGE_KEYS)):
        extra["usage"] = rest
    return extra


class StreamV1:
    """Events of one v1 stream -> deltas. A call is told with the finish, whole, however it came.

    ``finished``: finish and usage are told, nothing more is to come. :meth:`end` must be called in any case:
    it tells what was held back, and raises :class:`BadAnswerError` if the stream was cut before its finish.
    """

    def __init__(self, request: ChatRequest, fallback_id: str) -> None:
        self.finished = False
        self._request = request
        self._fallback_id = fallback_id
        self._cleaner = TextCleaner()
        self._calls = CallCollector(single=True)
        self._state_id: str | None = None
        self._usage: Usage | None = None
        self._raw_finish: Any = None
        self._said_text = False
        self._introduced = False
        self._extra: dict[str, Any] = {}
        self._message_extra: dict[str, Any] = {}

    def feed(self, event_name: str, payload: Any) -> list[Delta]:
        """The deltas of one event. Raises HttpFailureError for an error event."""
        if type(payload) is not dict:
            raise bad("an event of GigaChat's stream is no JSON object", payload)
        choices = payload.get("choices")
        if event_name == "error" or not choices:
            raise_error_body(payload, where="stream")
        if self.finished:
            return []
        delta = Delta()
        said = False
        for choice in choices if isinstance(choices, list) else ():
            # One choice a request: `n` is n requests. A choice without an index is the only one.
            if isinstance(choice, Mapping) and not choice.get("index"):
                said = self._choice(choice, delta) or said
        if payload.get("usage"):
            self._usage = read_usage(payload["usage"])
        if len(payload) > 4 and (extra := unknown(payload, _BODY_KEYS)):
            self._extra.update(extra)
        if not self._introduced:
            said = self._introduce(payload, delta) or said
        if self._raw_finish is not None and self._usage is not None:
            self._finish(delta)
            said = True
        return [delta] if said else []

    def more_text(self, event_name: str, payload: Mapping[str, Any]) -> str | None:
        """The text of the usual event, taken: text that is clean as it is, and nothing else. None for any other."""
        if not self._introduced or self.finished or event_name == "error":
            return None
        try:
            (choice,) = payload["choices"]
            message = choice["delta"]
            content = message["content"]
        except (KeyError, TypeError, ValueError):
            return None
        if type(content) is not str or not content or len(message) != 1 or len(choice) != 2 or len(payload) > 4:
            return None
        if choice.get("index", 1) != 0 or "usage" in payload or not self._cleaner.passes(content):
            return None
        self._said_text = True
        return content

    def end(self) -> list[Delta]:
        """To be called when the stream is over (``[DONE]`` or end of file)."""
        if self.finished:
            return []
        if self._raw_finish is None:
            raise BadAnswerError(CUT)
        delta = Delta()
        self._finish(delta)
        return [delta]

    def _introduce(self, payload: Mapping[str, Any], delta: Delta) -> bool:
        self._introduced = True
        delta.served_model = string(payload.get("model"))
        delta.created = seconds(payload.get("created"))
        return delta.served_model is not None or delta.created is not None

    def _choice(self, choice: Mapping[str, Any], delta: Delta) -> bool:
        message = choice.get("delta") or choice.get("message")  # the latter stands in streams of some gateways
        said = False
        if isinstance(message, Mapping) and message.get("role") in _SPEAKERS:
            said = self._message(message, delta)
        raw = choice.get("finish_reason")
        if raw and self._raw_finish is None:
            self._raw_finish = raw
        return said

    def _message(self, message: Mapping[str, Any], delta: Delta) -> bool:
        content = message.get("content")
        if content:
            clean = self._cleaner.feed(content if isinstance(content, str) else text_of(content) or "")
            if clean.content:
                delta.content = (delta.content or "") + clean.content
                self._said_text = True
            if clean.reasoning:
                delta.reasoning = clean.reasoning
            if clean.media:
                delta.media.extend(clean.media)
        if len(message) > ("content" in message):
            self._rest(message, delta)
        return bool(delta.content or delta.reasoning or delta.media)

    def _rest(self, message: Mapping[str, Any], delta: Delta) -> None:
        reasoning = text_of(message.get("reasoning_content"))
        if reasoning:
            delta.reasoning = reasoning + (delta.reasoning or "")
        _add_call(self._calls, message)
        self._state_id = string(message.get("functions_state_id")) or self._state_id
        if rest := unknown(message, _MESSAGE_KEYS):
            self._message_extra.update(rest)

    def _finish(self, delta: Delta) -> None:
        tail = self._cleaner.end()
        if tail.content:
            delta.content = (delta.content or "") + tail.content
            self._said_text = True
        if tail.reasoning:
            delta.reasoning = (delta.reasoning or "") + tail.reasoning
        delta.media.extend(tail.media)
        delta.finish_reason = finish_reason(self._raw_finish, has_call=bool(self._calls), has_text=self._said_text)
        delta.raw_finish_reason = self._raw_finish if isinstance(self._raw_finish, str) else json_text(self._raw_finish)
        delta.tool_calls = self._calls.build(self._request, self._state_id, self._fallback_id)
        delta.state_id = self._state_id
        delta.usage = self._usage
        delta.extra = {**self._extra, "message": self._message_extra} if self._message_extra else self._extra
        self.finished = True
