"""Arguments and results of function calls in history, as the objects GigaChat wants.

Live, arguments given as text are refused ("Your request contains invalid JSON syntax."), and a result
that is not JSON too ("invalid function result for function <name> json string ..."): both must be
JSON objects.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidRequestError
from . import plain

_NESTED = 3  # how often text inside text is unwrapped: clients encode twice, seldom thrice
_LITERAL_LIMIT = 100_000
_LITERAL_STARTS = ("{", "[", "(", "T", "F", "N")


def arguments(value: Any, where: str) -> Mapping[str, Any]:
    """``tool_calls[].function.arguments`` as an object: JSON text, a mapping, or nothing (``{}``)."""
    for _ in range(_NESTED):
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return _object(value, where)
        if not isinstance(value, str):
            break
        if not value.strip():
            return {}
        plain.check_text(value, where)
        try:
            value = plain.parse(value)
        except plain.NotJsonError as error:
            raise _bad_arguments(where, f"is not a JSON object ({error})") from error
        if isinstance(value, dict):
            return value
    if value is None:
        return {}
    raise _bad_arguments(where, f"must be a JSON object, not {type(value).__name__}")


def _object(value: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    copied = plain.copy(value, where)
    assert isinstance(copied, dict)
    return copied


def _bad_arguments(where: str, problem: str) -> InvalidRequestError:
    return InvalidRequestError(
        where, problem, "GigaChat takes the arguments of earlier calls as an object only: correct or drop that turn."
    )


def result(value: Any, where: str) -> Mapping[str, Any]:
    """The content of a tool message as an object.

    Nothing is ``{}``; an object, also as JSON text (up to three times encoded) or as a Python literal,
    is itself; any other value ``x``, plain text above all, is ``{"result": x}``.
    """
    if value is None or value == "":
        return {}
    if isinstance(value, Mapping):
        return _object(value, where)
    if not isinstance(value, str):
        return {"result": plain.copy(value, where)}
    plain.check_text(value, where)
    found = _decoded(value)
    return found if isinstance(found, dict) else {"result": found}


def _decoded(text: str) -> Any:
    first: Any = None
    value: Any = text
    for level in range(_NESTED):
        try:
            value = plain.parse(value)
        except plain.NotJsonError:
            value = _literal(value)
        if level == 0:
            first = value
        if not isinstance(value, str):
            break
    # Text inside text is unwrapped for the sake of structure only: '"42"' stays the text "42".
    return value if isinstance(value, (dict, list)) else first


def _literal(text: str) -> Any:
    """The Python literal of ``text`` if it is one JSON can carry (``str()`` of a tool's dict), else ``text``."""
    if len(text) > _LITERAL_LIMIT or not text.lstrip().startswith(_LITERAL_STARTS):
        return text
    try:
        value = ast.literal_eval(text.strip())
        return plain.copy(value, "result")
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError, InvalidRequestError):
        return text
