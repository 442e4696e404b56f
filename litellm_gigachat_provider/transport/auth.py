"""Proof of identity on every request: an ``httpx.Auth`` over the shared token store."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncGenerator
from typing import Any

import httpx

from ..errors import CredentialsError
from ..portal import PORTAL
from ..settings import Settings
from .oauth import TokenFetcher
from .tokens import Token, TokenStore

STORE = TokenStore(TokenFetcher())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=STORE.reset_after_fork)

# hpack writes every header it packs for HTTP/2 into its log at DEBUG, "Encoding Authorization: Bearer …" among
# them. httpcore, httpx and aiohttp log no request headers.
_LOGGERS = ("hpack.hpack", "hpack.table")


def _no_details(record: logging.LogRecord) -> bool:
    """A filter, because a level set here is undone by ``dictConfig``."""
    return record.levelno > logging.DEBUG


def hush() -> None:
    """Idempotent; called where the first tenant's credential meets the HTTP stack, before any header is packed."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_no_details)


class GigaChatAuth(httpx.Auth):
    """Puts the credential of ``settings`` on each request; on a 401 renews the token and replays once.

    The 401 comes before any event of a stream, so streams are replayed the same way. A second 401 is handed on
    as it is. How long a call may wait for a token: until ``request.extensions["gigachat_deadline"]`` (monotonic
    seconds) if given, else as long as it takes. Only for async clients: the package has no other.
    """

    requires_request_body = False
    requires_response_body = False

    def __init__(self, settings: Settings, store: TokenStore | None = None) -> None:
        hush()
        self._settings = settings
        self._store = STORE if store is None else store
        self._tokens = settings.auth_mode in {"token", "key", "password"}

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        if not self._tokens:  # a fixed header; or none, as gateways with client certificates take no Authorization
            if self._settings.auth_header is not None:
                name, value = self._settings.auth_header
                request.headers[name] = value.reveal()
            yield request
            return
        settings, store = self._settings, self._store
        deadline = request.extensions.get("gigachat_deadline")
        token = store.ready(settings) or await store.wait(settings, deadline)
        _apply(request, token)
        response = yield request
        if response.status_code != 401 or not store.refuse(settings, token):
            return
        store.counters.replays += 1
        token = store.ready(settings) or await store.wait(settings, deadline)
        _apply(request, token)
        response = yield request
        if response.status_code == 401:
            store.refused_again(settings, token)


def _apply(request: httpx.Request, token: Token) -> None:
    request.headers["Authorization"] = f"Bearer {token.value.reveal()}"


# --- what people see ---------------------------------------------------------------------------------


def token_status(settings: Settings) -> dict[str, Any]:
    """The state of the token of these settings; no secret in it, and no network.

    ``expires_at`` is Unix seconds, ``seconds_left`` from now; both None when unknown.
    """
    entry = STORE.entry(settings)
    token, now = entry.token, STORE.clock()
    known = token is not None and token.expires_at != float("inf")
    return {
        "auth_mode": settings.auth_mode,
        "scope": settings.scope,
        "auth_url": settings.token_url if settings.renewable else None,
        "has_token": token is not None,
        "valid": settings.auth_mode in {"header", "mtls"} or (token is not None and now < token.expires_at),
        "fingerprint": repr(token.value) if token is not None else None,
        "expires_at": token.expires_at if token is not None and known else None,
        "seconds_left": max(0.0, token.expires_at - now) if token is not None and known else None,
        "renewable": settings.renewable,
        "refreshing": entry.flight is not None,
        "last_error": str(entry.failure.make()) if entry.failure is not None else None,
    }


def refresh_token(settings: Settings, *, timeout: float | None = 60.0) -> dict[str, Any]:
    """Fetch a new token now and return :func:`token_status`. Raises a typed failure; the old token stays then."""
    if not settings.renewable:
        raise CredentialsError(f"nothing to refresh: the {settings.auth_mode} mode fetches no token")
    PORTAL.call(STORE.wait(settings, None if timeout is None else time.monotonic() + timeout, force=True))
    return token_status(settings)


def stats() -> dict[str, int]:
    """Counters since the process began: refreshes, of which in the background, failures, waits, replays, entries."""
    counters = STORE.counters
    return {
        "token_entries": len(STORE),
        "token_refreshes": counters.refreshes,
        "token_background_refreshes": counters.background_refreshes,
        "token_refresh_failures": counters.failures,
        "token_waits": counters.waits,
        "token_wait_timeouts": counters.timeouts,
        "token_replays": counters.replays,
    }
