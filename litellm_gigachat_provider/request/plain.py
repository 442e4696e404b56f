"""Plain JSON data: checked copies, parsing and text that can really be encoded.

Everything the caller hands in passes through here once, so that nothing later can meet a lone
surrogate, a NaN, a cycle or a structure deep enough to exhaust the interpreter's stack.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from ..errors import InvalidRequestError

MAX_DEPTH = 200


class NotJsonError(ValueError):
    """The text is not JSON, or is JSON that cannot be sent on."""


def _refuse_constant(name: str) -> NoReturn:
    raise NotJsonError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise NotJsonError(f"{text[:20]} is out of range")
    return value


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=lambda value: _model(value))


def _model(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    if callable(dump) and not isinstance(value, type):
        return dump(exclude_none=True)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def check_text(value: str, where: str) -> str:
    """``value`` itself, or InvalidRequestError where UTF-8 cannot carry it (lone surrogates)."""
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InvalidRequestError(
                where,
                f"character {error.start} is a lone surrogate, which UTF-8 cannot carry",
                "Clean the text, for example text.encode('utf-8', 'replace').decode().",
            ) from error
    return value


def too_deep(value: Any, limit: int = MAX_DEPTH) -> bool:
    """Whether containers nest deeper than ``limit``; walks level by level, so depth costs no stack."""
    level = [value]
    for _ in range(limit + 1):
        level = [
            child
            for item in level
            if isinstance(item, (Mapping, list, tuple))
            for child in (item.values() if isinstance(item, Mapping) else item)
            if isinstance(child, (Mapping, list, tuple))
        ]
        if not level:
            return False
    return True


def _deep_text(text: str) -> bool:
    """A cheap upper bound first: fewer brackets than the limit cannot nest deeper than it."""
    return text.count("{") + text.count("[") > MAX_DEPTH


def parse(text: str) -> Any:
    """The JSON value of ``text``; NotJsonError for anything that could not be sent on again."""
    try:
        bare = text.strip(" \t\n\r")
        value, end = _DECODER.raw_decode(bare)
        if end != len(bare):
            _DECODER.decode(text)  # raises, and says what follows the value
    except NotJsonError:
        raise
    except RecursionError as error:
        raise NotJsonError("nested too deeply") from error
    except ValueError as error:
        raise NotJsonError(str(error)) from error
    if _deep_text(text) and too_deep(value):
        raise NotJsonError(f"nested deeper than {MAX_DEPTH} levels")
    if "\\u" in text:  # only an escape can smuggle a surrogate past the check of the text itself
        try:
            _ENCODER.encode(value).encode("utf-8")
        except UnicodeEncodeError as error:
            raise NotJsonError("contains a lone surrogate") from error
    return value


def dump(value: Any, where: str) -> str:
    """Compact-enough JSON text of the caller's ``value``; InvalidRequestError naming ``where`` otherwise."""
    try:
        text = _ENCODER.encode(value)
    except RecursionError as error:
        raise InvalidRequestError(where, f"is nested deeper than {MAX_DEPTH} levels") from error
    except (TypeError, ValueError) as error:
        raise InvalidRequestError(where, f"cannot be written as JSON ({str(error)[:200]})") from error
    if _deep_text(text) and too_deep(value):
        raise InvalidRequestError(where, f"is nested deeper than {MAX_DEPTH} levels")
    return check_text(text, where)


def copy(value: Any, where: str) -> Any:
    """A private, plain copy of the caller's JSON-like ``value``."""
    return json.loads(dump(value, where))


def mapping(value: Any, where: str, what: str) -> Mapping[str, Any]:
    """``value`` seen as a mapping: dicts as they are, pydantic objects dumped, anything else refused."""
    if type(value) is dict or isinstance(value, Mapping):  # the exact type first: it is nearly always that
        return value
    if not isinstance(value, type):
        method = getattr(value, "model_dump", None)
        if callable(method):
            dumped = method(exclude_none=True)
            if isinstance(dumped, Mapping):
                return dumped
    raise InvalidRequestError(where, f"must be {what}, not {type(value).__name__}")
