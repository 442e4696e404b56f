"""The failure table: every failure class and status becomes the LiteLLM exception a caller would expect."""

from __future__ import annotations

import litellm.exceptions as x
import pytest

from litellm_gigachat_provider import errors as e
from litellm_gigachat_provider.bridge.exceptions import for_proxy_client, to_litellm

PAYMENT = getattr(x, "PaymentRequiredError", x.BadRequestError)


@pytest.mark.parametrize(
    ("status", "where", "message", "expected"),
    [
        (400, "chat", "Your request contains invalid JSON syntax.", x.BadRequestError),
        (401, "chat", "Unauthorized", x.AuthenticationError),
        (402, "chat", "Payment Required", PAYMENT),
        (403, "chat", "Permission denied", x.PermissionDeniedError),
        (404, "chat", "No such model", x.NotFoundError),
        (408, "chat", "", x.Timeout),
        (413, "chat", "Payload too large", x.ContextWindowExceededError),
        (413, "files", "Payload too large", x.BadRequestError),
        (422, "chat", "Invalid params: system message must be the first message", x.BadRequestError),
        (422, "chat", "Invalid params: tokens count exceeds the context window", x.ContextWindowExceededError),
        (400, "chat", "request is in the blacklist", x.ContentPolicyViolationError),
        (429, "chat", "Too many requests", x.RateLimitError),
        (429, "oauth", "Too many requests", x.RateLimitError),
        (400, "oauth", "unexpected", x.AuthenticationError),
        (500, "chat", "Internal Server Error", x.InternalServerError),
        (502, "stream", "", x.ServiceUnavailableError),
        (503, "oauth", "", x.ServiceUnavailableError),
        (504, "chat", "", x.Timeout),
        (599, "chat", "", x.InternalServerError),
        (301, "chat", "", x.APIConnectionError),
    ],
)
def test_status_table(status, where, message, expected):
    body = b'{"status":%d,"message":"%s"}' % (status, message.encode()) if message else b""
    failure = e.HttpFailureError(status, body, {"Retry-After": "2", "set-cookie": "a=b"}, "https://host/v1/chat", where)
    error = to_litellm(failure, "GigaChat-2")
    assert type(error) is expected
    assert error.llm_provider == "gigachat"
    assert error.model == "GigaChat-2"
    assert (message or "(empty body)") in str(error)
    if expected is not x.APIConnectionError:
        assert error.response.status_code == status
        assert error.response.headers["retry-after"] == "2"
        assert "set-cookie" not in error.response.headers


@pytest.mark.parametrize(
    ("failure", "expected", "status"),
    [
        (e.InvalidRequestError("temperature", "must be a number", "Send 0.7"), x.BadRequestError, 400),
        (e.UnsupportedParamError("seed", "GigaChat has none"), x.UnsupportedParamsError, 400),
        (e.ContextWindowError("messages", "too long"), x.ContextWindowExceededError, 400),
        (e.CredentialsError("no key"), x.AuthenticationError, 401),
        (e.TimeoutFailureError("late"), x.Timeout, 408),
        (e.ConnectionFailureError("refused"), x.APIConnectionError, 500),
        (e.BadAnswerError("empty"), x.APIConnectionError, 500),
        (e.ModelOutputError("finish reason error"), x.InternalServerError, 500),
        (e.ModelOutputError("not JSON", raw="sorry", schema={"type": "object"}), x.JSONSchemaValidationError, 500),
    ],
)
def test_class_table(failure, expected, status):
    error = to_litellm(failure, "GigaChat-2")
    assert type(error) is expected
    assert error.status_code == status
    assert str(failure) in str(error)


def test_invalid_request_names_field_and_remedy():
    error = to_litellm(e.InvalidRequestError("messages[2].content", "is a number", "Send a string"), "m")
    assert "messages[2].content: is a number. Send a string" in str(error)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "(empty body)"),
        (b'{"status":404,"message":"No such model"}', "No such model"),
        (b'{"error":{"message":"inner"}}', "inner"),
        (
            b"<html><head><style>x{}</style></head><body><h1>502 Bad Gateway</h1></body></html>",
            "HTML page: 502 Bad Gateway",
        ),
        (b"plain words", "plain words"),
        (b'["list"]', '["list"]'),
        (b"\xff\xfe broken", "\ufffd\ufffd broken"),
        (b"[" * 50000, None),
        (b"x" * 5000, "x" * 600 + "…"),
    ],
)
def test_read_message(body, text):
    found = e.read_message(body)
    assert len(found) <= 620
    if text is not None:
        assert found == text


@pytest.mark.parametrize(
    ("status", "where", "body", "hint"),
    [
        (403, "chat_v2", b"<html>403</html>", "api_version='v1'"),
        (404, "chat_v2", b"<html>404 Not Found</html>", "api_version='v1'"),
        (404, "chat_v2", b'{"status":404,"message":"No such model"}', "litellm-gigachat models"),
        (429, "stream", b"", "GIGACHAT_MAX_CONCURRENCY"),
        (402, "chat", b"", "token package"),
    ],
)
def test_remedies(status, where, body, hint):
    assert hint in str(to_litellm(e.HttpFailureError(status, body, {}, "", where), "m"))


# --- the words of an overflow, what the body named, advice at its place --------------------------------

OVERFLOWS = [
    (422, "CONTEXT_TOO_LONG: context too long 301216, maximum allowed context is 261120", "GigaChat-2", 261120),
    (422, "CONTEXT_TOO_LONG: context too long 40000, maximum allowed context is 32768", "GigaChat-2", 32768),
    (413, "Payload too large", "GigaChat-2-Max", 261120),
    (413, "Payload too large", "Embeddings", 512),
    (422, "INVALID_PARAMS: tokens count exceeds the context window", "GigaChat-3-Ultra", 261120),
]


@pytest.mark.parametrize(("status", "words", "model", "limit"), OVERFLOWS)
@pytest.mark.parametrize("where", ["chat", "stream", "chat_v2", "embeddings"])
def test_an_overflow_is_told_in_the_words_by_which_clients_know_one(status, words, model, limit, where):
    body = b'{"status":%d,"message":"%s"}\n' % (status, words.encode())
    error = to_litellm(e.HttpFailureError(status, body, {}, "", where), model)
    assert type(error) is x.ContextWindowExceededError
    assert (error.status_code, error.response.status_code) == (413 if status == 413 else 400, status)
    for told in (words, f"maximum context length is {limit} tokens", "context window", "prompt is too long"):
        assert told in str(error)
    assert "context_length_exceeded" in str(error)


@pytest.mark.parametrize("where", ["chat", "stream", "chat_v2"])
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "No such file: 7a3f0c3e-0000-4000-8000-000000000000"),
        (404, "file not found"),
        (403, "Access to file '7a3f0c3e-0000-4000-8000-000000000000' is denied"),
        (404, "Unknown tool make_coffee"),
    ],
)
def test_what_the_body_named_is_a_bad_request(where, status, words):
    body = b'{"status":%d,"message":"%s"}' % (status, words.encode())
    error = to_litellm(e.HttpFailureError(status, body, {}, "", where), "GigaChat-2")
    assert type(error) is x.BadRequestError
    assert error.response.status_code == 400
    assert "GIGACHAT_BASE_URL" not in str(error)


def test_a_model_or_host_that_is_configured_wrongly_stays_a_404():
    for words in ("No such model", "page not found"):
        body = b'{"status":404,"message":"%s"}' % words.encode()
        assert type(to_litellm(e.HttpFailureError(404, body, {}, "", "chat"), "GigaChat-9")) is x.NotFoundError


# Words that would send somebody to a setting that has nothing to do with this place.
STRANGE = {
    "oauth": ("GIGACHAT_BASE_URL", "tariff", "one generation at a time", "context", "file"),
    "files": ("GIGACHAT_BASE_URL", "tariff", "one generation at a time", "context window"),
    "balance": ("one generation at a time", "context window", "file"),
    "models": ("one generation at a time", "context window", "file"),
    "tokens": ("one generation at a time", "file"),
    "embeddings": ("GIGACHAT_AUTH_URL", "v2 contract"),
    "chat": ("GIGACHAT_AUTH_URL", "v2 contract"),
    "stream": ("GIGACHAT_AUTH_URL", "v2 contract"),
    "chat_v2": ("GIGACHAT_AUTH_URL",),
}


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 408, 413, 415, 422, 423, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("where", sorted(e.ASKED))
def test_advice_belongs_to_its_place(where, status):
    error = to_litellm(e.HttpFailureError(status, b"", {}, "", where), "GigaChat-2")
    for word in STRANGE.get(where, ()):
        assert word not in str(error), (where, status, word)
    if status in (401, 402, 403, 404, 429):
        assert len(str(error)) > len(str(e.HttpFailureError(status, b"", {}, "", where))) + 40, "no advice"


def test_423_is_for_later():
    error = to_litellm(e.HttpFailureError(423, b'{"status":423,"message":"Locked"}', {}, "", "chat"), "GigaChat-2")
    assert type(error) is x.ServiceUnavailableError


@pytest.mark.parametrize("where", sorted(e.ASKED))
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422, 429, 500])
def test_what_a_proxys_client_has_no_part_in_is_told_to_him_as_such(where, status):
    error = to_litellm(e.HttpFailureError(status, b"", {}, "", where), "GigaChat-2")
    told = for_proxy_client(error) if hasattr(error, "response") else None
    if status not in (401, 402, 403) and not isinstance(error, x.AuthenticationError):
        assert told is None
        return
    assert type(told) is x.BadRequestError
    assert told.response.status_code == told.status_code == 400
    assert (told.model, told.llm_provider) == ("GigaChat-2", "gigachat")
    sentence, _, rest = told.message.partition(". ")
    assert "of this proxy (" in sentence or "this proxy sign in with its own key (" in sentence
    assert "GIGACHAT_CREDENTIALS" in sentence
    assert "whoever runs the proxy" in sentence
    assert rest == str(error).partition(": ")[2]


def test_a_proxys_missing_key_is_told_to_its_client():
    told = for_proxy_client(to_litellm(e.CredentialsError("No key was given: set GIGACHAT_CREDENTIALS"), "m"))
    assert "let this proxy sign in with its own key" in told.message
    assert "No key was given" in told.message


def test_the_failures_of_other_providers_stay_as_they_are():
    assert for_proxy_client(x.AuthenticationError("no", llm_provider="openai", model="gpt")) is None


@pytest.mark.parametrize("where", sorted(e.ASKED))
def test_what_was_asked_is_said_in_its_readers_words(where):
    text = str(to_litellm(e.HttpFailureError(402, b"", {}, "", where), "m"))
    assert f"GigaChat answered 402 to {e.ASKED[where]}: " in text
    assert " request" in text
