"""The steps of a conversation while it is read: runs of user content, assistant turns, calls on their way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..types import Attachment, Call, UserTurn
from . import parts
from .results import Result

_NOTHING = Result({})


def label(attachment: Attachment, number: int) -> str:
    """What a file is called in words, in a result and where it is attached: ``image 1 (shot.png)``."""
    name = " ".join((attachment.filename or "").encode("utf-8", "replace").decode().split())[:100]
    return f"{attachment.kind} {number} ({name})" if name else f"{attachment.kind} {number}"


class Slot:
    """One call of the history on its way to its result."""

    __slots__ = ("attached", "call", "done", "name", "result", "where")

    def __init__(self, call: Call, name: str, where: str) -> None:
        self.call = call
        self.name = name
        self.where = where
        self.done = False
        self.result = _NOTHING
        self.attached: list[parts.Segment] = []  # its files, each behind the words that say where it is from


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
    __slots__ = ("slots", "state_id", "texts")

    def __init__(self, text: str, slots: list[Slot], state_id: str | None) -> None:
        self.texts = [text] if text else []
        self.slots = slots
        self.state_id = state_id
