"""Every failure this package can meet, and the one table that turns it into ``litellm.exceptions.*``.

The classes here are what ``settings``, ``mapping`` and ``transport`` raise: plain data, no LiteLLM.
``provider`` is the only caller of :func:`to_litellm`, so a user only ever sees LiteLLM's own
exception types, with ``response=`` filled in (``Retry-After`` survives there) and the cause chained.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

PROVIDER = "gigachat"


class GigaChatError(Exception):
    """Base of all failures raised below ``provider``. The text never contains a secret."""


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


@dataclass
class HttpFailureError(GigaChatError):
    """An answer whose status, or whose error body under status 200, says that the call failed.

    ``status`` is the effective HTTP status (the body's own for an error under 200), ``body`` at most
    the first 64 KiB, ``url`` without query string, ``where`` one of ``chat``, ``stream``, ``oauth``,
    ``files``, ``embeddings``, ``models``.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    where: str = "chat"

    def __post_init__(self) -> None:
        Exception.__init__(self, self.describe())

    def describe(self) -> str:
        return f"GigaChat answered {self.status} to {self.where}: {self.service_message()}"

    def service_message(self) -> str:
        """The service's own words: the JSON ``message``, or a short plain-text reading of an HTML page."""
        return read_message(self.body)


class TimeoutFailureError(GigaChatError):
    """Connect, read or whole-call limit passed. Becomes ``Timeout``."""


class ConnectionFailureError(GigaChatError):
    """Refused, reset, DNS, TLS or protocol trouble. Becomes ``APIConnectionError``."""


class BadAnswerError(GigaChatError):
    """A 200 that cannot be used: empty, truncated, not JSON, a cut stream. Becomes ``APIConnectionError`` (retryable)."""


class ModelOutputError(GigaChatError):
    """The model itself failed: finish reason ``error``, or a reply that breaks the asked JSON schema.

    Becomes ``InternalServerError`` (retryable), or ``JSONSchemaValidationError`` where ``schema`` is set.
    """

    def __init__(self, message: str, *, raw: str = "", schema: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.raw = raw
        self.schema = schema
