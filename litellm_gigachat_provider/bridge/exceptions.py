"""The one table that turns our failures into ``litellm.exceptions.*``.

A user only ever sees LiteLLM's own exception types, with ``response=`` filled in (``Retry-After`` survives there)
and our failure chained as the cause.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx
from litellm import exceptions as litellm_errors

from ..errors import (
    BadAnswerError,
    ConnectionFailureError,
    ContextWindowError,
    CredentialsError,
    GigaChatError,
    HttpFailureError,
    InvalidRequestError,
    ModelOutputError,
    TimeoutFailureError,
    UnsupportedParamError,
)
from ..watch import counters, logs
from .metadata import PROVIDER

# The service has no error codes for these two; LiteLLM's Router picks fallbacks by exception class only
# (it does not read texts for custom providers), so the words decide here.
_CONTEXT_WORDS = re.compile(
    r"context (length|window|size)|too many tokens|token limit|exceed\w* .{0,40}(context|tokens)|tokens? .{0,20}exceed"
    r"|превышен\w* .{0,30}(контекст|токен)|payload too large|prompt is too long",
    re.IGNORECASE,
)
_CONTENT_WORDS = re.compile(r"blacklist|profanity|censor|content policy|content filter", re.IGNORECASE)

_REFUSED_TWICE = (
    "The token was renewed once and refused again: check the key, the scope and that the host belongs to it"
)
_OTHER_HOST = "Ask `litellm-gigachat models` which models this host has; hosts carry different generations"
_QUEUE_HERE = (
    "A personal key (PERS) gets one generation at a time: set GIGACHAT_MAX_CONCURRENCY=1 to queue here instead"
)
_NO_SUCH_TOOL = "This host has no built-in tool of that name: leave it out"
_USE_V1 = "The v2 contract is not available here: use api_version='v1' (or GIGACHAT_API_VERSION=v1)"

# What to add to the service's own words; first match wins. (status, where or None, words or None, remedy)
_REMEDIES: tuple[tuple[int, str | None, str | None, str], ...] = (
    (401, "chat", None, _REFUSED_TWICE),
    (402, None, None, "The token package of this key is used up; buy or wait for a new one at developers.sber.ru"),
    (403, "chat_v2", None, _USE_V1),
    (404, "chat_v2", "html|not found|no route", _USE_V1),
    (403, "files", None, "A file belongs to the account and the X-Client-ID that uploaded it"),
    (403, "balance", None, "An account that pays as it goes has no package to show the balance of"),
    (403, None, None, "The tariff of this key does not include this model or method"),
    (404, None, "no such model", _OTHER_HOST),
    (404, None, "unknown tool", _NO_SUCH_TOOL),
    (404, None, None, "Check GIGACHAT_BASE_URL: it ends in /v1"),
    (413, None, None, "The prompt and the answer share the model's context: shorten the input"),
    (422, None, "does not support functions", "Choose a model with functions, e.g. GigaChat-2-Max"),
    (429, None, None, _QUEUE_HERE),
)


def _remedy(failure: HttpFailureError) -> str:
    words = failure.service_message()
    for status, where, pattern, remedy in _REMEDIES:
        where_fits = where is None or failure.where == where or (where == "chat" and failure.where == "stream")
        if status == failure.status and where_fits and (pattern is None or re.search(pattern, words, re.IGNORECASE)):
            return remedy
    return ""


def _class_name(failure: HttpFailureError) -> str:
    status, words = failure.status, failure.service_message()
    if failure.where in {"chat", "stream", "chat_v2", "embeddings"} and status in {400, 413, 422}:
        if status == 413 or _CONTEXT_WORDS.search(words):
            return "ContextWindowExceededError"
        if _CONTENT_WORDS.search(words):
            return "ContentPolicyViolationError"
    if failure.where == "oauth" and 400 <= status < 500 and status not in {408, 429}:
        return "AuthenticationError"
    return _BY_STATUS.get(status) or (
        "InternalServerError" if status >= 500 else "BadRequestError" if status >= 400 else "APIConnectionError"
    )


_BY_STATUS = {
    400: "BadRequestError",
    401: "AuthenticationError",
    402: "PaymentRequiredError",  # LiteLLM before 1.106 has no such class: BadRequestError there
    403: "PermissionDeniedError",
    404: "NotFoundError",
    408: "Timeout",
    413: "BadRequestError",
    422: "BadRequestError",
    429: "RateLimitError",
    500: "InternalServerError",
    502: "ServiceUnavailableError",
    503: "ServiceUnavailableError",
    504: "Timeout",
}

# (our class, LiteLLM's class, HTTP status a proxy answers with); first isinstance match wins.
_BY_CLASS: tuple[tuple[type[GigaChatError], str, int], ...] = (
    (UnsupportedParamError, "UnsupportedParamsError", 400),
    (ContextWindowError, "ContextWindowExceededError", 400),
    (InvalidRequestError, "BadRequestError", 400),
    (CredentialsError, "AuthenticationError", 401),
    (TimeoutFailureError, "Timeout", 408),
    (ConnectionFailureError, "APIConnectionError", 500),
    (BadAnswerError, "APIConnectionError", 500),
    (ModelOutputError, "InternalServerError", 500),
)

# Headers that describe the body we no longer have, or that could carry a secret back.
_DROPPED_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding", "set-cookie", "connection"})


def to_litellm(failure: GigaChatError, model: str) -> Exception:
    """The ``litellm.exceptions`` instance for ``failure``, counted and logged; the caller raises it ``from failure``.

    Every result has ``llm_provider``, ``model``, ``status_code`` and, where LiteLLM's class takes one,
    ``response`` with GigaChat's own status and headers.
    """
    error = _translated(failure, model)
    kind = type(error).__name__
    counters.failed(kind)
    logs.failed(failure, kind)
    return error


def _translated(failure: GigaChatError, model: str) -> Exception:
    if isinstance(failure, HttpFailureError):
        remedy = _remedy(failure)
        text = f"{failure.describe()}. {remedy}" if remedy else failure.describe()
        return _build(
            _class_name(failure),
            text,
            model,
            failure.status,
            failure.headers,
            failure.url,
            failure.body,
        )
    if isinstance(failure, ModelOutputError) and failure.schema is not None:
        error: Exception = litellm_errors.JSONSchemaValidationError(
            model=model,
            llm_provider=PROVIDER,
            raw_response=failure.raw[:2000],
            schema=json.dumps(failure.schema, ensure_ascii=False)[:2000],
        )
        error.message = f"{failure}. The reply was: {failure.raw[:2000]}"  # type: ignore[attr-defined]
        return error
    for ours, name, status in _BY_CLASS:
        if isinstance(failure, ours):
            return _build(name, str(failure), model, status, {}, "", b"")
    return _build("APIConnectionError", str(failure), model, 500, {}, "", b"")


def _build(
    name: str, text: str, model: str, status: int, headers: Mapping[str, str], url: str, body: bytes
) -> Exception:
    message = text if text.startswith("GigaChat") else f"GigaChat: {text}"
    kept = {key: value for key, value in headers.items() if key.lower() not in _DROPPED_HEADERS}
    request = httpx.Request("POST", url or "https://api.giga.chat/v1")
    common: dict[str, Any] = {"message": message, "model": model, "llm_provider": PROVIDER}
    if name == "Timeout":
        error: Any = litellm_errors.Timeout(**common, headers=kept or None, exception_status_code=status)
        error.response = httpx.Response(status, headers=kept, content=body, request=request)
    elif name == "APIConnectionError":
        error = litellm_errors.APIConnectionError(**common, request=request)
    else:
        response = httpx.Response(status, headers=kept, content=body, request=request)
        error = getattr(litellm_errors, name, litellm_errors.BadRequestError)(**common, response=response)
        error.response = response  # some of LiteLLM's classes keep the headers but put a status of their own
    wait = next((value for key, value in kept.items() if key.lower() == "retry-after"), None)
    if wait is not None:
        error.headers = {"retry-after": wait}  # the proxy renames a response's headers (llm_provider-…), but not these
    return error  # type: ignore[no-any-return]
