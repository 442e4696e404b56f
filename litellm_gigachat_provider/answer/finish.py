"""The last step of an answer: what was emulated in the request is undone here.

Structured output becomes JSON text in ``content``, the one forced function of ``tool_choice="required"`` becomes
the call it stands for, and the text is cut at stop strings. A request with none of the three costs nothing.
"""

from __future__ import annotations

from ..errors import ModelOutputError
from ..types import Answer, ChatRequest, Delta, FollowUp
from .finish_calls import structured_from_call, unwrap_required
from .finish_json import json_reply, takes_arrays
from .jsonfix import JsonStream
from .stop import StopCutter

# Cut off by the token limit or by moderation: OpenAI hands out what there is, with the reason.
_CUT_SHORT = ("length", "content_filter")
_JSON_TEXT = ("native", "prompt")


def finish_answer(answer: Answer, request: ChatRequest) -> Answer | FollowUp:
    """``answer`` as the caller asked for it, or the function that must be forced to get there.

    Raises :class:`ModelOutputError` for a reply that is not what was asked for and cannot be made so.
    """
    structured = request.structured
    if request.stop and answer.content and _cut(answer, request):
        return answer
    if answer.finish_reason in _CUT_SHORT and not answer.tool_calls:
        return answer
    if request.required is not None:
        return unwrap_required(answer, request, request.required)
    if structured is None:
        return answer
    if structured.mode == "function":
        return structured_from_call(answer, request, structured)
    if structured.mode in _JSON_TEXT and not answer.tool_calls:
        answer.content = json_reply(answer.content or "", structured)
    return answer


def must_buffer(request: ChatRequest) -> bool:
    """True where the end of the answer decides whether a second request is needed.

    Nothing is lost to the caller: these answers are function calls, which GigaChat sends whole at the end anyway.
    """
    return request.required is not None or (request.structured is not None and request.structured.mode == "function")


def answer_to_deltas(answer: Answer) -> list[Delta]:
    """A finished plain answer as the deltas of a stream; the finish is the last of them."""
    return [
        Delta(
            content=answer.content,
            reasoning=answer.reasoning,
            media=answer.media,
            served_model=answer.served_model,
            created=answer.created,
        ),
        Delta(
            tool_calls=answer.tool_calls,
            annotations=answer.annotations,
            finish_reason=answer.finish_reason,
            raw_finish_reason=answer.raw_finish_reason,
            usage=answer.usage,
            state_id=answer.state_id,
            extra=answer.extra,
        ),
    ]


def _cut(answer: Answer, request: ChatRequest) -> bool:
    cutter = StopCutter(request.stop)
    text = cutter.feed(answer.content or "")
    text += cutter.end()
    if cutter.stopped:
        answer.content = text
        # Generation would have ended here: no call, and no reason of GigaChat's, came after.
        answer.tool_calls = []
        answer.finish_reason, answer.raw_finish_reason = "stop", None
        answer.annotations = [a for a in answer.annotations if a["url_citation"]["end_index"] <= len(text)]
    return cutter.stopped


class StreamFinisher:
    """:func:`finish_answer` for deltas. Feed it what the reader gives; :meth:`end` when the stream is over.

    ``stopped``: a stop string was hit; the finish was given out, the rest of the upstream is not wanted.
    """

    __slots__ = ("_active", "_cutter", "_json", "_kept", "_request", "stopped")

    def __init__(self, request: ChatRequest) -> None:
        structured = request.structured
        self.stopped = False
        self._request = request
        self._cutter = StopCutter(request.stop) if request.stop else None
        self._json: JsonStream | None = None
        if structured is not None and structured.mode in _JSON_TEXT:
            self._json = JsonStream(arrays=takes_arrays(structured))
        self._kept: Answer | None = Answer() if must_buffer(request) else None
        self._active = bool(self._cutter or self._json or self._kept)

    def feed(self, deltas: list[Delta]) -> list[Delta]:
        if not self._active:
            return deltas
        if self._kept is not None:
            return [finished for delta in deltas for finished in self._keep(self._kept, delta)]
        out: list[Delta] = []
        for delta in deltas:
            if self.stopped:
                break
            self._step(delta)
            out.append(delta)
        return out

    def end(self) -> list[Delta]:
        """Nothing is held back beyond the finish; this is where a caller's loop may rely on that."""
        return []

    def _step(self, delta: Delta) -> None:
        text = delta.content or ""
        if self._cutter is not None:
            text = self._cutter.feed(text)
            if delta.finish_reason is not None:
                text += self._cutter.end()
            self.stopped = self._cutter.stopped
        if self._json is not None:
            text = self._json.feed(text) if text else ""
            if self.stopped or delta.finish_reason is not None:
                text += self._json_rest(self._json, delta)
        delta.content = text or None
        if self.stopped:
            delta.tool_calls = []
            delta.finish_reason, delta.raw_finish_reason = "stop", None

    def _json_rest(self, stream: JsonStream, delta: Delta) -> str:
        """What is still to be sent once all of the text is known."""
        structured = self._request.structured
        if structured is None or self.stopped or delta.tool_calls or delta.finish_reason in _CUT_SHORT:
            return stream.unsent()
        reply = json_reply(stream.text, structured)
        if not reply.startswith(stream.sent_text()):
            raise ModelOutputError(
                "the reply holds more than one JSON value, and the one that was asked for is not the first",
                raw=stream.text,
                schema=structured.schema,
            )
        return reply[stream.sent :]

    def _keep(self, answer: Answer, delta: Delta) -> list[Delta]:
        """For callers that stream what :func:`must_buffer` advises against: told at the end, in one go."""
        _collect(answer, delta)
        if delta.finish_reason is None:
            return []
        outcome = finish_answer(answer, self._request)
        if isinstance(outcome, FollowUp):
            raise ModelOutputError(f"the model answered without calling {outcome.function!r}", raw=answer.content or "")
        return answer_to_deltas(outcome)


def _collect(answer: Answer, delta: Delta) -> None:
    if delta.content:
        answer.content = (answer.content or "") + delta.content
    if delta.reasoning:
        answer.reasoning = (answer.reasoning or "") + delta.reasoning
    answer.tool_calls += delta.tool_calls
    answer.media += delta.media
    answer.annotations += delta.annotations
    answer.extra.update(delta.extra)
    answer.usage = delta.usage or answer.usage
    answer.state_id = delta.state_id or answer.state_id
    answer.served_model = delta.served_model or answer.served_model
    answer.created = delta.created or answer.created
    if delta.finish_reason is not None:
        answer.finish_reason, answer.raw_finish_reason = delta.finish_reason, delta.raw_finish_reason
