"""The blocking lane over HTTP/1.1: every blocking plain call, and streams where the server has no HTTP/2.

Written on sockets, because a call costs less than half of httpcore's and a third of httpx's there, and because a
stream's reads can hand out all that arrived (see ``incoming``). Connections are kept per origin, the youngest is
used first, and one that the server has closed meanwhile is noticed before it is used.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading

import httpx

from ..errors import ConnectionFailureError
from .deadline import Deadline, clock, connect_limit, current
from .head import Head, connect_head, http_headers, request_head
from .incoming import Incoming
from .lanes import KEEP_ALIVE, Collector, Raw, unpacked
from .proxies import Proxy, ProxyMap, port_of

_READ = 65536
_KEPT = 100  # idle connections per origin
Origin = tuple[str, str, int]


class Connection:
    """A socket whose every wait is bounded by what is left of the call's time."""

    __slots__ = ("deadline", "expires", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.deadline: Deadline | None = None
        self.expires = 0.0

    def _limit_wait(self) -> None:
        deadline = current() or self.deadline
        left = deadline.left() if deadline is not None else None
        if left is not None and left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)

    def send(self, head: bytes, body: bytes) -> None:
        self._limit_wait()
        if len(body) < _READ:
            self.sock.sendall(head + body)
        else:
            self.sock.sendall(head)
            self._limit_wait()
            self.sock.sendall(body)

    def receive(self) -> bytes:
        """What has come, waiting if that is nothing; b"" once the server has closed."""
        self._limit_wait()
        return self.sock.recv(_READ)

    def answer(self, method: str) -> tuple[Incoming, bytes]:
        """The answer to what was sent, once its head is there, and the content that came with it."""
        incoming = Incoming(method)
        content = b""
        while incoming.head is None:
            data = self.receive()
            if data:
                content = incoming.feed(data)
            else:
                incoming.finish()
        return incoming, content

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
            connection.send(request_head(request, proxy), request.content)
            incoming, content = connection.answer(request.method)
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        connection.deadline = None
        return Http1Stream(self, origin, connection, incoming, content, deadline)

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
            surplus = [kept.pop(0)] if len(kept) > _KEPT or (len(kept) > 1 and kept[0].is_stale()) else []
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
    connection = Connection(sock)
    connection.deadline = Deadline(connect_limit(deadline.left()))
    connection.send(connect_head(host, port, proxy), b"")
    through(connection.answer("CONNECT")[0].head, host, proxy)


def through(answer: Head | None, host: str, proxy: Proxy) -> None:
    """Raises ConnectionFailureError unless the proxy opened the way to ``host``."""
    status = answer.status if answer is not None else 0
    if status != 200:
        raise ConnectionFailureError(f"the proxy {proxy.url} refused the connection to {host} ({status})")


class Http1Stream:
    """One answer. ``read`` gives all that arrived; ``close`` keeps the connection if the answer was read to its end."""

    http_version = "HTTP/1.1"

    def __init__(
        self,
        lane: Http1Lane,
        origin: Origin,
        connection: Connection,
        incoming: Incoming,
        content: bytes,
        deadline: Deadline,
    ) -> None:
        assert incoming.head is not None
        self.status = incoming.head.status
        self.headers = http_headers(incoming.head)
        self._lane = lane
        self._origin = origin
        self._connection: Connection | None = connection
        self._incoming = incoming
        self._content = content  # came with the head
        self._deadline = deadline

    def read(self) -> bytes:
        connection = self._connection
        content, self._content = self._content, b""
        if content or connection is None:
            return content
        incoming = self._incoming
        connection.deadline = self._deadline
        while not incoming.ended:
            data = connection.receive()
            if not data:
                incoming.finish()
            elif content := incoming.feed(data):
                return content
        return b""

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        connection.deadline = None
        if self._incoming.reusable:
            self._lane.keep(self._origin, connection)
        else:
            connection.close()
