"""One exchange with the OAuth server (or with ``/token`` of an internal installation), and what its answers mean."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from ..errors import (
    BadAnswerError,
    ConnectionFailureError,
    CredentialsError,
    GigaChatError,
    HttpFailureError,
    InvalidRequestError,
    TimeoutFailureError,
    read_message,
)
from ..settings import Secret, Settings
from .connections import way_to
from .deadline import Deadline, time_limit
from .exchange import read
from .failures import NETWORK_ERRORS, tls_error, translate
from .outgoing import user_agent
from .tokens import Failure, Token

ATTEMPTS = 3
PAUSES = (0.2, 0.6)  # seconds before the second and third attempt, with jitter
RETRY_BUDGET = 8.0  # no new attempt after so many seconds: the callers' own limits come first
PATIENCE_FOR_RETRY_AFTER = 2.0
EXCHANGE_SECONDS = 20.0  # one attempt as a whole, connecting (10 s) included
ANSWER_LIMIT = 256 * 1024  # bytes; a real answer has 1.3 KB
CLOCK_TOLERANCE = 30.0  # seconds this machine's clock may differ from the server's before its Date counts
UNCLEAR_LIFE = 60.0  # seconds a token is kept that is over on arrival by every clock

_FAILURES: tuple[type[BaseException], ...] = (*NETWORK_ERRORS, ValueError)
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})

# The OAuth server's own codes. Final whatever the HTTP status: documentation and observation differ on it.
_FINAL_CODES: dict[int, str] = {
    1: "The scope is unknown to GigaChat: set GIGACHAT_SCOPE to GIGACHAT_API_PERS, "
    "GIGACHAT_API_B2B or GIGACHAT_API_CORP",
    4: "The authorization key cannot be read: copy it again from developers.sber.ru",
    5: "The scope did not arrive: set GIGACHAT_SCOPE, and check GIGACHAT_AUTH_URL and any proxy that rewrites requests",
    6: "The authorization key is wrong or was revoked: issue a new one at developers.sber.ru",
    7: "The key belongs to a project of another scope: set GIGACHAT_SCOPE to the project's own "
    "(GIGACHAT_API_PERS for individuals, GIGACHAT_API_B2B or GIGACHAT_API_CORP for legal entities)",
}


class TokenFetcher:
    """Fetches a token for settings: ``TokenStore``'s ``fetch``. Never raises a GigaChat failure, it returns one.

    ``way`` gives what carries a request with the TLS identity of the settings.
    """

    def __init__(
        self,
        *,
        way: Callable[[Settings, httpx.URL], httpx.AsyncBaseTransport] = way_to,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.way = way
        self.clock = clock
        self.sleep = sleep

    async def __call__(self, settings: Settings) -> Token | Failure:
        started = time.monotonic()
        attempt = 0
        while True:
            outcome, pause = await self._attempt(settings)
            attempt += 1
            if pause is None or attempt == ATTEMPTS or time.monotonic() - started > RETRY_BUDGET:
                return outcome
            await self.sleep(pause or PAUSES[attempt - 1] * random.uniform(0.75, 1.25))  # noqa: S311 - jitter

    async def _attempt(self, settings: Settings) -> tuple[Token | Failure, float | None]:
        """One request. With the outcome: seconds to wait before another attempt, 0 for the usual, None for none."""
        url = settings.token_url
        try:
            async with time_limit(EXCHANGE_SECONDS):
                status, headers, body = await self._exchange(settings, httpx.URL(url))
        except GigaChatError as error:  # the TLS or proxy settings, or an endless answer
            # the copy has neither traceback nor cause: what they lead to holds the key
            return Failure(copy.copy(error), isinstance(error, (CredentialsError, InvalidRequestError))), None
        except _FAILURES as error:
            words = str(translate(error, host=url, timeout=EXCHANGE_SECONDS))
            late = isinstance(error, (httpx.TimeoutException, TimeoutError, asyncio.TimeoutError))
            kind = TimeoutFailureError if late else ConnectionFailureError
            for_good = tls_error(error) is not None or isinstance(error, ValueError)
            return Failure(kind(f"no access token from the OAuth server: {words}")), None if for_good else 0.0
        if 200 <= status < 300:
            return self._read_token(settings, headers, body), None
        return _read_refusal(settings, status, headers, _scrub(body, settings))

    async def _exchange(self, settings: Settings, url: httpx.URL) -> tuple[int, httpx.Headers, bytes]:
        request = httpx.Request(
            "POST",
            url,
            headers=_headers(settings),
            content=_form(settings),
            extensions={"timeout": Deadline(EXCHANGE_SECONDS).connect_only()},
        )
        response = await self.way(settings, url).handle_async_request(request)
        return response.status_code, response.headers, await read(response, ANSWER_LIMIT)

    def _read_token(self, settings: Settings, headers: httpx.Headers, body: bytes) -> Token | Failure:
        """``{"access_token", "expires_at"}`` of OAuth, ``{"tok", "exp"}`` of ``/token``."""
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            shown = "an HTML page" if body.lstrip()[:1] == b"<" else "nothing" if not body.strip() else "no JSON object"
            return _bad_answer(settings, shown)
        value = data.get("access_token") or data.get("tok")
        if not isinstance(value, str) or not value.strip() or not value.isascii() or not value.strip().isprintable():
            return _bad_answer(settings, "JSON without a usable access_token")
        now = self.clock()
        return Token.living(Secret(value.strip()), _life(data, now, headers.get("date")), now)


def _headers(settings: Settings) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "Connection": "close",  # a token lives 30 minutes: the connection is not needed again soon
        "RqUID": str(uuid.uuid4()),
        "User-Agent": user_agent(),
        "Authorization": f"Basic {(settings.credentials or _user_pair(settings)).reveal()}",
    }
    if settings.credentials is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    return headers


def _user_pair(settings: Settings) -> Secret:
    password = settings.password or Secret("")
    return Secret(base64.b64encode(f"{settings.user}:{password.reveal()}".encode()).decode("ascii"))


def _form(settings: Settings) -> bytes:
    """Empty for ``/token``, which takes user and password alone."""
    return b"" if settings.credentials is None else str(httpx.QueryParams({"scope": settings.scope})).encode("ascii")


# --- reading answers ---------------------------------------------------------------------------------


def _seconds(value: Any) -> float | None:
    """A Unix time in seconds or milliseconds, told apart by magnitude; None for absent, zero or nonsense."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not 0 < number < float("inf"):
        return None
    return number if number < 1e12 else number / 1000.0


def _life(data: dict[str, Any], now: float, date: str | None) -> float | None:
    """Seconds the token lives. The server's ``Date`` counts where this machine's clock is clearly wrong."""
    end = _seconds(data.get("expires_at") or data.get("exp"))
    if end is None:
        return None
    server_now = _date(date)
    if server_now is not None and abs(server_now - now) > CLOCK_TOLERANCE:
        now = server_now
    return end - now if end > now else UNCLEAR_LIFE


def _date(value: str | None) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp() if value else None
    except (TypeError, ValueError, OverflowError):
        return None


def _read_refusal(settings: Settings, status: int, headers: httpx.Headers, body: bytes) -> tuple[Failure, float | None]:
    words = read_message(body)
    code = _code(body)
    if settings.credentials is not None and code in _FINAL_CODES:
        text = f"the OAuth server refused the credentials ({status}, code {code}: {words}). {_FINAL_CODES[code]}"
        return Failure(CredentialsError(text), final=True), None
    if status == 401:
        what = "authorization key" if settings.credentials is not None else "user and password"
        return Failure(CredentialsError(f"{settings.token_url} refused the {what} (401: {words})"), final=True), None
    kept = {name: value for name, value in headers.items() if name not in {"set-cookie", "content-encoding"}}
    error = HttpFailureError(status, body[:65536], kept, settings.token_url.partition("?")[0], "oauth")
    if status not in _TRANSIENT:
        return Failure(error, final=400 <= status < 500), None
    return Failure(error), _pause(headers.get("retry-after"))


def _code(body: bytes) -> int | None:
    try:
        data = json.loads(body)
        return int(data["code"]) if isinstance(data, dict) and not isinstance(data.get("code"), bool) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _pause(retry_after: str | None) -> float | None:
    """Wait as long as the server asks if that is short; otherwise leave it to the caller, who sees the header."""
    try:
        asked = float(retry_after) if retry_after else 0.0
    except ValueError:
        return None
    return asked if 0 <= asked <= PATIENCE_FOR_RETRY_AFTER else None


def _bad_answer(settings: Settings, shown: str) -> Failure:
    words = f"{settings.token_url} answered 200 with {shown} instead of a token; check GIGACHAT_AUTH_URL"
    return Failure(BadAnswerError(words))


def _scrub(body: bytes, settings: Settings) -> bytes:
    """A server that quotes our own header back must not get the key into an error text."""
    for secret in (settings.credentials, settings.password, _user_pair(settings) if settings.user else None):
        if secret:
            body = body.replace(secret.reveal().encode(), b"***")
    return body
