"""The failure table: every failure class and status becomes the LiteLLM exception a caller would expect."""

from __future__ import annotations

import litellm
import pytest

from litellm_gigachat_provider import errors as e

PAYMENT = getattr(litellm.exceptions, "PaymentRequiredError", litellm.BadRequestError)


@pytest.mark.parametrize(
    ("status", "where", "message", "expected"),
    [
        (400, "chat", "Your request contains invalid JSON syntax.", litellm.BadRequestError),
        (401, "chat", "Unauthorized", litellm.AuthenticationError),
        (402, "chat", "Payment Required", PAYMENT),
        (403, "chat", "Permission denied", litellm.PermissionDeniedError),
        (404, "chat", "No such model", litellm.NotFoundError),
        (408, "chat", "", litellm.Timeout),
        (413, "chat", "Payload too large", litellm.ContextWindowExceededError),
        (413, "files", "Payload too large", litellm.BadRequestError),
        (422, "chat", "Invalid params: system message must be the first message", litellm.BadRequestError),
        (422, "chat", "Invalid params: tokens count exceeds the context window", litellm.ContextWindowExceededError),
        (400, "chat", "request is in the blacklist", litellm.ContentPolicyViolationError),
        (429, "chat", "Too many requests", litellm.RateLimitError),
        (429, "oauth", "Too many requests", litellm.RateLimitError),
        (400, "oauth", "unexpected", litellm.AuthenticationError),
        (500, "chat", "Internal Server Error", litellm.InternalServerError),
        (502, "stream", "", litellm.ServiceUnavailableError),
        (503, "oauth", "", litellm.ServiceUnavailableError),
        (504, "chat", "", litellm.Timeout),
        (599, "chat", "", litellm.InternalServerError),
        (301, "chat", "", litellm.APIConnectionError),
    ],
)
def test_status_table(status, where, message, expected):
    body = b'{"status":%d,"message":"%s"}' % (status, message.encode()) if message else b""
    failure = e.HttpFailureError(status, body, {"Retry-After": "2", "set-cookie": "a=b"}, "https://host/v1/chat", where)
    error = e.to_litellm(failure, "GigaChat-2")
    assert type(error) is expected
    assert error.llm_provider == "gigachat"
    assert error.model == "GigaChat-2"
    assert (message or "(empty body)") in str(error)
    if expected is not litellm.APIConnectionError:
        assert error.response.status_code == status
        assert error.response.headers["retry-after"] == "2"
        assert "set-cookie" not in error.response.headers


@pytest.mark.parametrize(
    ("failure", "expected", "status"),
    [
        (e.InvalidRequestError("temperature", "must be a number", "Send 0.7"), litellm.BadRequestError, 400),
        (e.UnsupportedParamError("seed", "GigaChat has none"), litellm.UnsupportedParamsError, 400),
        (e.ContextWindowError("messages", "too long"), litellm.ContextWindowExceededError, 400),
        (e.CredentialsError("no key"), litellm.AuthenticationError, 401),
        (e.TimeoutFailureError("late"), litellm.Timeout, 408),
        (e.ConnectionFailureError("refused"), litellm.APIConnectionError, 500),
        (e.BadAnswerError("empty"), litellm.APIConnectionError, 500),
        (e.ModelOutputError("finish reason error"), litellm.InternalServerError, 500),
        (e.ModelOutputError("not JSON", raw="sorry", schema={"type": "object"}), litellm.JSONSchemaValidationError, 500),
    ],
)
def test_class_table(failure, expected, status):
    error = e.to_litellm(failure, "GigaChat-2")
    assert type(error) is expected
    assert error.status_code == status
    assert str(failure) in str(error)


def test_invalid_request_names_field_and_remedy():
    error = e.to_litellm(e.InvalidRequestError("messages[2].content", "is a number", "Send a string"), "m")
    assert "messages[2].content: is a number. Send a string" in str(error)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "(empty body)"),
        (b'{"status":404,"message":"No such model"}', "No such model"),
        (b'{"error":{"message":"inner"}}', "inner"),
        (b"<html><head><style>x{}</style></head><body><h1>502 Bad Gateway</h1></body></html>", "HTML page: 502 Bad Gateway"),
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
    assert hint in str(e.to_litellm(e.HttpFailureError(status, body, {}, "", where), "m"))
