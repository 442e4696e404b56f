"""What the model says next by a test's script, instead of what it would make of the question itself."""

from __future__ import annotations

import copy
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from ..knobs import Fault
from .model import Call, Question, Reply

Scripted = str | Call | Reply | Fault
Wanted = Callable[[Question], object]  # judged by its truth
_ANSWERS: Final = ("status", "empty", "error200")  # the kinds of Fault that are an answer; the others break connections


class ScriptedFaultError(Exception):
    """The script's next answer is an HTTP error."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"scripted {fault.status}")
        self.fault = fault


@dataclass
class _Script:
    answers: deque[Reply | Fault]
    wanted: Wanted


class Scripts:
    """Several may be open at once: the oldest that has an answer left and wants the question gives it."""

    def __init__(self) -> None:
        self._scripts: list[_Script] = []
        self._lock = threading.Lock()

    def add(self, answers: Iterable[Scripted], wanted: Wanted) -> None:
        made = deque(_answer(item) for item in answers)
        with self._lock:
            self._scripts.append(_Script(made, wanted))

    def clear(self) -> None:
        with self._lock:
            self._scripts.clear()

    @property
    def left(self) -> int:
        with self._lock:
            return sum(len(script.answers) for script in self._scripts)

    def reply(self, question: Question) -> Reply | None:
        """The next answer to ``question``, used up; None when no script wants it. ScriptedFaultError: an HTTP error."""
        with self._lock:
            script = next((one for one in self._scripts if one.answers and one.wanted(question)), None)
            if script is None:
                return None
            answer = script.answers.popleft()
            if isinstance(answer, Fault):
                answer.times -= 1
                if answer.times > 0:
                    script.answers.appendleft(answer)
                raise ScriptedFaultError(answer)
            if len(answer.calls) > 1 and not question.parallel:
                script.answers.appendleft(Reply(calls=answer.calls[1:]))
                answer.calls = answer.calls[:1]
            return answer


def _answer(item: Scripted) -> Reply | Fault:
    if isinstance(item, str):
        return Reply(text=item)
    if isinstance(item, Call):
        return Reply(calls=[item])
    if isinstance(item, Fault) and item.kind not in _ANSWERS:
        raise ValueError(f"a script answers, it cannot {item.kind!r}: fail_next does that")
    return copy.deepcopy(item)  # the generation changes what it is given
