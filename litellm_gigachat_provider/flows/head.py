"""One choice of a stream: what its network reads say, and what is held back for its end. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..answer.finish import StreamFinisher
from ..contracts.codecs import StreamReader
from ..errors import BadAnswerError, GigaChatError
from ..transport import jsonio
from ..types import Delta, Usage

_DONE = "[DONE]"


class Head:
    """One choice of the stream: its events, its reader, its finisher. No I/O of its own."""

    __slots__ = ("events", "failure", "finisher", "index", "reader", "tail", "usage")

    def __init__(self, index: int, events: Any, reader: StreamReader, finisher: StreamFinisher) -> None:
        self.index = index
        self.events = events
        self.reader = reader
        self.finisher = finisher
        self.failure: GigaChatError | None = None  # raised once the text that came before it was taken
        self.usage: Usage | None = None
        self.tail: list[Delta] = []  # from the finish, or the first picture, on: waits for the pictures' bytes

    @property
    def over(self) -> bool:
        """Nothing more is to be read: the finish came, or a stop string was hit."""
        return self.reader.finished or self.finisher.stopped

    def take(self, batch: Iterable[Any]) -> list[Delta]:
        """The finished deltas of one network read, without the finish."""
        deltas: list[Delta] = []
        texts: list[str] = []  # of the run of usual events that is going on
        feed, more_text = self.reader.feed, self.reader.more_text
        try:
            for name, data in batch:
                if data == _DONE:
                    continue
                payload = jsonio.decode(data)
                if type(payload) is not dict:
                    raise BadAnswerError("GigaChat sent a stream event that is not a JSON object")
                text = more_text(name, payload)
                if text is not None:
                    texts.append(text)
                    continue
                _end_run(texts, deltas)
                deltas += feed(name, payload)
        except GigaChatError as failure:
            if not self.reader.finished:  # what follows the finish, even rubbish, changes nothing
                self.failure = failure
        _end_run(texts, deltas)
        return self._split(self.finisher.feed(deltas)) if deltas else deltas

    def check(self) -> None:
        """Raise the failure that came behind the text of the last network read."""
        if self.failure is not None:
            raise self.failure

    def conclude(self) -> list[Delta]:
        """What was held back, with the finish. Raises where the stream was cut."""
        if not self.finisher.stopped:
            self.tail += self._split(self.finisher.feed(self.reader.end()))
        self._split(self.finisher.end(), always=True)
        for delta in self.tail:
            self.usage = delta.usage or self.usage
        return self.tail

    def _split(self, deltas: list[Delta], *, always: bool = False) -> list[Delta]:
        for at, delta in enumerate(deltas):
            if delta.usage is not None:
                self.usage = delta.usage
            if always or self.tail or delta.finish_reason is not None or delta.media:
                self.tail += deltas[at:]
                return deltas[:at]
        return deltas


def _end_run(texts: list[str], deltas: list[Delta]) -> None:
    if texts:
        deltas.append(Delta("".join(texts)))
        texts.clear()
