"""The one place that picks a contract: v1 or v2, each a set of pure functions of the same shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ..types import Answer, ChatRequest, Contract, Delta
from . import answer_v1, answer_v2, body_v1, body_v2


class StreamReader(Protocol):
    """Reads the events of one stream. ``end`` raises ``BadAnswerError`` when the stream stopped before its finish."""

    finished: bool

    def feed(self, event: str, payload: Mapping[str, Any]) -> list[Delta]: ...

    def more_text(self, event: str, payload: Mapping[str, Any]) -> str | None:
        """The text of an event that is text and nothing else, taken; None where it is to be fed. Spares a Delta."""

    def end(self) -> list[Delta]: ...


@dataclass(frozen=True, slots=True)
class Codec:
    contract: Contract
    body: Callable[[ChatRequest, Mapping[str, str]], dict[str, Any]]
    read_answer: Callable[[Mapping[str, Any], ChatRequest, str], Answer]
    stream: Callable[[ChatRequest, str], StreamReader]
    where: str  # how failures name the endpoint


CODECS: dict[Contract, Codec] = {
    "v1": Codec("v1", body_v1.body, answer_v1.read_answer, answer_v1.StreamV1, "chat"),
    "v2": Codec("v2", body_v2.body, answer_v2.read_answer, answer_v2.StreamV2, "chat_v2"),
}
