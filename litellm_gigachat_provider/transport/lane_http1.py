"""The blocking lane over HTTP/1.1: every blocking plain call, and streams where the server has no HTTP/2.

Written on sockets, because a call costs less than half of httpcore's and a third of httpx's there, and because a
stream's reads can hand out all that arrived (see ``chunked``). Connections are kept per origin, the youngest is
used first, and one that the server has closed meanwhile is noticed before it is used.
"""

from __future__ import annotations

import base64
import http.client
import io
import select
import socket
import ssl
import threading
from typing import Any

import httpx

from ..errors import ConnectionFailureError
from .chunked import ChunkDecoder
from .deadline import Deadline, clock, connect_limit, current
from .head import Head, read_head
from .lanes import KEEP_ALIVE, Collector, Raw, unpacked
from .proxies import Proxy, ProxyMap, port_of

_READ = 65536
_KEPT = 100  # idle connections per origin
Origin = tuple[str, str, int]


class _Reader(io.RawIOBase):
    """Reads the socket, each time with what is left of the call's time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        connection = self._connection
        connection.limit_wait()
        return connection.sock.recv_into(buffer)


class Connection:
    """A connection with one reader for all of its answers."""

    __slots__ = ("deadline", "expires", "reader", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.deadline: Deadline | None = None
        self.expires = 0.0
        self.reader = io.BufferedReader(_Reader(self), _READ)

    def limit_wait(self) -> None:
        deadline = current() or self.deadline
        left = deadline.left() if deadline is not None else None
        if left is not None and left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)

    def send(self, head: bytes, body: bytes) -> None:
        self.limit_wait()
        if len(body) < _READ:
            self.sock.sendall(head + body)
        else:
            self.sock.sendall(head)
            self.limit_wait()
            self.sock.sendall(body)

    def is_stale(self) -> bool:
        """Closed by the server, or saying something nobody asked for."""
        return clock() > self.expires or _is_readable(self.sock)

    def close(self) -> None:
        self.sock.close()


def _is_readable(sock: socket.socket) -> bool:
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([sock], [], [], 0)[0])


class Http1Lane:
    """Shared by all threads."""

    def __init__(self, context: ssl.SSLContext, proxies: ProxyMap) -> None:
        self._context = context
        self._proxies = proxies
        self._idle: dict[Origin, list[Connection]] = {}
        self._lock = threading.Lock()

    def send(self, request: httpx.Request, url: str, deadline: Deadline, limit: int) -> Raw:
        stream = self._start(request, deadline)
        try:
            collector = Collector(limit)
            while part := stream.read():
                collector.add(part)
        finally:
            stream.close()
        return Raw(stream.status, stream.headers, unpacked(collector.body(), stream.headers, limit))

    def open(self, request: httpx.Request, url: str, deadline: Deadline) -> Http1Stream:
        return self._start(request, deadline)

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, {}
        for kept in idle.values():
            for connection in kept:
                connection.close()

    # --- one exchange ----------------------------------------------------------------------------

    def _start(self, request: httpx.Request, deadline: Deadline) -> Http1Stream:
        url = request.url
        origin = (url.scheme, url.host, port_of(url))
        proxy = self._proxies.find(*origin)
        connection = self._reused(origin)
        try:
            if connection is None:
                connection = self._connect(origin, proxy, deadline)
            connection.deadline = deadline
            connection.send(_head(request, proxy), request.content)
            head = read_head(connection.reader, request.method)
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        connection.deadline = None
        return Http1Stream(self, origin, connection, head, deadline)

    def _reused(self, origin: Origin) -> Connection | None:
        kept = self._idle.get(origin)
        while kept:
            try:
                connection = kept.pop()
            except IndexError:
                return None
            if not connection.is_stale():
                return connection
            connection.close()
        return None

    def keep(self, origin: Origin, connection: Connection) -> None:
        connection.expires = clock() + KEEP_ALIVE
        with self._lock:
            kept = self._idle.setdefault(origin, [])
            kept.append(connection)
            surplus = [kept.pop(0)] if len(kept) > _KEPT or kept[0].is_stale() else []
        for old in surplus:
            old.close()

    def _connect(self, origin: Origin, proxy: Proxy | None, deadline: Deadline) -> Connection:
        scheme, host, port = origin
        sock = _dial(*((host, port) if proxy is None else (proxy.host, proxy.port)), deadline)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if scheme == "https":
                if proxy is not None:
                    _tunnel(sock, host, port, proxy, deadline)
                sock.settimeout(connect_limit(deadline.left()))
                sock = self._context.wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise
        return Connection(sock)


def _dial(host: str, port: int, deadline: Deadline) -> socket.socket:
    failure: OSError | None = None
    for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        limit = connect_limit(deadline.left())
        if limit <= 0:
            break
        try:
            return socket.create_connection((str(entry[4][0]), port), timeout=limit)
        except OSError as error:
            failure = error
    if failure is None:
        raise ConnectTimeout
    if isinstance(failure, TimeoutError):
        raise ConnectTimeout from failure
    raise ConnectError from failure


class ConnectTimeout(TimeoutError):  # noqa: N818 - named as in httpx, so that one table reads both
    pass


class ConnectError(OSError):
    pass


def _tunnel(sock: socket.socket, host: str, port: int, proxy: Proxy, deadline: Deadline) -> None:
    name = f"[{host}]" if ":" in host else host
    head = f"CONNECT {name}:{port} HTTP/1.1\r\nHost: {name}:{port}\r\n{_proxy_login(proxy)}\r\n".encode()
    connection = Connection(sock)
    connection.deadline = Deadline(connect_limit(deadline.left()))
    connection.send(head, b"")
    status = read_head(connection.reader, "CONNECT").status
    if status != 200:
        raise ConnectionFailureError(f"the proxy {proxy.url} refused the connection to {host} ({status})")


def _proxy_login(proxy: Proxy | None) -> str:
    if proxy is None or proxy.login is None:
        return ""
    return f"Proxy-Authorization: Basic {base64.b64encode(':'.join(proxy.login).encode()).decode()}\r\n"


def _head(request: httpx.Request, proxy: Proxy | None) -> bytes:
    target = request.url.raw_path
    lines = [b"%s: %s\r\n" % pair for pair in request.headers.raw]
    if proxy is not None and request.url.scheme == "http":
        target = b"http://" + request.url.netloc + target
        lines.append(_proxy_login(proxy).encode())
    return b"%s %s HTTP/1.1\r\n%s\r\n" % (request.method.encode(), target, b"".join(lines))


class Http1Stream:
    """One answer. ``read`` gives all that arrived; ``close`` keeps the connection if the answer was read to its end."""

    http_version = "HTTP/1.1"

    def __init__(
        self,
        lane: Http1Lane,
        origin: Origin,
        connection: Connection,
        head: Head,
        deadline: Deadline,
    ) -> None:
        self.status = head.status
        self.headers = httpx.Headers(head.headers)
        self._lane = lane
        self._origin = origin
        self._connection: Connection | None = connection
        self._keep = not head.will_close
        self._chunks = ChunkDecoder() if head.chunked else None
        self._left = head.length
        self._deadline = deadline
        self._read1 = connection.reader.read1
        self._ended = self._left == 0

    def read(self) -> bytes:
        connection = self._connection
        if self._ended or connection is None:
            return b""
        connection.deadline = self._deadline
        while True:
            data: bytes = self._read1(_READ)
            if not data:
                return self._end_of_connection()
            if self._chunks is not None:
                data = self._chunks.feed(data)
                self._ended = self._chunks.ended
            elif self._left is not None:
                data = data[: self._left]
                self._left -= len(data)
                self._ended = self._left == 0
            if data or self._ended:
                return data

    def _end_of_connection(self) -> bytes:
        self._keep = False
        if self._chunks is not None or self._left is not None:
            raise http.client.IncompleteRead(b"")
        self._ended = True
        return b""

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        connection.deadline = None
        if self._ended and self._keep:
            self._lane.keep(self._origin, connection)
        else:
            connection.close()
