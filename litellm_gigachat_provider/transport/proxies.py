"""Which proxy a request goes through: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY (or the system's settings).

One answer for every request the package makes: tokens, chat, files. NO_PROXY is read as httpx reads it (a name stands
for itself and what is below it, an address for itself, ``scheme://host`` for that scheme only), and so are the forms
that httpx fails on: ``[::1]``, ports, address ranges, names in other scripts. What is not understood is left out and
named by :func:`misread`: a bad entry must not be able to stop a call.
"""

from __future__ import annotations

import functools
import importlib.util
import ipaddress
import os
import re
import urllib.request
from typing import NamedTuple

import httpx

from ..errors import ConnectionFailureError

_PORTS = {"http": 80, "https": 443}
_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_HOST = re.compile(r"[a-z0-9._:-]+")  # httpx percent-encodes what is none
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class _Rule(NamedTuple):
    """One entry of NO_PROXY; what is None holds for all."""

    name: str | None
    network: _Network | None
    port: int | None
    scheme: str | None

    def covers(self, url: httpx.URL, host: str, address: _Address | None) -> bool:
        if self.scheme not in (None, url.scheme) or self.port not in (None, url.port or _PORTS.get(url.scheme)):
            return False
        if self.network is not None:
            return address is not None and address in self.network
        return self.name is None or host == self.name or host.endswith(f".{self.name}")


class _Environment(NamedTuple):
    proxies: dict[str, httpx.Proxy]  # by the scheme of the request, or "all"
    direct: tuple[_Rule, ...]
    misread: tuple[str, ...]


def proxy_for(url: httpx.URL) -> httpx.Proxy | None:
    """The proxy to this URL, None for a direct connection.

    Raises ConnectionFailureError for a SOCKS proxy without the package that speaks to it.
    """
    environment = _environment()
    proxy = environment.proxies.get(url.scheme) or environment.proxies.get("all")
    if proxy is None:
        return None
    host = url.raw_host.decode("ascii").rstrip(".")
    address = _address(host)
    if any(rule.covers(url, host, address) for rule in environment.direct):
        return None
    if proxy.url.scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        raise ConnectionFailureError(
            "a SOCKS proxy is configured. Install socksio (pip install 'httpx[socks]') to use it, or list the host "
            "in NO_PROXY"
        )
    return proxy


def misread() -> tuple[str, ...]:
    """What of the proxy settings is not understood and therefore left out, one sentence each; without passwords."""
    return _environment().misread


def _environment() -> _Environment:
    return _read(tuple(os.environ.get(name) or os.environ.get(name.upper()) for name in _VARIABLES))


@functools.lru_cache(maxsize=16)
def _read(_: tuple[str | None, ...]) -> _Environment:
    found = urllib.request.getproxies()
    misread: list[str] = []
    proxies: dict[str, httpx.Proxy] = {}
    for scheme in ("http", "https", "all"):
        if value := found.get(scheme):
            proxy = _proxy(value)
            if proxy is None:
                misread.append(f"{scheme.upper()}_PROXY is not the URL of a proxy (http, https, socks5 or socks5h)")
            else:
                proxies[scheme] = proxy
    direct: list[_Rule] = []
    for entry in filter(None, (part.strip() for part in found.get("no", "").split(","))):
        rule = _rule(entry)
        if rule is None:
            misread.append(f"{entry[:80]!r} in NO_PROXY is no name, address, range or URL")
        else:
            direct.append(rule)
    return _Environment(proxies, tuple(direct), tuple(misread))


def _proxy(value: str) -> httpx.Proxy | None:
    try:
        proxy = httpx.Proxy(value if "://" in value else f"http://{value}")
    except (httpx.InvalidURL, ValueError):
        return None
    return proxy if _HOST.fullmatch(proxy.url.raw_host.decode("ascii")) else None


def _rule(entry: str) -> _Rule | None:
    if entry == "*":
        return _Rule(None, None, None, None)
    scheme, separator, place = entry.lower().rpartition("://")
    if separator and scheme not in ("http", "https", "all"):
        return None
    for_scheme = scheme if separator and scheme != "all" else None
    try:
        return _Rule(None, ipaddress.ip_network(place.strip("[]"), strict=False), None, for_scheme)
    except ValueError:
        pass  # a name, or an address with a port
    try:
        url = httpx.URL(f"http://{place.removeprefix('*').removeprefix('.')}")
    except (httpx.InvalidURL, ValueError):
        return None
    host = url.raw_host.decode("ascii").rstrip(".")
    if not _HOST.fullmatch(host) or url.userinfo or url.path != "/" or url.query:
        return None
    port = url.port or (80 if place.endswith(":80") else None)
    address = _address(host)
    network = ipaddress.ip_network(address) if address is not None else None
    return _Rule(None if network is not None else host, network, port, for_scheme)


def _address(host: str) -> _Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None
