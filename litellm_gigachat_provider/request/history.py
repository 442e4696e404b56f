"""The steps of a conversation while it is read: runs of user content, assistant turns, calls on their way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .. import ids
from ..errors import InvalidRequestError
from ..types import Attachment, Call, Kind, UserTurn
from . import media, parts, plain
from .results import Result

HIDDEN = "[hidden thoughts]"
_NOTHING = Result({})
_THINKING = ("thinking", "redacted_thinking", "reasoning")  # among the parts of content


class Files:
    """Files out of results and answers, numbered through the conversation: a name may come twice or not at all."""

    __slots__ = ("_count", "_kinds")

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._count = 0
        self._kinds = kinds

    def settled(self, file: Attachment) -> Attachment:
        """``file`` as what its server has called it meanwhile."""
        kind = self._kinds.get(file.key)
        return file if kind is None else replace(file, kind=kind, sure=True)

    def add(self, file: Attachment, origin: str, into: list[parts.Segment]) -> str:
        """Put ``file`` into ``into`` behind the words that say what it is; what it is called: ``image 1 (a.png)``."""
        file = self.settled(file)
        self._count += 1
        name = " ".join((file.filename or "").encode("utf-8", "replace").decode().split())[:100]
        called = f"{file.kind} {self._count} ({name})" if name else f"{file.kind} {self._count}"
        into += [f"This is {called}, from {origin}.", file]
        return called


class Slot:
    """One call of the history on its way to its result."""

    __slots__ = ("attached", "call", "done", "name", "result", "where")

    def __init__(self, call: Call, name: str, where: str) -> None:
        self.call = call
        self.name = name
        self.where = where
        self.done = False
        self.result = _NOTHING
        self.attached: list[parts.Segment] = []


class UserRun:
    """A run of user content, cut so that each turn carries one file at most.

    "Images per message: 1", and of documents "only the first id is used": the surplus goes into user
    turns of its own, in the caller's order, the text before a file together with that file.
    """

    __slots__ = ("turns",)

    def __init__(self) -> None:
        self.turns: list[tuple[list[str], list[Attachment]]] = []

    def add(self, segments: Sequence[parts.Segment]) -> None:
        files = sum(1 for segment in segments if not isinstance(segment, str))
        if not self.turns or (files and self.turns[-1][1]):
            self.turns.append(([], []))
        for segment in segments:
            if isinstance(segment, str):
                if files and self.turns[-1][1]:
                    self.turns.append(([], []))
                self.turns[-1][0].append(segment)
            else:
                if self.turns[-1][1]:
                    self.turns.append(([], []))
                self.turns[-1][1].append(segment)
                files -= 1

    def join(self, other: UserRun) -> UserRun:
        """One run of both: the files of a function's result, and the user's words behind them."""
        texts, files = other.turns[0]
        rest = other.turns
        if not files:
            self.turns[-1][0].extend(texts)
            rest = rest[1:]
        self.turns.extend(rest)
        return self

    def finished(self) -> Iterable[UserTurn]:
        return (UserTurn("\n".join(texts), tuple(files)) for texts, files in self.turns)


class AssistantStep:
    __slots__ = ("attached", "slots", "state_id", "texts")

    def __init__(self, text: str, slots: list[Slot], state_id: str | None, attached: list[parts.Segment]) -> None:
        self.texts = [text] if text else []
        self.slots = slots
        self.state_id = state_id
        self.attached = attached  # its own files: GigaChat takes them from the user only


def said(message: Mapping[str, Any], where: str, *, sees: bool) -> tuple[str, list[Attachment]]:
    """What an assistant message says beside its calls, and the pictures in it.

    Words stand in ``content``, ``refusal`` and OpenAI's ``audio.transcript``, pictures in LiteLLM's ``images`` or,
    by their ids, where :mod:`bridge` put them. What the model cannot be shown again is named: a drawing where it
    does not see (``sees``), as it must not end the conversation, and what is no picture.
    """
    texts = [parts.text_only(message.get("content"), f"{where}.content", "assistant")]
    refusal = message.get("refusal")
    if isinstance(refusal, str):
        texts.append(plain.check_text(refusal, f"{where}.refusal"))
    if message.get("audio") is not None:
        texts.append(_transcript(message["audio"], f"{where}.audio", told=any(texts)))
    drawn: list[Attachment] = []
    pictures = message.get("images")
    if isinstance(pictures, (list, tuple)):
        pictures = [{"type": "image_url", "image_url": one} if isinstance(one, str) else one for one in pictures]
    for segment in [*parts.read(pictures, f"{where}.images"), *_made(message, where, known=bool(pictures))]:
        if isinstance(segment, str):
            texts.append(segment)
        elif sees or segment.kind != "image":
            drawn.append(segment)
        else:
            texts.append(f"[{segment.kind}]")
    return "\n".join(dict.fromkeys(text for text in texts if text)), drawn


def _made(message: Mapping[str, Any], where: str, *, known: bool) -> Iterable[parts.Segment]:
    """Files of an answer of ours that a client kept by id only; ``known``: the pictures stand in ``images`` too."""
    kept = message.get("provider_specific_fields")
    files = kept.get("media") if isinstance(kept, Mapping) else None
    for index, file in enumerate(files if isinstance(files, (list, tuple)) else ()):
        file_id = file.get("file_id") if isinstance(file, Mapping) else None
        if not isinstance(file_id, str) or not file_id:
            continue  # another provider's
        kind = file.get("kind") or "image"
        if kind != "image":
            yield f"[{plain.check_text(str(kind), where)[:40]}]"
        elif not known:
            yield media.from_id(file_id, f"{where}.provider_specific_fields.media[{index}]", kind="image")


def _transcript(audio: Any, where: str, *, told: bool) -> str:
    transcript = plain.mapping(audio, where, "an object").get("transcript")
    if isinstance(transcript, str) and transcript:
        return plain.check_text(transcript, f"{where}.transcript")
    if told:
        return ""
    raise InvalidRequestError(
        where, "is an answer in sound without its words, and GigaChat cannot look it up", "Give audio.transcript."
    )


def thoughts(message: Mapping[str, Any], where: str) -> str:
    """The model's thoughts. They stand for a turn that said nothing else: left out, its neighbours would be joined.

    Thoughts that nobody can read (``redacted_thinking``, encrypted reasoning) are named.
    """
    for word in ("reasoning_content", "reasoning"):
        text = message.get(word)
        if isinstance(text, str) and text:
            return plain.check_text(text, f"{where}.{word}")
    found: list[str] = []
    hidden = ""
    for word, block in _blocks(message):
        text = block.get("thinking") or block.get("text") or _summary(block)
        if isinstance(text, str) and text:
            found.append(plain.check_text(text, f"{where}.{word}"))
        else:
            hidden = HIDDEN
    return "\n".join(dict.fromkeys(found)) or hidden


def _blocks(message: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Blocks of thoughts, wherever clients and LiteLLM keep them."""
    kept = message.get("provider_specific_fields")
    holders = (message, kept) if isinstance(kept, Mapping) else (message,)
    for holder in holders:
        for word in ("thinking_blocks", "reasoning_items", "reasoning_details", "content"):
            blocks = holder.get(word)
            for block in blocks if isinstance(blocks, (list, tuple)) else (blocks,):
                if isinstance(block, Mapping) and (word != "content" or block.get("type") in _THINKING):
                    yield word, block


def _summary(block: Mapping[str, Any]) -> Any:
    """The words of a reasoning item of OpenAI's Responses."""
    told = block.get("summary")
    if not isinstance(told, (list, tuple)):
        return told
    texts = (part.get("text") for part in told if isinstance(part, Mapping))
    return "\n".join(text for text in texts if isinstance(text, str))


def state_of(message: Mapping[str, Any]) -> str | None:
    """The state id a client kept beside the message: ``provider_specific_fields`` or GigaChat's own key."""
    kept = message.get("provider_specific_fields")
    holder = kept if kept is not None and isinstance(kept, Mapping) else message
    found = holder.get("functions_state_id") or holder.get("tools_state_id")
    return found if found and ids.is_state_id(found) else None
