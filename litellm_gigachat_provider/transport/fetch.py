"""Fetching a file from an address that a user wrote: only from the public internet, whatever the name says.

The name is resolved here, every address is checked, and the connection goes to a checked address (the
certificate and the Host header are still the name's), so a name that changes its mind between the check and
the connection gains nothing. The same holds after each redirect. Nothing of ours is sent along: no token, no
cookie, no client certificate. A configured HTTPS proxy is not used on purpose: it would resolve the name
again, and it may reach what this machine cannot. Where only a proxy leads out, pass the file as data.
"""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast

import httpcore
import httpx

from ..errors import GigaChatError, InvalidRequestError, TimeoutFailureError
from ..settings import Settings
from . import tls
from .clamped import ClampedBackend
from .deadline import Deadline, clamp, time_limit
from .failures import network_errors, translate
from .lanes import Collector
from .outgoing import user_agent

TIME_LIMIT = 30.0
MAX_REDIRECTS = 5
_AS_DATA = "Pass the file itself instead, as a data URL"
_MOVED = frozenset({301, 302, 303, 307, 308})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# not for the public either, which older Pythons do not know
_SPECIAL = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "64:ff9b:1::/48", "100::/64", "3fff::/20", "5f00::/16")))

Allow = Callable[[str, int], bool]


class RefusedAddressError(GigaChatError):
    """The name leads to an address that is not public. Becomes InvalidRequestError naming the input."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also where IPv6 only wraps an IPv4 address."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    if any(ip in network for network in _SPECIAL):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback)


def _checked(found: list[Any], port: int, allow: Allow) -> str:
    """The address to connect to. One private address among several is enough to refuse the name."""
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not allow(address, port):
            raise RefusedAddressError("leads to an address that is not public")
    if not addresses:
        raise RefusedAddressError("has no address")
    return addresses[0]


class _Guarded(ClampedBackend):
    def __init__(self, allow: Allow) -> None:
        super().__init__()
        self._allow = allow

    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return super().connect_tcp(_checked(found, port, self._allow), port, *args, **kwargs)


class _AsyncGuarded(httpcore.AnyIOBackend):
    def __init__(self, allow: Allow) -> None:
        self._allow = allow

    async def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return await super().connect_tcp(_checked(found, port, self._allow), port, *args, **kwargs)


class Fetcher:
    """``fetch`` and its async twin ``afetch``: the bytes and the declared type of a URL.

    Both raise InvalidRequestError naming ``where`` for anything that is wrong with the URL or its server, and
    TimeoutFailureError when the caller's own time is over.
    """

    def __init__(self, settings: Settings, _allow: Allow | None = None) -> None:
        # no client certificate, and always verified: this server is not GigaChat
        self._settings = dataclasses.replace(
            settings, verify=True, cert_file=None, key_file=None, key_file_password=None
        )
        self._allow = _allow or (lambda address, port: is_public(address))

    def _context(self) -> ssl.SSLContext:
        return tls.context_for(self._settings)

    def fetch(self, url: str, *, where: str, limit: int, timeout: float | None) -> tuple[bytes, str]:
        outer = Deadline(timeout)
        deadline = Deadline(_limited(timeout))
        try:
            with (
                clamp(deadline),
                httpcore.ConnectionPool(
                    ssl_context=self._context(), http1=True, network_backend=_Guarded(self._allow)
                ) as pool,
            ):
                hop = _Hop(url, where)
                while True:
                    response = pool.handle_request(hop.request(deadline))
                    try:
                        if not hop.follows(response):
                            collector = hop.collector(response, limit)
                            for part in cast("Iterator[bytes]", response.stream):
                                collector.add(part)
                            return collector.body(), hop.mime
                    finally:
                        response.close()
        except network_errors() as error:
            failure = _refusal(error, where, outer)
        raise failure

    async def afetch(self, url: str, *, where: str, limit: int, timeout: float | None) -> tuple[bytes, str]:
        outer = Deadline(timeout)
        deadline = Deadline(_limited(timeout))
        try:
            async with (
                time_limit(deadline.left()),
                httpcore.AsyncConnectionPool(
                    ssl_context=self._context(), http1=True, network_backend=_AsyncGuarded(self._allow)
                ) as pool,
            ):
                hop = _Hop(url, where)
                while True:
                    response = await pool.handle_async_request(hop.request(deadline))
                    try:
                        if not hop.follows(response):
                            collector = hop.collector(response, limit)
                            async for part in cast("AsyncIterator[bytes]", response.stream):
                                collector.add(part)
                            return collector.body(), hop.mime
                    finally:
                        await response.aclose()
        except network_errors() as error:
            failure = _refusal(error, where, outer)
        raise failure


class _Hop:
    """The chain of redirects of one fetch."""

    def __init__(self, url: str, where: str) -> None:
        self._where = where
        self._left = MAX_REDIRECTS
        self.mime = ""
        self._url = self._read(url, None)

    def _read(self, url: str, previous: httpx.URL | None) -> httpx.URL:
        try:
            parsed = httpx.URL(url) if previous is None else previous.join(url)
        except (httpx.InvalidURL, ValueError):
            raise InvalidRequestError(self._where, "is not a URL", _AS_DATA) from None
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise InvalidRequestError(self._where, "is neither an http nor an https URL", _AS_DATA)
        if parsed.userinfo:
            raise InvalidRequestError(self._where, "the URL carries a user name or password", "Leave them out")
        if previous is not None and previous.scheme == "https" and parsed.scheme == "http":
            raise InvalidRequestError(self._where, "the URL redirects from https to http", _AS_DATA)
        return parsed

    def request(self, deadline: Deadline) -> httpcore.Request:
        url = self._url
        return httpcore.Request(
            "GET",
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=[
                (b"Host", url.netloc),
                (b"User-Agent", user_agent().encode()),
                (b"Accept", b"*/*"),
                (b"Accept-Encoding", b"identity"),
                (b"Connection", b"close"),
            ],
            extensions={"timeout": deadline.timeouts()},
        )

    def follows(self, response: httpcore.Response) -> bool:
        """True when there is another hop to make. Raises for a status that brings no file."""
        headers = httpx.Headers(response.headers)
        if response.status in _MOVED and "location" in headers:
            if self._left == 0:
                raise InvalidRequestError(self._where, f"the URL redirects more than {MAX_REDIRECTS} times", _AS_DATA)
            self._left -= 1
            self._url = self._read(headers["location"], self._url)
            return True
        if response.status != 200:
            raise InvalidRequestError(self._where, f"the server of the URL answered {response.status}", _AS_DATA)
        if headers.get("content-encoding", "identity") != "identity":
            raise InvalidRequestError(self._where, "the server of the URL sends it packed, unasked", _AS_DATA)
        self.mime = headers.get("content-type", "")
        return False

    def collector(self, response: httpcore.Response, limit: int) -> Collector:
        too_large = InvalidRequestError(
            self._where, f"the file behind the URL is larger than {limit} bytes", "Make it smaller"
        )
        length = httpx.Headers(response.headers).get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            raise too_large
        return Collector(limit, too_large)


def _limited(timeout: float | None) -> float:
    return TIME_LIMIT if timeout is None else min(TIME_LIMIT, timeout)


def _refusal(error: BaseException, where: str, outer: Deadline) -> GigaChatError:
    if isinstance(error, RefusedAddressError):
        return InvalidRequestError(where, f"the URL {error}", _AS_DATA)
    failure = translate(error, host="the server of the URL", timeout=None)
    if isinstance(failure, InvalidRequestError):
        return failure
    if isinstance(failure, TimeoutFailureError):
        if outer.passed():
            return TimeoutFailureError(f"{where}: fetching the URL took the whole timeout")
        return InvalidRequestError(where, f"the URL gave no file within {TIME_LIMIT:g} s", _AS_DATA)
    return InvalidRequestError(where, f"the URL cannot be fetched: {failure}", _AS_DATA)
