"""``ModelResponseStream`` objects for plain text, copied from one that LiteLLM's constructor made.

The constructor costs some 60 µs, a copy of its outcome a tenth of that: of a chunk that comes alone, a fifth. Pydantic
keeps an object's state in four slots. That these may be copied is promised by nobody: once per process copies are
compared with constructed objects, and if they differ in anything the constructor is used from then on.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from litellm.types.utils import Delta, ModelResponseStream, StreamingChoices

_set = object.__setattr__
_SLOTS = ("__dict__", "__pydantic_extra__", "__pydantic_fields_set__", "__pydantic_private__")
State = tuple[dict[str, Any], dict[str, Any], set[str], "dict[str, Any] | None"]


def state(thing: Any) -> State:
    return thing.__dict__, thing.__pydantic_extra__ or {}, thing.__pydantic_fields_set__, thing.__pydantic_private__


def fill(
    thing: Any, fields: dict[str, Any], extra: dict[str, Any], names: set[str], private: dict[str, Any] | None
) -> None:
    _set(thing, "__dict__", fields)
    _set(thing, "__pydantic_extra__", extra)
    _set(thing, "__pydantic_fields_set__", names.copy())
    # `_hidden_params` lives here and is written to by LiteLLM: every chunk needs its own.
    own = private and {key: value.copy() if isinstance(value, dict) else value for key, value in private.items()}
    _set(thing, "__pydantic_private__", own)


def same(ours: Any, theirs: Any) -> bool:
    """Equality of type and of every slot, all the way down (pydantic's own `==` overlooks some)."""
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, dict):
        return list(ours) == list(theirs) and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if hasattr(ours, "__pydantic_fields_set__"):
        return all(same(getattr(ours, slot), getattr(theirs, slot)) for slot in _SLOTS)
    return bool(ours == theirs)


_CASES = (
    ("text", None, "assistant", 0),
    ("text", None, None, 1),
    (None, "idea", None, 0),
    ("", "idea", "assistant", 2),
)


class ChunkMaker:
    """Makes the text chunks of one stream."""

    __slots__ = ("_head", "_plain", "_thought", "fingerprint")

    def __init__(self, response_id: str, created: int, model: str) -> None:
        self._head: dict[str, Any] = {"id": response_id, "created": created, "model": model}
        self.fingerprint: str | None = None  # the build that answers, once it is known
        self._plain, self._thought = _templates()

    def text(self, content: str | None, reasoning: str | None, role: str | None, index: int) -> ModelResponseStream:
        """A chunk with text or reasoning for choice ``index``."""
        template = self._thought if reasoning is not None else self._plain
        if template is None:
            return _build(self._head, self.fingerprint, content, reasoning, role, index)
        return template.copy(self._head, self.fingerprint, content, reasoning, role, index)


class _Template:
    """The state of a constructed chunk, taken apart."""

    __slots__ = ("_choice", "_delta", "_root")

    def __init__(self, *, thought: bool) -> None:
        root = _build({"id": "", "created": 0, "model": ""}, "", None, "" if thought else None, None, 0)
        choice = root.choices[0]
        self._root, self._choice, self._delta = state(root), state(choice), state(choice.delta)

    def copy(
        self,
        head: dict[str, Any],
        fingerprint: str | None,
        content: str | None,
        reasoning: str | None,
        role: str | None,
        index: int,
    ) -> ModelResponseStream:
        fields, extra, names, private = self._delta
        delta: Delta = Delta.__new__(Delta)
        fields = fields.copy()
        if reasoning is not None:
            fields["reasoning_content"] = reasoning
        extra = extra.copy()
        extra["content"] = content
        extra["role"] = role
        fill(delta, fields, extra, names, private)

        fields, extra, names, private = self._choice
        choice: StreamingChoices = StreamingChoices.__new__(StreamingChoices)
        extra = extra.copy()
        extra["index"] = index
        extra["delta"] = delta
        fill(choice, fields.copy(), extra, names, private)

        fields, extra, names, private = self._root
        root: ModelResponseStream = ModelResponseStream.__new__(ModelResponseStream)
        fields = fields.copy()
        fields.update(head)
        fields["system_fingerprint"] = fingerprint
        fields["choices"] = [choice]
        fill(root, fields, extra.copy(), names, private)
        return root


def _build(
    head: dict[str, Any],
    fingerprint: str | None,
    content: str | None,
    reasoning: str | None,
    role: str | None,
    index: int,
) -> ModelResponseStream:
    """The same chunk by LiteLLM's own constructor."""
    delta = Delta(content=content, role=role, reasoning_content=reasoning)
    choices = [StreamingChoices(index=index, delta=delta)]
    return ModelResponseStream(**head, choices=choices, system_fingerprint=fingerprint)


@lru_cache(maxsize=1)
def _templates() -> tuple[_Template | None, _Template | None]:
    """Both templates, or None twice where a copy is not what LiteLLM would have made."""
    try:
        plain, thought = _Template(thought=False), _Template(thought=True)
        faithful = all(_same_as_built(thought if case[1] is not None else plain, case) for case in _CASES)
    except (AttributeError, KeyError, TypeError, ValueError):  # another layout of LiteLLM's or pydantic's objects
        faithful = False
    return (plain, thought) if faithful else (None, None)


def _same_as_built(template: _Template, case: tuple[str | None, str | None, str | None, int]) -> bool:
    head = {"id": "chatcmpl-1", "created": 7, "model": "GigaChat"}
    ours, theirs = template.copy(head, "build", *case), _build(head, "build", *case)
    return same(ours, theirs) and ours.model_dump_json() == theirs.model_dump_json()
