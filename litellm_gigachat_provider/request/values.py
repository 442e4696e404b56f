"""Checks of single parameter values: types and ranges, each refusal naming the parameter and the remedy."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import InvalidRequestError
from . import plain


def number(value: Any, where: str) -> float:
    """A finite number; booleans are not numbers, and an int stays an int."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise InvalidRequestError(where, f"must be a number, not {type(value).__name__}")
    result = value if isinstance(value, int) else float(value)
    try:
        finite = math.isfinite(result)
    except OverflowError:
        finite = False
    if not finite:
        raise InvalidRequestError(where, "must be a finite number")
    return result


def integer(value: Any, where: str, *, low: int, high: int = 2**31 - 1) -> int:
    """A whole number within the limits; ``5.0`` is one, ``True`` is none."""
    found = number(value, where)
    if int(found) != found:
        raise InvalidRequestError(where, f"must be an integer, not {found!r}")
    if not low <= found <= high:
        limits = f"at least {low}" if high == 2**31 - 1 and found < low else f"between {low} and {high}"
        raise InvalidRequestError(where, f"must be {limits}, not {str(int(found))[:40]}")
    return int(found)


def boolean(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidRequestError(where, f"must be true or false, not {type(value).__name__}")
    return value


def text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidRequestError(where, "must be a text that is not empty")
    return plain.check_text(value, where)


def texts(value: Any, where: str) -> list[str]:
    if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
        raise InvalidRequestError(where, "must be a list of strings")
    return [text(item, f"{where}[{index}]") for index, item in enumerate(value)]


def record(value: Any, where: str) -> dict[str, Any]:
    """A private copy of a JSON object."""
    if not isinstance(value, Mapping):
        raise InvalidRequestError(where, f"must be an object, not {type(value).__name__}")
    copied = plain.copy(value, where)
    assert isinstance(copied, dict)
    return copied


def one_of(value: Any, where: str, allowed: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise InvalidRequestError(where, f"{str(value)[:40]!r} is not known", f"Use one of {', '.join(allowed)}.")
    return value
