"""Copies of pydantic objects by their state, for objects that are made with every call or chunk.

Pydantic keeps an object's state in four slots. That these may be copied is promised by nobody: whoever copies
compares copies with constructed objects first, once per process, and constructs where they differ.
"""

from __future__ import annotations

from typing import Any

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
