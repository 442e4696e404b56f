"""Every failure this package can meet: plain data, no LiteLLM.

A user only ever sees what ``bridge.exceptions`` makes of them at the doors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class GigaChatError(Exception):
    """Base of all failures raised below the doors. The text never contains a secret."""

    def __copy__(self) -> GigaChatError:
        """An exception of one's own for each who waited: one object would mix up their tracebacks."""
        twin = type(self).__new__(type(self), *self.args)
        twin.__dict__.update(self.__dict__)
        return twin


class InvalidRequestError(GigaChatError):
    """The caller's input cannot be sent. Becomes ``BadRequestError``.

    ``field`` is the path of the offending input (``messages[2].tool_calls[0]``), ``remedy`` what to do.
    """

    def __init__(self, field: str, problem: str, remedy: str = "") -> None:
        self.field = field
        self.problem = problem
        self.remedy = remedy
        text = f"{field}: {problem}"
        if remedy:
            text = f"{text}. {remedy}"
        super().__init__(text)


class UnsupportedParamError(InvalidRequestError):
    """A parameter GigaChat has no counterpart for, and ``drop_params`` is off. Becomes ``UnsupportedParamsError``."""


class ContextWindowError(InvalidRequestError):
    """The input is known to exceed the model's context. Becomes ``ContextWindowExceededError``."""


class CredentialsError(GigaChatError):
    """No usable credential, or the OAuth server refused it for good. Becomes ``AuthenticationError``."""


# What was asked where, in the words of those who read of its failure.
ASKED = {
    **dict.fromkeys(("chat", "stream", "chat_v2"), "a chat request"),
    "embeddings": "an embeddings request",
    "files": "a file request",
    "models": "the request for its models",
    "tokens": "the request to count tokens",
    "balance": "the request for the balance",
    "batches": "a batch request",
    "ai_check": "the request to check a text",
    "account": "a request about the account",
    "oauth": "the request for an access token",
}


@dataclass(eq=False)
class HttpFailureError(GigaChatError):
    """An answer whose status, or whose error body under status 200, says that the call failed.

    ``status`` is the effective HTTP status (the body's own for an error under 200), ``body`` at most
    the first 64 KiB, ``url`` without query string, ``where`` one of ``ASKED``.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    where: str = "chat"

    def __post_init__(self) -> None:
        Exception.__init__(self, self.describe())

    def describe(self) -> str:
        return f"GigaChat answered {self.status} to {ASKED.get(self.where, self.where)}: {self.service_message()}"

    def service_message(self) -> str:
        """The service's own words: the JSON ``message``, or a short plain-text reading of an HTML page."""
        return read_message(self.body)


class TimeoutFailureError(GigaChatError):
    """Connect, read or whole-call limit passed. Becomes ``Timeout``."""


class ConnectionFailureError(GigaChatError):
    """Refused, reset, DNS, TLS or protocol trouble. Becomes ``APIConnectionError``."""


class BadAnswerError(GigaChatError):
    """A 200 that cannot be used: empty, cut short, not JSON. Becomes ``APIConnectionError`` (retryable)."""


class ModelOutputError(GigaChatError):
    """The model itself failed: finish reason ``error``, or a reply that breaks the asked JSON schema.

    Becomes ``InternalServerError`` (retryable), or ``JSONSchemaValidationError`` where ``schema`` is set.
    """

    def __init__(self, message: str, *, raw: str = "", schema: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.raw = raw
        self.schema = schema


# --- reading error bodies ----------------------------------------------------------------------------

_TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_MESSAGE_LIMIT = 600


def read_message(body: bytes) -> str:
    """The words of an error body in one line: JSON ``message``, HTML without its tags, or plain text."""
    if not body.strip():
        return "(empty body)"
    text = body[:65536].decode("utf-8", "replace")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if isinstance(data, dict):
        words = data.get("message") or data.get("error_description") or data.get("error") or data.get("detail")
        if isinstance(words, dict):
            words = words.get("message") or words
        text = str(words) if words else text
    elif text.lstrip().startswith("<"):
        text = "HTML page: " + _TAGS.sub(" ", text)
    text = " ".join(text.split())
    return text if len(text) <= _MESSAGE_LIMIT else text[:_MESSAGE_LIMIT] + "…"
