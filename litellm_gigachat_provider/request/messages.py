"""OpenAI's conversation -> turns that GigaChat's history rules allow.

What is mended, because nothing is invented or lost: the leading system and developer messages become
one; a later one becomes user text (as the service's own normalisation and the official gateway do);
neighbouring user messages and neighbouring plain assistant messages are joined with a line break;
results find their calls by id, by name, or as the only open call, and stand right behind them; an
assistant message that holds nothing in any of its fields disappears. What the service would refuse otherwise
("every assistant function call must have a result in history") is refused here, before anything is sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import ids
from ..errors import InvalidRequestError
from ..types import AssistantTurn, Call, Kind, ResultTurn, SystemTurn, Turn, UserTurn
from . import parts, plain, results
from .history import AssistantStep, Files, Slot, UserRun, said, state_of, thoughts
from .names import Names

MAX_IMAGES = 10
_NOTHING_KNOWN: Mapping[str, Kind] = {}
_Message = Mapping[str, Any]


def read_messages(
    messages: Any, names: Names, *, sees: bool = True, kinds: Mapping[str, Kind] = _NOTHING_KNOWN
) -> tuple[Turn, ...]:
    """The turns of ``messages`` (a list of dicts or pydantic objects), or InvalidRequestError naming the message.

    ``names`` aliases functions exactly as for the tools of the same request; ``sees``: the model takes pictures;
    ``kinds``: what fetched files are, by ``Attachment.key``.
    """
    if isinstance(messages, (str, bytes, Mapping)) or not isinstance(messages, Sequence):
        raise InvalidRequestError("messages", "must be a list of messages")
    reader = _Reader(names, sees, kinds)
    for index, message in enumerate(messages):
        reader.read(message, f"messages[{index}]")
    return reader.finish()


class _Reader:
    def __init__(self, names: Names, sees: bool, kinds: Mapping[str, Kind]) -> None:
        self._names = names
        self._sees = sees
        self._system: list[str] = []
        self._steps: list[UserRun | AssistantStep] = []
        self._by_id: dict[str, deque[deque[Slot]]] = {}
        self._by_name: dict[str, deque[deque[Slot]]] = {}
        self._open: dict[int, Slot] = {}
        self._known: set[str] = set()
        self._files = Files(kinds)

    def read(self, message: Any, where: str) -> None:
        if type(message) is not dict:
            message = plain.mapping(message, where, "a message object")
        role = message.get("role")
        reader = _ROLES.get(role) if isinstance(role, str) else None
        if reader is None:
            raise InvalidRequestError(
                f"{where}.role", f"{str(role)[:40]!r} is not a role", f"Use one of {', '.join(_ROLES)}."
            )
        reader(self, message, where)

    # --- one method a role ------------------------------------------------------------------------

    def _read_system(self, message: _Message, where: str) -> None:
        text = parts.text_only(message.get("content"), f"{where}.content", "system")
        if not text:
            return
        if self._steps:
            self._user().add([text])
        else:
            self._system.append(text)

    def _read_user(self, message: _Message, where: str) -> None:
        self._user().add(parts.read(message.get("content"), f"{where}.content"))

    def _user(self) -> UserRun:
        last = self._steps[-1] if self._steps else None
        if not isinstance(last, UserRun):
            last = UserRun()
            self._steps.append(last)
        return last

    def _read_assistant(self, message: _Message, where: str) -> None:
        text, drawn = said(message, where, sees=self._sees)
        attached: list[parts.Segment] = []
        names = [self._files.add(file, "your answer before this", attached) for file in drawn]
        state_id = state_of(message)
        slots = self._calls(message, where, state_id)
        if slots:
            self._steps.append(AssistantStep(text, slots, None, attached))
            return
        text = text or "\n".join(f"[{name}]" for name in names) or thoughts(message, where)
        if not text:
            return
        last = self._steps[-1] if self._steps else None
        if isinstance(last, AssistantStep) and not last.slots and (last.state_id is None or state_id is None):
            last.texts.append(text)
            last.attached += attached
            last.state_id = last.state_id or state_id
        else:
            self._steps.append(AssistantStep(text, [], state_id, attached))

    def _calls(self, message: _Message, where: str, state_id: str | None) -> list[Slot]:
        listed = message.get("tool_calls")
        if listed:
            if type(listed) is not list and (isinstance(listed, (str, Mapping)) or not isinstance(listed, Sequence)):
                raise InvalidRequestError(f"{where}.tool_calls", "must be a list")
            slots = [self._tool_call(c, f"{where}.tool_calls[{i}]", state_id, i) for i, c in enumerate(listed)]
        elif message.get("function_call"):
            at = f"{where}.function_call"
            function = plain.mapping(message["function_call"], at, "an object with name and arguments")
            slots = [self._slot("", function, at, state_id)]
        else:
            return []
        for index, key in ((self._by_id, "id"), (self._by_name, "name")):
            self._index(index, slots, key)
        self._open.update((id(slot), slot) for slot in slots)
        return slots

    def _index(self, index: dict[str, deque[deque[Slot]]], slots: list[Slot], key: str) -> None:
        """The calls of one turn under their key: the latest turn first, within a turn in order."""
        if len(slots) == 1:  # nearly always
            value = slots[0].call.id if key == "id" else slots[0].name
            if value:
                index.setdefault(value, deque()).append(deque(slots))
                if key == "id":
                    self._known.add(value)
            return
        fresh: dict[str, deque[Slot]] = {}
        for slot in slots:
            value = slot.call.id if key == "id" else slot.name
            if value:
                fresh.setdefault(value, deque()).append(slot)
        for value, queue in fresh.items():
            index.setdefault(value, deque()).append(queue)
        if key == "id":
            self._known.update(fresh)

    def _tool_call(self, call: Any, where: str, state_id: str | None, index: int) -> Slot:
        if type(call) is not dict:
            call = plain.mapping(call, where, "a tool call object")
        kind = call.get("type")
        if kind not in (None, "function"):
            raise InvalidRequestError(
                f"{where}.type", f"{str(kind)[:40]!r} calls cannot be sent to GigaChat", "Only function calls can."
            )
        function = plain.mapping(call.get("function"), f"{where}.function", "an object with name and arguments")
        call_id = call.get("id")
        if call_id is not None and not isinstance(call_id, str):
            raise InvalidRequestError(f"{where}.id", "must be a string")
        own = ids.state_of(call_id) or (state_id if index == 0 else None)
        return self._slot(call_id or "", function, f"{where}.function", own)

    def _slot(self, call_id: str, function: _Message, where: str, state_id: str | None) -> Slot:
        name = function.get("name")
        if not isinstance(name, str) or not name:
            raise InvalidRequestError(f"{where}.name", "must be the name of the function that was called")
        plain.check_text(name, f"{where}.name")
        arguments = results.arguments(function.get("arguments"), f"{where}.arguments")
        return Slot(Call(call_id, self._names.wire(name), arguments, state_id), name, where)

    def _read_result(self, message: _Message, where: str) -> None:
        slot = self._find(message, where)
        slot.done = True
        del self._open[id(slot)]
        content = message.get("content")
        files: list[str] = []
        if isinstance(content, (list, tuple)):
            content = self._result_parts(content, f"{where}.content", slot, files)
        slot.result = results.result(content, f"{where}.content")
        if files:
            slot.result = results.with_files(slot.result, files)

    def _result_parts(self, content: Sequence[Any], where: str, slot: Slot, files: list[str]) -> Any:
        """Text parts joined; files go to a user turn behind the results, the only place for them.

        Both name them (``files`` is filled): otherwise the model sees an empty result and, from the user, a file
        without a word.
        """
        if not all(isinstance(p, str) or (isinstance(p, Mapping) and isinstance(p.get("type"), str)) for p in content):
            return content  # a list that is data, not parts
        texts: list[str] = []
        for segment in parts.read(content, where):
            if isinstance(segment, str):
                texts.append(segment)
                continue
            files.append(self._files.add(segment, f"the result of the tool {slot.call.name}", slot.attached))
        return "\n".join(texts)

    # --- a result finds its call -------------------------------------------------------------------

    def _find(self, message: _Message, where: str) -> Slot:
        call_id = message.get("tool_call_id")
        if call_id:
            found = self._pop(self._by_id, call_id) if isinstance(call_id, str) else None
            if found is None:
                raise self._orphan(call_id, where)
            return found
        name = message.get("name")
        if isinstance(name, str) and name:
            found = self._pop(self._by_name, name)
            if found is not None:
                return found
        elif len(self._open) == 1:
            return next(iter(self._open.values()))
        problem = f"is a function result without a call before it (name {str(name)[:60]!r}, no tool_call_id)"
        if self._open and not name:
            problem = f"does not say which of the {len(self._open)} open calls it answers"
        raise InvalidRequestError(
            where, problem, "Give tool_call_id, and keep the assistant message that made the call."
        )

    def _orphan(self, call_id: object, where: str) -> InvalidRequestError:
        problem = "answers a call that is answered already" if call_id in self._known else "has no call before it"
        return InvalidRequestError(
            f"{where}.tool_call_id",
            f"{str(call_id)[:80]!r} {problem}",
            "Keep the assistant message with that tool call, and one result for each call.",
        )

    def _pop(self, index: dict[str, deque[deque[Slot]]], key: str) -> Slot | None:
        queues = index.get(key)
        while queues:
            latest = queues[-1]
            while latest:
                slot = latest.popleft()
                if not slot.done:
                    return slot
            queues.pop()
        return None

    # --- the end --------------------------------------------------------------------------------------

    def finish(self) -> tuple[Turn, ...]:
        if self._open:
            slot = next(iter(self._open.values()))
            raise InvalidRequestError(
                slot.where,
                f"the call of {slot.name[:80]!r} has no result in the messages that follow",
                "Add a message of role tool with its tool_call_id, or drop the call: GigaChat refuses open calls.",
            )
        turns = self._turns()
        system = "\n".join(self._system)
        if not turns:
            if not system:
                raise InvalidRequestError("messages", "holds nothing to answer", "Give at least one user message.")
            # The service itself turns a lone system message into a user one.
            return (UserTurn(system),)
        users = [turn for turn in turns if isinstance(turn, UserTurn) and turn.attachments]
        for turn in users:
            turn.attachments = tuple(map(self._files.settled, turn.attachments))
        images = [a for turn in users for a in turn.attachments if a.kind == "image"]
        if len(images) > MAX_IMAGES:
            raise InvalidRequestError(
                images[MAX_IMAGES].where,
                f"is image {MAX_IMAGES + 1} of the conversation, and GigaChat takes {MAX_IMAGES} a request",
                "Leave out images of earlier turns.",
            )
        return (SystemTurn(system), *turns) if system else tuple(turns)

    def _turns(self) -> list[Turn]:
        """Steps with the results behind their calls, and files of results and of answers as user content."""
        turns: list[Turn] = []
        user: UserRun | None = None
        for step in self._steps:
            if isinstance(step, UserRun):
                user = step if user is None else user.join(step)
                continue
            if user is not None:
                turns.extend(user.finished())
                user = None
            slots = step.slots
            text = step.texts[0] if len(step.texts) == 1 else "\n".join(step.texts)
            turns.append(AssistantTurn(text, tuple([slot.call for slot in slots]), step.state_id))
            for slot in slots:
                turns.append(ResultTurn(slot.call, *slot.result))
            attached = [*step.attached, *(segment for slot in slots for segment in slot.attached)]
            if attached:
                user = UserRun()
                user.add(attached)
        if user is not None:
            turns.extend(user.finished())
        return turns


_ROLES: dict[str, Callable[[_Reader, _Message, str], None]] = {
    "system": _Reader._read_system,
    "developer": _Reader._read_system,
    "user": _Reader._read_user,
    "assistant": _Reader._read_assistant,
    "tool": _Reader._read_result,
    "function": _Reader._read_result,
}
