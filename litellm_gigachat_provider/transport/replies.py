"""What came back, judged by status and shape but not by meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import httpx

from ..errors import BadAnswerError, HttpFailureError
from . import jsonio
from .exchange import MAX_ERROR

_USABLE = ("choices", "messages", "data")


@dataclass(slots=True)
class Reply:
    """An answer with a 2xx status."""

    status: int
    headers: httpx.Headers
    content: bytes

    def json(self) -> Any:
        """The JSON value of the body. Raises BadAnswerError for an empty, cut or HTML body."""
        return jsonio.decode(self.content)


def as_reply(status: int, headers: httpx.Headers, body: bytes, url: str, where: str) -> Reply:
    """Raises HttpFailureError for another status than 2xx, and for an error body under 200."""
    if not 200 <= status < 300:
        raise failure(status, headers, body, url, where)
    error = _error_under_200(headers, body)
    if error is not None:
        raise failure(error, headers, body, url, where)
    return Reply(status, headers, body)


def failure(status: int, headers: httpx.Headers, body: bytes, url: str, where: str) -> HttpFailureError:
    return HttpFailureError(status, body[:MAX_ERROR], headers, url.partition("?")[0], where)


def _error_under_200(headers: httpx.Headers, body: bytes) -> int | None:
    """The status inside a body like ``{"status":429,"message":"Too many requests"}``, which came under 200."""
    if len(body) > MAX_ERROR or b'"status' not in body or b'"message"' not in body or b'"choices"' in body:
        return None
    if "json" not in headers.get("content-type", "json"):
        return None
    try:
        return error_status(jsonio.decode(body))
    except BadAnswerError:
        return None  # the reader of the body will say what is wrong with it


def error_status(data: Any) -> int | None:
    """The HTTP status that an error body names, None for any other value."""
    if not isinstance(data, Mapping) or "message" not in data or any(key in data for key in _USABLE):
        return None
    status = data.get("status") or data.get("status_code")
    if isinstance(status, str) and status.isdecimal():
        status = int(status)
    if isinstance(status, bool) or not isinstance(status, int) or not 400 <= status < 600:
        return None
    return status


def is_event_stream(status: int, headers: httpx.Headers) -> bool:
    kind = headers.get("content-type", "")
    return status == 200 and (not kind or kind.partition(";")[0].strip().lower() == "text/event-stream")


def refuse_stream(status: int, headers: httpx.Headers, body: bytes, url: str) -> NoReturn:
    """Raise for an answer that is no stream of events: by its status, by the status inside it, or as unusable."""
    as_reply(status, headers, body, url, "stream")
    kind = headers.get("content-type", "no content type")[:80]
    raise BadAnswerError(f"GigaChat answered {status} to a stream request with {len(body)} bytes of {kind}, no events")
