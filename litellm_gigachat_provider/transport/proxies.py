"""Which proxy a request goes through, by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY (or the system's settings).

One answer for every lane: a library's own reading of the environment may include ``~/.netrc``, and put another
Authorization header on the request than ours.
"""

from __future__ import annotations

import importlib.util
import urllib.request
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

import httpx

from ..errors import ConnectionFailureError


@dataclass(frozen=True)
class Proxy:
    """A proxy without its password in ``url``; ``login`` is kept out of repr."""

    scheme: str
    host: str
    port: int
    login: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def is_socks(self) -> bool:
        return self.scheme.startswith("socks")


def port_of(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


class ProxyMap:
    """The proxies as they are configured when it is made."""

    def __init__(self) -> None:
        self._proxies = urllib.request.getproxies()
        self._known: dict[tuple[str, str, int], Proxy | None] = {}

    def find(self, scheme: str, host: str, port: int) -> Proxy | None:
        """The proxy to this origin, None for a direct connection. Raises ConnectionFailureError on a broken setting."""
        if not self._proxies:
            return None
        origin = (scheme, host, port)
        if origin not in self._known:
            if len(self._known) > 256:
                self._known.clear()
            self._known[origin] = self._look_up(*origin)
        return self._known[origin]

    def needs_core(self, url: httpx.URL) -> bool:
        """Whether the proxy to this URL is one that only httpcore speaks to: SOCKS, or TLS within TLS."""
        if not self._proxies:
            return False
        proxy = self.find(url.scheme, url.host, port_of(url))
        return proxy is not None and proxy.scheme != "http"

    def _look_up(self, scheme: str, host: str, port: int) -> Proxy | None:
        value = self._proxies.get(scheme) or self._proxies.get("all")
        if not value or urllib.request.proxy_bypass(f"{host}:{port}"):
            return None
        return _read(value if "://" in value else f"http://{value}", scheme)


def _read(value: str, for_scheme: str) -> Proxy:
    try:
        parts: SplitResult | None = urlsplit(value)
        port = parts.port if parts is not None else None
    except ValueError:
        parts = port = None
    if parts is None or parts.scheme not in _PORTS or not parts.hostname:
        raise ConnectionFailureError(
            f"the proxy for {for_scheme} URLs cannot be read. Set {for_scheme.upper()}_PROXY to http://host:port "
            "(https, socks5 and socks5h work too) or list the host in NO_PROXY"
        )
    if parts.scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        raise ConnectionFailureError(
            "a SOCKS proxy is configured. Install socksio (pip install 'httpx[socks]') to use it"
        )
    login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return Proxy(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], login)
