"""Fetching a file from an address that a user wrote: only from the public internet, whatever the name says.

The name is resolved here, every address is checked, and the connection goes to a checked address (the
certificate and the Host header are still the name's), so a name that changes its mind between the check and
the connection gains nothing. The same holds after each redirect. Nothing of ours is sent along: no token, no
cookie, no client certificate. A configured HTTPS proxy is not used on purpose: it would resolve the name
again, and it may reach what this machine cannot. Where only a proxy leads out, pass the file as data.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import socket
from collections.abc import Callable

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult

from ..errors import GigaChatError, InvalidRequestError, TimeoutFailureError
from ..settings import Settings
from ..transport import tls
from ..transport.deadline import Deadline, time_limit
from ..transport.exchange import read
from ..transport.failures import NETWORK_ERRORS, translate
from ..transport.outgoing import user_agent
from ..transport.over_aiohttp import AiohttpTransport, new_session

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


def _check(addresses: list[str], port: int, allow: Allow) -> None:
    """One private address among several is enough to refuse the name."""
    for address in addresses:
        if not allow(address, port):
            raise RefusedAddressError("leads to an address that is not public")
    if not addresses:
        raise RefusedAddressError("has no address")


class _GuardedResolver(AbstractResolver):
    """aiohttp connects to the very addresses that this gives."""

    def __init__(self, allow: Allow) -> None:
        self._allow = allow
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        _check([entry["host"] for entry in found], port, self._allow)
        return found

    async def close(self) -> None:
        await self._resolver.close()


class Fetcher:
    """``fetch``: the bytes and the declared type of a URL.

    Raises InvalidRequestError naming ``where`` for anything that is wrong with the URL or its server, and
    TimeoutFailureError when the caller's own time is over.
    """

    def __init__(self, settings: Settings, _allow: Allow | None = None) -> None:
        # no client certificate, and always verified: this server is not GigaChat
        self._settings = dataclasses.replace(
            settings, verify=True, cert_file=None, key_file=None, key_file_password=None
        )
        self._allow = _allow or (lambda address, port: is_public(address))

    async def fetch(self, url: str, *, where: str, limit: int, timeout: float | None) -> tuple[bytes, str]:
        outer = Deadline(timeout)
        deadline = Deadline(TIME_LIMIT if timeout is None else min(TIME_LIMIT, timeout))
        try:
            async with (
                time_limit(deadline.left()),
                new_session(0.0, _GuardedResolver(self._allow)) as session,
            ):
                way = AiohttpTransport(session, tls.context_for(self._settings), None)
                hop = _Hop(url, where, self._allow)
                while True:
                    response = await way.handle_async_request(hop.request(deadline))
                    if not hop.follows(response):
                        return await read(response, limit, hop.too_large(response, limit)), hop.mime
                    await response.aclose()
        except NETWORK_ERRORS as error:
            failure = _refusal(error, where, outer)
        raise failure


class _Hop:
    """The chain of redirects of one fetch."""

    def __init__(self, url: str, where: str, allow: Allow) -> None:
        self._where = where
        self._allow = allow
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

    def request(self, deadline: Deadline) -> httpx.Request:
        """Raises RefusedAddressError for an address in figures, which no resolver sees."""
        url = self._url
        host = url.host.strip("[]")
        try:
            ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            pass
        else:
            _check([host], url.port or (443 if url.scheme == "https" else 80), self._allow)
        headers = {"User-Agent": user_agent(), "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
        return httpx.Request("GET", url, headers=headers, extensions={"timeout": deadline.connect_only()})

    def follows(self, response: httpx.Response) -> bool:
        """True when there is another hop to make. Raises for a status that brings no file."""
        headers = response.headers
        if response.status_code in _MOVED and "location" in headers:
            if self._left == 0:
                raise InvalidRequestError(self._where, f"the URL redirects more than {MAX_REDIRECTS} times", _AS_DATA)
            self._left -= 1
            self._url = self._read(headers["location"], self._url)
            return True
        if response.status_code != 200:
            problem = f"the server of the URL answered {response.status_code}"
            raise InvalidRequestError(self._where, problem, _AS_DATA)
        if headers.get("content-encoding", "identity") != "identity":
            raise InvalidRequestError(self._where, "the server of the URL sends it packed, unasked", _AS_DATA)
        self.mime = headers.get("content-type", "")
        return False

    def too_large(self, response: httpx.Response, limit: int) -> InvalidRequestError:
        """The failure for a file beyond ``limit`` bytes; raised at once where the server says its length."""
        failure = InvalidRequestError(
            self._where, f"the file behind the URL is larger than {limit} bytes", "Make it smaller"
        )
        length = response.headers.get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            raise failure
        return failure


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
