"""``litellm-gigachat proxy`` as a process, and a listener that nobody should ever call."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx

from litellm_gigachat_provider.sandbox import Sandbox

CLIENT_KEY = "sk-client-" + "k" * 24  # of the second process; the first takes any
START_SECONDS = 300  # about 25 s on an idle machine, for two workers 50 s


class RogueListener:
    """Takes connections on loopback and keeps what they say. Nobody should ever come."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(0.3)
                try:
                    self.heard.append(connection.recv(65536))
                    connection.sendall(b"HTTP/1.1 500 Gotcha\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                except OSError:
                    self.heard.append(b"(connected)")

    def close(self) -> None:
        self._socket.close()


class ProxyProcess:
    """``litellm-gigachat proxy …`` (or another ``command``) with its output in a file; ``url`` is where it listens."""

    command = (sys.executable, "-m", "litellm_gigachat_provider", "proxy")

    def __init__(
        self, sandbox: Sandbox, folder: Path, *arguments: str, port: int | None = None, **environment: str
    ) -> None:
        if port is None:
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log_file = folder / "proxy.log"
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("GIGACHAT_", "LITELLM_"))}
        command = [*self.command, "--port", str(port), *arguments]
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, env={**clean, **sandbox.env, **environment}, stdout=log, stderr=subprocess.STDOUT
            )

    def __enter__(self) -> ProxyProcess:
        """Once it answers."""
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_ready(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log
            try:
                if httpx.get(f"{self.url}/health/readiness", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.3)
        raise AssertionError(f"not ready in {START_SECONDS} s:\n{self.log}")

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def family(self) -> list[int]:
        """The server's process ids: the child of our command, its workers and their helpers."""
        return _descendants(self.process.pid)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def _descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    found = [int(child) for child in children.read_text().split()] if children.exists() else []
    return found + [deeper for child in found for deeper in _descendants(child)]
