"""Whatever a network library raises, as one of the package's own failures.

The library's exception is not chained: httpx hangs the whole request on it, Authorization header included,
and h11 quotes header values. Only what the operating system, OpenSSL and a fixed table say gets into a text.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import ssl
import sys
from typing import Any

import httpx

from ..errors import ConnectionFailureError, GigaChatError, TimeoutFailureError

_CA_REMEDY = (
    "The certificate of the server is not trusted. If a company proxy or an own installation signs it, put its "
    "root certificate (PEM) into a file and name the file in GIGACHAT_CA_BUNDLE_FILE"
)

_TIMEOUTS = frozenset({"TimeoutException", "ServerTimeoutError", "TimeoutError"})
_CONNECTING = frozenset({"ConnectError", "ClientConnectorError", "gaierror"})
_CUT = frozenset(
    {
        "IncompleteRead",
        "RemoteProtocolError",
        "ReadError",
        "ClientPayloadError",
        "ServerDisconnectedError",
        "ConnectionError",
        "EOFError",
    }
)

# What may come out of a lane, whichever library it uses. Names and not classes decide what it means: httpx,
# httpcore and aiohttp (below an httpx client of the caller) call the same things alike, and are not always loaded.
_ALWAYS: tuple[type[BaseException], ...] = (
    GigaChatError,
    http.client.HTTPException,
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    OSError,
    EOFError,
    TimeoutError,
    asyncio.TimeoutError,
)


def network_errors() -> tuple[type[BaseException], ...]:
    """Everything a lane may raise, our own failures included. Loads nothing: what is not loaded raises nothing."""
    return _ALWAYS + _of_httpcore(sys.modules.get("httpcore")) + _of_aiohttp(sys.modules.get("aiohttp"))


# A module that another thread is importing right now is in sys.modules too, with some of its names missing: the
# thread that fetches the first token loads httpcore while the caller's time runs out.
_HTTPCORE = (
    "ConnectionNotAvailable", "NetworkError", "ProtocolError", "ProxyError", "UnsupportedProtocol", "TimeoutException",
)  # fmt: skip


def _of_httpcore(httpcore: Any) -> tuple[type[BaseException], ...]:
    return tuple(getattr(httpcore, name) for name in _HTTPCORE if hasattr(httpcore, name))


def _of_aiohttp(aiohttp: Any) -> tuple[type[BaseException], ...]:
    places = ((aiohttp, "ClientError"), (getattr(aiohttp, "http_exceptions", None), "HttpProcessingError"))
    return tuple(getattr(place, name) for place, name in places if hasattr(place, name))


def translate(
    error: BaseException, *, host: str, timeout: float | None, doing: str = "", answered: bool = False
) -> GigaChatError:
    """The failure to raise for ``error``. ``answered``: the answer's head had arrived before."""
    if isinstance(error, GigaChatError):
        return clean(error)
    chain = _chain(error)
    for link in chain:
        reason = getattr(link, "verify_message", None)
        if reason and isinstance(link, ssl.SSLCertVerificationError):
            return ConnectionFailureError(f"TLS with {host} failed: {reason}. {_CA_REMEDY}")
    if any(_is_named(link, _TIMEOUTS) for link in chain[:2]):
        return _late(error, host, timeout, doing)
    if answered and _is_named(error, _CUT):
        return ConnectionFailureError(f"the connection to {host} broke in the middle of the answer{_because(chain)}")
    if _is_named(error, _CONNECTING):
        return ConnectionFailureError(f"cannot connect to {host}{_because(chain)}")
    return ConnectionFailureError(f"the connection to {host} failed: {_title(error)}{_because(chain)}")


def clean(failure: GigaChatError) -> GigaChatError:
    """Without chain and traceback, through which frames and requests could be reached."""
    failure.__cause__ = failure.__context__ = None
    return failure.with_traceback(None)


def _late(error: BaseException, host: str, timeout: float | None, doing: str) -> TimeoutFailureError:
    if type(error).__name__ in ("ConnectTimeout", "ConnectionTimeoutError"):
        return TimeoutFailureError(f"connecting to {host} took longer than the limit (10 s, or the timeout if shorter)")
    limit = "" if timeout is None else f" of {timeout:g} s"
    return TimeoutFailureError(f"GigaChat at {host} did not {doing or 'answer'} within the timeout{limit}")


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain and len(chain) < 12:
        chain.append(link)
        # aiohttp keeps the operating system's and OpenSSL's errors as attributes
        link = (
            getattr(link, "certificate_error", None)
            or getattr(link, "os_error", None)
            or link.__cause__
            or link.__context__
        )
    return chain


def _is_named(error: BaseException, names: frozenset[str]) -> bool:
    return any(base.__name__ in names for base in type(error).__mro__)


_TITLES = {
    "RemoteProtocolError": "the answer breaks the HTTP protocol or ended early",
    "ServerDisconnectedError": "closed before the answer",
    "ClientResponseError": "the answer breaks the HTTP protocol",
    "LocalProtocolError": "the request cannot be written as HTTP (check the headers)",
    "ReadError": "lost while reading",
    "IncompleteRead": "the answer was cut",
    "RemoteDisconnected": "closed before the answer",
    "HTTPException": "the answer breaks the HTTP protocol",
    "WriteError": "lost while writing",
    "ProxyError": "the proxy refused it",
    "ClientHttpProxyError": "the proxy refused it",
    "ClientPayloadError": "the answer was cut",
}


def _title(error: BaseException) -> str:
    for base in type(error).__mro__:
        if base.__name__ in _TITLES:
            return _TITLES[base.__name__]
    return type(error).__name__


def _because(chain: list[BaseException]) -> str:
    """What the operating system or OpenSSL says; never a library's own text, which may quote headers."""
    for link in chain:
        if isinstance(link, ssl.SSLError):
            return f" (TLS: {link.reason or type(link).__name__})"
        if isinstance(link, socket.gaierror):
            return " (the name cannot be resolved)"
        if isinstance(link, OSError) and link.errno:
            return f" ({os.strerror(link.errno)})"
    return ""
