"""Time limits as they are given, per call and in the constructor."""

from __future__ import annotations

from typing import Any

import httpx

from ..errors import InvalidRequestError

DEFAULT_TIMEOUT = 600.0  # seconds; what LiteLLM itself hands to a custom provider
MAX_TIMEOUT = 24 * 3600.0  # seconds; "timestamp out of range for platform time_t" says a socket of float("inf")


def plain(timeout: Any) -> Any:
    """``httpx.Timeout`` as the seconds of its ``read``; everything else as it is."""
    if not isinstance(timeout, httpx.Timeout):
        return timeout
    return MAX_TIMEOUT if timeout.read is None else timeout.read


def seconds(timeout: Any, default: float = DEFAULT_TIMEOUT) -> float:
    """``timeout`` as seconds; what is longer than a day is a day. Raises ``InvalidRequestError`` for nan and <= 0."""
    if timeout is None:
        return default
    timeout = plain(timeout)
    try:
        given = float(timeout)
    except OverflowError:  # a whole number beyond every float
        given = MAX_TIMEOUT
    except (TypeError, ValueError):
        raise InvalidRequestError("timeout", f"{timeout!r} is not a number of seconds") from None
    if not given > 0:
        raise InvalidRequestError("timeout", f"must be greater than 0 seconds, got {given:g}")
    return min(given, MAX_TIMEOUT)
