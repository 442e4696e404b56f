"""The last step of an answer: what was emulated in the request is undone here.

Structured output becomes JSON text in ``content``, an answer without the call that ``tool_choice="required"`` wants
is asked for once more, and the text is cut at stop strings. A request with none of the three costs nothing.
"""

from __future__ import annotations

from ..errors import ModelOutputError
from ..types import Answer, ChatRequest, Delta, FollowUp
from .finish_calls import required_call, structured_from_call
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
    if not request.parallel_tool_calls and not must_buffer(request):
        del answer.tool_calls[1:]
    cut = bool(request.stop and answer.content) and _cut(answer, request)
    if request.required is not None:
        return required_call(answer, request, request.required)
    if cut or (answer.finish_reason in _CUT_SHORT and not answer.tool_calls):
        return answer
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
    return request.structured is not None and request.structured.mode == "function"


def beside(said: Answer, answer: Answer) -> Answer:
    """``answer`` with what was said and spent before it: words and files of both, first things first."""
    answer.content = _joined(said.content, answer.content)
    answer.reasoning = _joined(said.reasoning, answer.reasoning)
    answer.media = said.media + answer.media
    answer.annotations = said.annotations + answer.annotations
    answer.extra = {**said.extra, **answer.extra}
    answer.created = said.created or answer.created
    answer.usage = said.usage + answer.usage
    return answer


def _joined(first: str | None, second: str | None) -> str | None:
    return f"{first}\n\n{second}" if first and second else first or second


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
        if request.required is None:  # a call that must come is taken, although it came after
            # Generation would have ended here: no call, and no reason of GigaChat's, came after.
            answer.tool_calls = []
            answer.finish_reason, answer.raw_finish_reason = "stop", None
        answer.annotations = [a for a in answer.annotations if a["url_citation"]["end_index"] <= len(text)]
    return cutter.stopped


class StreamFinisher:
    """:func:`finish_answer` for deltas. Feed it what the reader gives; :meth:`end` when the stream is over.

    ``stopped``: a stop string was hit; the finish was given out, the rest of the upstream is not wanted.
    ``follow_up``: the stream is over and lacks the required call; instead of its finish, this is to be asked for.
    """

    __slots__ = ("_active", "_cutter", "_json", "_kept", "_request", "_said", "follow_up", "stopped")

    def __init__(self, request: ChatRequest) -> None:
        structured = request.structured
        self.stopped = False
        self.follow_up: FollowUp | None = None
        self._request = request
        self._cutter = StopCutter(request.stop) if request.stop else None
        self._json: JsonStream | None = None
        if structured is not None and structured.mode in _JSON_TEXT:
            self._json = JsonStream(arrays=takes_arrays(structured))
        self._kept: Answer | None = Answer() if must_buffer(request) else None
        self._said: Answer | None = Answer() if request.required is not None else None
        self._active = bool(self._cutter or self._json or self._kept or self._said or not request.parallel_tool_calls)

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
        if not self._request.parallel_tool_calls:
            del delta.tool_calls[1:]  # they come in one delta, with the finish
        if self._cutter is not None:
            text = self._cutter.feed(text)
            if delta.finish_reason is not None:
                text += self._cutter.end()
            self.stopped = self._cutter.stopped and self._said is None
        if self._json is not None:
            text = self._json.feed(text) if text else ""
            if self.stopped or delta.finish_reason is not None:
                text += self._json_rest(self._json, delta)
        delta.content = text or None
        if self.stopped:
            delta.tool_calls = []
            delta.finish_reason, delta.raw_finish_reason = "stop", None
        if self._said is not None:
            self._require(self._said, delta)

    def _require(self, said: Answer, delta: Delta) -> None:
        """Let all words pass, and keep what the answer of a second request would stand beside."""
        said.content = (said.content or "") + (delta.content or "")
        said.reasoning = (said.reasoning or "") + (delta.reasoning or "")
        said.usage = delta.usage or said.usage
        if delta.finish_reason is None:
            return
        told = Answer(tool_calls=delta.tool_calls, finish_reason=delta.finish_reason)
        outcome = finish_answer(told, self._request)
        if isinstance(outcome, FollowUp):
            self.follow_up = FollowUp(outcome.function, said)
            delta.finish_reason = delta.raw_finish_reason = delta.state_id = None

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
            raise ModelOutputError(
                f"the model answered without calling {outcome.function.name!r}", raw=answer.content or ""
            )
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
