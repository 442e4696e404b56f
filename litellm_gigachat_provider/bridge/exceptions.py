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
    ASKED,
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
from ..models import find
from ..watch import counters, logs
from .metadata import PROVIDER

# The service has no error codes for these; LiteLLM's Router picks fallbacks by exception class only
# (it does not read texts for custom providers), so the words decide here.
_CONTEXT_WORDS = re.compile(
    r"CONTEXT_TOO_LONG|context (length|window|size|too long)|too many tokens|token limit|prompt is too long"
    r"|exceed\w* .{0,40}(context|tokens)|tokens? .{0,20}exceed|превышен\w* .{0,30}(контекст|токен)|payload too large",
    re.IGNORECASE,
)
_CONTENT_WORDS = re.compile(r"blacklist|profanity|censor|content policy|content filter", re.IGNORECASE)
_ALLOWED = re.compile(r"maximum allowed context is (\d+)", re.IGNORECASE)

_OVERFLOW = "ContextWindowExceededError"
_CHATS = frozenset({"chat", "stream", "chat_v2"})
_GENERATING = _CHATS | {"embeddings"}
_API = frozenset(ASKED) - {"oauth"}

# What to add to the service's own words; first match wins. (status, places, words or None, remedy)
_REMEDIES: tuple[tuple[int, frozenset[str], str | None, str], ...] = (
    (400, frozenset({"oauth"}), None, "Check GIGACHAT_CREDENTIALS and GIGACHAT_SCOPE"),
    (400, frozenset({"ai_check"}), None, "The check takes Russian text of at least 20 words"),
    (401, frozenset({"oauth"}), None, "Check GIGACHAT_CREDENTIALS and GIGACHAT_SCOPE"),
    (
        401,
        _API,
        None,
        "The token was renewed once and refused again: check the key (GIGACHAT_CREDENTIALS), the scope and that the "
        "host belongs to it",
    ),
    (402, _API, None, "The token package of this key is used up; buy or wait for a new one at developers.sber.ru"),
    (402, frozenset({"oauth"}), None, "The contract of this key has ended: see developers.sber.ru"),
    (
        403,
        _API,
        "access to file",
        "A file belongs to the account and the X-Client-ID that uploaded it: upload it again",
    ),
    (
        403,
        frozenset({"chat_v2"}),
        None,
        "The v2 contract is not available here: use api_version='v1' (or GIGACHAT_API_VERSION=v1)",
    ),
    (403, frozenset({"files"}), None, "A file belongs to the account and the X-Client-ID that uploaded it"),
    (403, frozenset({"balance"}), None, "An account that pays as it goes has no package to show the balance of"),
    (
        403,
        frozenset({"oauth"}),
        None,
        "Something before the OAuth server refused it: check GIGACHAT_AUTH_URL and proxies",
    ),
    (403, _API, None, "The tariff of this key does not include this model or method"),
    (
        404,
        frozenset({"chat_v2"}),
        "html|not found|no route",
        "The v2 contract is not available here: use api_version='v1' (or GIGACHAT_API_VERSION=v1)",
    ),
    (
        404,
        _API,
        "no such model",
        "Ask `litellm-gigachat models` which models this host has; hosts carry different generations",
    ),
    (404, _CHATS, "unknown tool", "This host has no built-in tool of that name: leave it out"),
    (
        404,
        frozenset({"batches"}),
        "task not found",
        "A batch belongs to the account that made it: `litellm-gigachat batch --list` shows all",
    ),
    (404, _API, r"\bfile\b", "The file is not at GigaChat, or another account's: upload it again"),
    (404, frozenset({"files"}), None, "The file is not at GigaChat (any more): upload it again"),
    (404, frozenset({"oauth"}), None, "Check GIGACHAT_AUTH_URL"),
    (404, _API, None, "Check GIGACHAT_BASE_URL: it ends in /v1"),
    (
        413,
        frozenset({"files"}),
        None,
        "The file is larger than GigaChat takes: 15 MB a picture, 35 MB audio, 40 MB text",
    ),
    (422, _API, "does not support functions", "Choose a model with functions, e.g. GigaChat-2-Max"),
    (429, frozenset({"oauth"}), None, "The OAuth server takes 10 requests a second: start fewer processes at once"),
    (
        429,
        _GENERATING,
        None,
        "A personal key (PERS) gets one generation at a time: set GIGACHAT_MAX_CONCURRENCY=1 to queue here instead",
    ),
    (429, _API, None, "Too many requests of this kind at once: ask again later"),
)


def _remedy(failure: HttpFailureError) -> str:
    words = failure.service_message()
    for status, places, pattern, remedy in _REMEDIES:
        fits = status == failure.status and failure.where in places
        if fits and (pattern is None or re.search(pattern, words, re.IGNORECASE)):
            return remedy
    return ""


def _class_name(failure: HttpFailureError) -> str:
    status, words = failure.status, failure.service_message()
    if failure.where in _GENERATING and status in {400, 413, 422}:
        if status == 413 or _CONTEXT_WORDS.search(words):
            return _OVERFLOW
        if _CONTENT_WORDS.search(words):
            return "ContentPolicyViolationError"
    if failure.where in _CHATS and status in {403, 404} and _OF_THE_BODY.search(words):
        return "BadRequestError"
    if failure.where == "oauth" and 400 <= status < 500 and status not in {408, 423, 429}:
        return "AuthenticationError"
    return _BY_STATUS.get(status) or (
        "InternalServerError" if status >= 500 else "BadRequestError" if status >= 400 else "APIConnectionError"
    )


# What a request body named and the service does not have. A 404 would have LiteLLM's Router take the deployment out of
# service for everybody, though nothing is wrong with it.
_OF_THE_BODY = re.compile(r"\bfile\b|unknown tool|tool .{0,60}not found", re.IGNORECASE)

_BY_STATUS = {
    400: "BadRequestError",
    401: "AuthenticationError",
    402: "PaymentRequiredError",  # LiteLLM before 1.106 has no such class: BadRequestError there
    403: "PermissionDeniedError",
    404: "NotFoundError",
    408: "Timeout",
    413: "BadRequestError",
    422: "BadRequestError",
    423: "ServiceUnavailableError",
    429: "RateLimitError",
    500: "InternalServerError",
    502: "ServiceUnavailableError",
    503: "ServiceUnavailableError",
    504: "Timeout",
}

# (our class, LiteLLM's class, HTTP status a proxy answers with); first isinstance match wins.
_BY_CLASS: tuple[tuple[type[GigaChatError], str, int], ...] = (
    (UnsupportedParamError, "UnsupportedParamsError", 400),
    (ContextWindowError, _OVERFLOW, 400),
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
    counters.failures[kind] += 1
    logs.failed(failure, kind)
    return error


def _translated(failure: GigaChatError, model: str) -> Exception:
    if isinstance(failure, HttpFailureError):
        name = _class_name(failure)
        remedy = _overflow(failure, model) if name == _OVERFLOW else _remedy(failure)
        text = f"{failure.describe()}. {remedy}" if remedy else failure.describe()
        return _build(
            name,
            text,
            model,
            # the Router goes by the status of the response
            400 if name == "BadRequestError" and failure.status in {403, 404} else failure.status,
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
            text = f"{failure}. {_overflow(failure, model)}" if name == _OVERFLOW else str(failure)
            return _build(name, text, model, status, {}, "", b"")
    return _build("APIConnectionError", str(failure), model, 500, {}, "", b"")


# What a client of LiteLLM's proxy reads first; by status.
_PROXYS_OWN = {
    401: "GigaChat did not let this proxy sign in with its own key (GIGACHAT_CREDENTIALS): your key has no part in it, "
    "only whoever runs the proxy can mend it",
    402: "GigaChat has nothing left for the account of this proxy (that of its GIGACHAT_CREDENTIALS, not yours): only "
    "whoever runs the proxy can mend it",
    403: "GigaChat does not let the account of this proxy (that of its GIGACHAT_CREDENTIALS, not yours) do this: "
    "choose another model, or ask whoever runs the proxy",
}
ACCOUNT_ERRORS: tuple[Any, ...] = tuple(
    getattr(litellm_errors, name)
    for name in ("AuthenticationError", "PermissionDeniedError", "PaymentRequiredError", "BadRequestError")
    if hasattr(litellm_errors, name)
)


def for_proxy_client(error: Any) -> Exception | None:
    """A failure of the proxy's key or account as its client is told of it; None for any other.

    As a 400: on 401 Claude Code asks again for minutes, on 401, 402 and 403 Codex asks six times, and on 403 Claude
    Code says "Failed to authenticate", while 400 has every one of them show the words.
    """
    status = 401 if isinstance(error, litellm_errors.AuthenticationError) else error.response.status_code
    if error.llm_provider != PROVIDER or status not in _PROXYS_OWN:
        return None
    words = re.sub(r"^litellm\.\w+: ", "", error.message)
    return _build("BadRequestError", f"{_PROXYS_OWN[status]}. {words}", error.model, 400, {}, "", b"")


def _overflow(failure: GigaChatError, model: str) -> str:
    """The words by which coding assistants know an overflow, and shorten the conversation instead of giving up."""
    told = _ALLOWED.search(str(failure))
    limit = int(told[1]) if told else find(model).context
    length = f"This model's maximum context length is {limit} tokens" if limit else "It is beyond the model's context"
    return (
        f"{length}; the prompt and the answer share this context window: the prompt is too long, shorten it "
        "(context_length_exceeded)"
    )


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
        if name == _OVERFLOW and status == 422:
            error.status_code = 400  # the proxy hands it on, and an overflow is a 400 to clients (or a 413)
    wait = next((value for key, value in kept.items() if key.lower() == "retry-after"), None)
    if wait is not None:
        error.headers = {"retry-after": wait}  # the proxy renames a response's headers (llm_provider-…), but not these
    return error  # type: ignore[no-any-return]
