"""Reading GigaChat's v2 answers: ``messages[].content[]`` parts, and named ``response.*`` events.

The reply's state key is ``tool_state_id``; the specification and requests say ``tools_state_id``, old clients
``functions_state_id``. All three are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from ..errors import BadAnswerError
from ..types import Answer, ChatRequest, Delta, MediaRef, Usage
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
from .answer_text import Clean, TextCleaner

_BODY_KEYS = frozenset({"messages", "created_at", "model", "finish_reason", "usage", "object"})
_MESSAGE_KEYS = frozenset(
    {"role", "content", "tool_state_id", "tools_state_id", "functions_state_id", "message_id", "created_at"}
)
_USAGE_KEYS = frozenset({"input_tokens", "input_tokens_details", "output_tokens", "total_tokens"})
_PART_KEYS = frozenset({"text", "files", "function_call", "inline_data", "logprobs", "tool_execution"})
_STATE_KEYS = ("tool_state_id", "tools_state_id", "functions_state_id")
_PROGRESS = "response.tool."  # .in_progress and .completed: what a built-in does, never text
MediaKind = Literal["image", "video", "model3d", "file"]
_MAX_KEPT = 50  # unknown parts and tool runs kept of one answer
_KINDS: tuple[tuple[str, MediaKind], ...] = (("image", "image"), ("video", "video"), ("model", "model3d"))


class _Reader:
    """Collects the parts of one answer, from one body or from many events."""

    def __init__(self, request: ChatRequest, fallback_id: str) -> None:
        self.calls = CallCollector()
        self.state_id: str | None = None
        self.extra: dict[str, Any] = {}
        self.said_text = False
        self._unknown: dict[str, Any] = {}  # top-level keys; apart, so that they cannot get into the way of ours
        self._request = request
        self._fallback_id = fallback_id
        self._cleaner = TextCleaner(sources=True)
        self._sources: dict[str, Mapping[str, Any]] = {}
        self._known_files: set[str] = set()
        self._citations: list[tuple[str, int, int]] = []

    def messages(self, body: Mapping[str, Any], delta: Delta) -> None:
        """Read ``body["messages"]`` into ``delta``; calls and sources are kept until :meth:`finish`."""
        calls: list[Any] = []
        messages = body.get("messages")
        self._state(body)
        for message in messages if isinstance(messages, list) else ():
            if not isinstance(message, Mapping):
                continue
            self._state(message)
            for part in _parts(message.get("content")):
                self._part(part, message.get("role"), delta, calls)
            if rest := unknown(message, _MESSAGE_KEYS):
                self.extra.setdefault("message", {}).update(rest)
            if message.get("message_id"):
                self.extra["message_id"] = message["message_id"]
        if calls:
            self.calls.add(calls)
        if rest := unknown(body, _BODY_KEYS.union(_STATE_KEYS)):
            self._unknown.update(rest)
        usage = body.get("usage")
        if isinstance(usage, Mapping) and (rest := unknown(usage, _USAGE_KEYS)):
            self.extra["usage"] = rest

    def finish(self, raw: Any, delta: Delta) -> None:
        """What could only be told at the end: held back text, calls, citations, the finish reason."""
        self._say(self._cleaner.end(), delta)
        delta.finish_reason = finish_reason(raw, has_call=bool(self.calls), has_text=self.said_text)
        delta.raw_finish_reason = raw if raw is None or isinstance(raw, str) else json_text(raw)
        delta.tool_calls = self.calls.build(self._request, self.state_id, self._fallback_id)
        delta.annotations = self._annotations()
        delta.state_id = self.state_id
        delta.extra = {**self._unknown, **self.extra}

    def _state(self, holder: Mapping[str, Any]) -> None:
        self.state_id = next((holder[k] for k in _STATE_KEYS if string(holder.get(k))), self.state_id)

    def _part(self, part: Mapping[str, Any], role: Any, delta: Delta, calls: list[Any]) -> None:
        text = text_of(part.get("text"))
        if text and role == "reasoning":
            delta.reasoning = (delta.reasoning or "") + text
        elif text and role in ("assistant", None, ""):
            self._say(self._cleaner.feed(text), delta)
        if "function_call" in part:
            calls.append(part["function_call"])
        if "files" in part:
            self._files(part["files"], delta)
        if "inline_data" in part:
            self._inline(part["inline_data"])
        if isinstance(part.get("logprobs"), list):
            self.extra.setdefault("logprobs", []).extend(part["logprobs"])
        if "tool_execution" in part:
            self._keep("tool_executions", part["tool_execution"])
        if rest := unknown(part, _PART_KEYS):
            self._keep("parts", rest)

    def _say(self, clean: Clean, delta: Delta) -> None:
        if clean.content:
            delta.content = (delta.content or "") + clean.content
            self.said_text = True
        if clean.reasoning:
            delta.reasoning = (delta.reasoning or "") + clean.reasoning
        delta.media.extend(clean.media)
        self._citations += clean.citations

    def _files(self, files: Any, delta: Delta) -> None:
        for ref in _media(files):  # the last event may name a file again
            if ref.file_id not in self._known_files:
                self._known_files.add(ref.file_id)
                delta.media.append(ref)

    def _inline(self, data: Any) -> None:
        if not isinstance(data, Mapping):
            return
        sources = data.get("sources")
        if isinstance(sources, Mapping):
            self._sources.update((str(key), value) for key, value in sources.items() if isinstance(value, Mapping))
        rest = {key: value for key, value in data.items() if key != "sources" and value}
        if rest:
            self._keep("inline_data", rest)

    def _keep(self, name: str, value: Any) -> None:
        kept = self.extra.setdefault(name, [])
        if len(kept) < _MAX_KEPT:
            kept.append(value)

    def _annotations(self) -> list[dict[str, Any]]:
        """One ``url_citation`` for every ``[n]`` in the text, then the sources the text does not point at."""
        cited = {number for number, _, _ in self._citations}
        places = [*self._citations, *((number, 0, 0) for number in self._sources if number not in cited)]
        return [
            {
                "type": "url_citation",
                "url_citation": {
                    "url": text_of(self._sources[number].get("url")) or "",
                    "title": text_of(self._sources[number].get("title")) or "",
                    "start_index": start,
                    "end_index": end,
                },
            }
            for number, start, end in places
            if number in self._sources
        ]


def read_answer(body: Mapping[str, Any], request: ChatRequest, fallback_id: str) -> Answer:
    """The one choice of a plain v2 answer. ``fallback_id`` names calls that came without a state id."""
    if not isinstance(body, Mapping):
        raise bad("GigaChat's answer is no JSON object", body)
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        raise_error_body(body, where="chat_v2")
        # A refusal by the filter may come without any message.
        if not body.get("finish_reason"):
            raise bad("GigaChat's answer has no messages", body)
    reader = _Reader(request, fallback_id)
    told = Delta()
    reader.messages(body, told)
    reader.finish(body.get("finish_reason"), told)
    return Answer(
        content=told.content if told.content or told.tool_calls else "",
        reasoning=told.reasoning,
        tool_calls=told.tool_calls,
        finish_reason=told.finish_reason or "stop",
        raw_finish_reason=told.raw_finish_reason,
        usage=read_usage(body.get("usage")) or Usage(),
        served_model=string(body.get("model")),
        created=seconds(body.get("created_at")),
        state_id=told.state_id,
        media=told.media,
        annotations=told.annotations,
        extra=told.extra,
    )


def read_usage(usage: Any) -> Usage | None:
    """OpenAI's counts. Whether `input_tokens` contains `cached_tokens` is undocumented: added where it cannot."""
    if not isinstance(usage, Mapping) or not usage:
        return None
    details = usage.get("input_tokens_details")
    cached = count(details.get("cached_tokens")) if isinstance(details, Mapping) else 0
    prompt = count(usage.get("input_tokens"))
    completion = count(usage.get("output_tokens"))
    if "output_tokens" not in usage:
        completion = max(0, count(usage.get("total_tokens")) - prompt)
    return Usage(prompt + cached if cached > prompt else prompt, completion, cached)


def _parts(content: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(content, str):
        yield {"text": content}
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, Mapping):
                yield part


def _media(files: Any) -> Iterator[MediaRef]:
    for file in files if isinstance(files, list) else ():
        file_id = string(file.get("id")) if isinstance(file, Mapping) else None
        if file_id:
            mime, target = string(file.get("mime")), string(file.get("target")) or ""
            described = f"{target} {mime or ''}"
            yield MediaRef(file_id, next((kind for word, kind in _KINDS if word in described), "file"), mime)


class StreamV2:
    """Events of one v2 stream -> deltas. Calls are told with the finish, once, wherever they came.

    ``finished``: ``response.message.done`` was read. There is no ``[DONE]``; :meth:`end` raises
    :class:`BadAnswerError` where the stream ended before its finish.
    """

    def __init__(self, request: ChatRequest, fallback_id: str) -> None:
        self.finished = False
        self._reader = _Reader(request, fallback_id)
        self._introduced = False

    def more_text(self, event_name: str, payload: Mapping[str, Any]) -> None:
        """Every event is fed: a v2 event has its text in a part of a message of some role."""
        return

    def feed(self, event_name: str, payload: Any) -> list[Delta]:
        """The deltas of one event. Events of unknown names are read by their shape, which may say nothing."""
        if not isinstance(payload, Mapping):
            raise bad("an event of GigaChat's stream is no JSON object", payload)
        if event_name == "error" or not payload.get("messages"):
            raise_error_body(payload, where="stream")
        if self.finished or event_name.startswith(_PROGRESS):
            return []
        delta = Delta()
        self._reader.messages(payload, delta)
        if not self._introduced:
            self._introduced = True
            delta.served_model = string(payload.get("model"))
            delta.created = seconds(payload.get("created_at"))
        if payload.get("usage"):
            delta.usage = read_usage(payload["usage"])
        if payload.get("finish_reason"):
            self._reader.finish(payload["finish_reason"], delta)
            self.finished = True
        said = delta.content or delta.reasoning or delta.media or delta.usage or delta.served_model or self.finished
        return [delta] if said else []

    def end(self) -> list[Delta]:
        """To be called when the stream is over."""
        if not self.finished:
            raise BadAnswerError(CUT)
        return []
