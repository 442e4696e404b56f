"""Whatever a network library raises, as one of the package's own failures.

The library's exception is not chained: httpx hangs the whole request on it, Authorization header included,
and h11 quotes header values. Only what the operating system, OpenSSL and a fixed table say gets into a text.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl

import aiohttp
import httpx

from ..errors import ConnectionFailureError, GigaChatError, TimeoutFailureError
from .tls import tls_hint

_NO_REFUSALS = (ssl.SSLWantReadError, ssl.SSLWantWriteError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
_CUT = (httpx.RemoteProtocolError, httpx.ReadError, aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError)

# Everything a way may raise: httpx's exceptions, the package's own, and what a client of the caller lets through.
NETWORK_ERRORS: tuple[type[BaseException], ...] = (
    GigaChatError,
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    aiohttp.ClientError,
    OSError,
    TimeoutError,
    asyncio.TimeoutError,
)


def translate(
    error: BaseException, *, host: str, timeout: float | None, doing: str = "", answered: bool = False
) -> GigaChatError:
    """The failure to raise for ``error``. ``answered``: the answer's head had arrived before."""
    if isinstance(error, GigaChatError):
        return clean(error)
    chain = _chain(error)
    if isinstance(error, (httpx.TimeoutException, TimeoutError, asyncio.TimeoutError)):
        return _late(error, host, timeout, doing)
    refused = tls_error(error)
    if refused is not None:
        reason = getattr(refused, "verify_message", "") or getattr(refused, "reason", None) or type(refused).__name__
        hint = tls_hint(str(refused))
        return ConnectionFailureError(f"TLS with {host} failed: {reason}{'. ' + hint if hint else ''}")
    if answered and isinstance(error, _CUT):
        return ConnectionFailureError(f"the connection to {host} broke in the middle of the answer{_because(chain)}")
    if isinstance(error, (httpx.ConnectError, socket.gaierror, aiohttp.ClientConnectorError)):
        return ConnectionFailureError(f"cannot connect to {host}{_because(chain)}")
    return ConnectionFailureError(f"the connection to {host} failed: {_title(error)}{_because(chain)}")


def tls_error(error: BaseException) -> ssl.SSLError | None:
    """OpenSSL's refusal, where that is the cause of ``error``. A read that found nothing yet is an SSLError too, and
    so is aiohttp's wrapping of one.
    """
    for link in _chain(error):
        if isinstance(link, ssl.SSLError) and not isinstance(link, (*_NO_REFUSALS, aiohttp.ClientError)):
            return link
    return None


def clean(failure: GigaChatError) -> GigaChatError:
    """Without chain and traceback, through which frames and requests could be reached."""
    failure.__cause__ = failure.__context__ = None
    return failure.with_traceback(None)


def _late(error: BaseException, host: str, timeout: float | None, doing: str) -> TimeoutFailureError:
    if isinstance(error, (httpx.ConnectTimeout, aiohttp.ConnectionTimeoutError)):
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


_TITLES: dict[type, str] = {
    httpx.RemoteProtocolError: "the answer breaks the HTTP protocol or ended early",
    aiohttp.ServerDisconnectedError: "closed before the answer",
    aiohttp.ClientResponseError: "the answer breaks the HTTP protocol",
    httpx.LocalProtocolError: "the request cannot be written as HTTP (check the headers)",
    httpx.ReadError: "lost while reading",
    httpx.WriteError: "lost while writing",
    httpx.ProxyError: "the proxy refused it",
    aiohttp.ClientHttpProxyError: "the proxy refused it",
    aiohttp.ClientPayloadError: "the answer was cut",
}


def _title(error: BaseException) -> str:
    kind = type(error)
    return next((_TITLES[base] for base in kind.__mro__ if base in _TITLES), kind.__name__)


def _because(chain: list[BaseException]) -> str:
    """What the operating system or OpenSSL says; never a library's own text, which may quote headers."""
    for link in chain:
        if isinstance(link, socket.gaierror):
            return " (the name cannot be resolved)"
        if isinstance(link, OSError) and link.errno:
            return f" ({os.strerror(link.errno)})"
    return ""
