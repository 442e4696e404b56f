"""What the service says when it refuses, word for word where a text was observed."""

from __future__ import annotations

from typing import Final

BAD_JSON: Final = "Your request contains invalid JSON syntax."
NO_MODEL: Final = "No such model"
NO_FUNCTIONS: Final = "Requested model does not support functions"
UNPROCESSABLE: Final = "Unprocessable Entity"
UNAUTHORIZED: Final = "Unauthorized"
EXPIRED: Final = "Token has expired"
FORBIDDEN: Final = "Permission denied"
TOO_MANY: Final = "Too many requests"
TOO_LARGE: Final = "Payload too large"
TOO_LONG: Final = "CONTEXT_TOO_LONG: context too long {tokens}, maximum allowed context is {window}"
SYSTEM_FIRST: Final = "Invalid params: system message must be the first message"
CALL_WITHOUT_RESULT: Final = "Invalid params: every assistant function call must have a result in history"
RESULT_WITHOUT_CALL: Final = (
    "Invalid params: every assistant function result must have an assistant function call in history"
)
NOT_A_RESULT: Final = "INVALID_PARAMS: function content must contain FunctionResult"
BAD_NAMES: Final = (
    "Invalid params: Invalid function names. Only Latin letters (A-Z or a-z), underscore (_), hyphen (-), dot (.) "
    "and digits (not leading) are allowed.: [{names}]"
)
EMPTY_SCHEMA: Final = "Empty schema with json format type is not supported"


class Refusal(Exception):  # noqa: N818 - it is an answer, not a malfunction
    """An answer of the form ``{"status": …, "message": …}``; ``reason`` is for the developer's log only.

    The service often says no more than "Unprocessable Entity"; ``reason`` names the very field, and shows up in
    ``Recorded.refusal``, never on the wire.
    """

    def __init__(self, status: int, message: str, reason: str | None = None) -> None:
        super().__init__(f"{status} {message}" + (f" ({reason})" if reason else ""))
        self.status = status
        self.message = message
        self.reason = reason

    def body(self) -> dict[str, object]:
        return {"status": self.status, "message": self.message}


class OAuthRefusal(Refusal):
    """The OAuth host answers ``{"code": …, "message": …}`` instead."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(status, message)
        self.code = code

    def body(self) -> dict[str, object]:
        return {"code": self.code, "message": self.message}


def bad_json(reason: str) -> Refusal:
    """400: the one text the service has for every field of the wrong JSON type."""
    return Refusal(400, BAD_JSON, reason)


def invalid(text: str) -> Refusal:
    """422 ``Invalid params: <text>``."""
    return Refusal(422, f"Invalid params: {text}")
