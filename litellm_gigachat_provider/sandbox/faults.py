"""A server of exact bytes, for failures below HTTP: resets between bytes, half headers, wrong lengths, silence."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Sequence
from enum import Enum
from types import TracebackType
from typing import Final

HOST: Final = "127.0.0.1"
_LENGTH: Final = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_JOIN_TIMEOUT: Final = 2.0


class Act(Enum):
    READ = "read one request, head and body"
    CLOSE = "close the connection"
    RESET = "close it with RST"
    HOLD = "stay silent until the server stops"


Step = bytes | float | Act
Script = Sequence["bytes | float | Act"]  # bytes are sent, a number is a pause in seconds


class RawServer:
    """``with RawServer([Act.READ, b"HTTP/1.1 200 OK\\r\\n", Act.RESET]) as server: …``

    Each connection plays the next script, the last one again and again. ``received`` holds what clients sent, one
    entry for each ``Act.READ``. A script that ends closes its connection.
    """

    def __init__(self, *scripts: Script) -> None:
        if not scripts:
            raise ValueError("at least one script is needed")
        self._scripts = scripts
        self.received: list[bytes] = []
        self.connections = 0
        self._listener: socket.socket | None = None
        self._stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def __enter__(self) -> RawServer:
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self._spawn(self._accept, self._listener)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
            self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_JOIN_TIMEOUT)

    def _spawn(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, name="gigachat-raw", daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            with self._lock:
                self._open.add(connection)
            self._spawn(self._play, connection, script)

    def _play(self, connection: socket.socket, script: Script) -> None:
        try:
            for step in script:
                if isinstance(step, bytes):
                    connection.sendall(step)
                elif isinstance(step, (int, float)):
                    self._stopping.wait(step)
                elif step is Act.READ:
                    self.received.append(_request(connection))
                elif step is Act.HOLD:
                    self._stopping.wait()
                else:
                    if step is Act.RESET:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
        except OSError:
            return  # the client went first
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()


def _request(connection: socket.socket) -> bytes:
    """One request by its Content-Length; chunked bodies are not needed here."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    found = _LENGTH.search(head)
    missing = int(found[1]) - len(body) if found else 0
    while missing > 0:
        piece = connection.recv(65536)
        if not piece:
            break
        data += piece
        missing -= len(piece)
    return data
