"""Arguments and results of function calls in history, as the objects GigaChat wants.

Live, arguments given as text are refused ("Your request contains invalid JSON syntax."), and a result
that is not JSON too ("invalid function result for function <name> json string ..."): both must be
JSON objects.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from ..contracts.body_common import TO_JSON
from ..errors import InvalidRequestError
from . import plain

_KEPT = 4096  # characters; longer texts are read anew each time
_NESTED = 3  # how often text inside text is unwrapped: clients encode twice, seldom thrice
_LITERAL_LIMIT = 100_000
_LITERAL_STARTS = ("{", "[", "(", "T", "F", "N")


class Result(NamedTuple):
    """A result as an object, and as the JSON text of it where that is known."""

    value: Mapping[str, Any]
    text: str | None = None


def arguments(value: Any, where: str) -> Mapping[str, Any]:
    """``tool_calls[].function.arguments`` as an object: JSON text, a mapping, or nothing (``{}``).

    Not to be changed: agents send their whole history with every call, so what was read is kept: a tenth of a call
    with 100 messages.
    """
    if type(value) is str and len(value) <= _KEPT:
        known = _known_arguments(value)
        if known is not None:
            return known
    return _arguments(value, where)


@lru_cache(maxsize=1024)
def _known_arguments(text: str) -> Mapping[str, Any] | None:
    try:
        return _arguments(text, "")
    except InvalidRequestError:
        return None  # to be told where it stands


def _arguments(value: Any, where: str) -> Mapping[str, Any]:
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


def result(value: Any, where: str) -> Result:
    """The content of a tool message as an object. Not to be changed, as with :func:`arguments`.

    Nothing is ``{}``; an object, also as JSON text (up to three times encoded) or as a Python literal,
    is itself; any other value ``x``, plain text above all, is ``{"result": x}``.
    """
    if type(value) is str and len(value) <= _KEPT:
        known = _known_result(value)
        if known is not None:
            return known
    return Result(_result(value, where))


@lru_cache(maxsize=1024)
def _known_result(text: str) -> Result | None:
    try:
        found = _result(text, "")
    except InvalidRequestError:
        return None
    return Result(found, TO_JSON(found))


def with_files(found: Result, files: list[str]) -> Result:
    """``found`` that also names the files which came with it."""
    value = {"result": found.value} if "files" in found.value else found.value
    return Result({**value, "files": files})


def _result(value: Any, where: str) -> Mapping[str, Any]:
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
