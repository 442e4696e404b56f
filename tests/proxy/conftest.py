"""One proxy process for all of these tests: our command with LiteLLM's server, in front of a sandbox here."""

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
import pytest

pytest.importorskip("fastapi", reason="needs litellm[proxy]")
openai = pytest.importorskip("openai")
anthropic = pytest.importorskip("anthropic")

from litellm_gigachat_provider.sandbox import Knobs, Sandbox  # noqa: E402

START_SECONDS = 150


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
    """``litellm-gigachat proxy …`` with its output in a file; ``url`` is where it listens."""

    def __init__(self, sandbox: Sandbox, folder: Path, *arguments: str, **environment: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log_file = folder / "proxy.log"
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("GIGACHAT_", "LITELLM_"))}
        command = [sys.executable, "-m", "litellm_gigachat_provider", "proxy", "--port", str(port), *arguments]
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, env={**clean, **sandbox.env, **environment}, stdout=log, stderr=subprocess.STDOUT
            )

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
        return self.process.wait(15)


def _descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    found = [int(child) for child in children.read_text().split()] if children.exists() else []
    return found + [deeper for child in found for deeper in _descendants(child)]


@pytest.fixture(scope="session")
def _server():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def _proxy(_server, tmp_path_factory):
    proxy = ProxyProcess(_server, tmp_path_factory.mktemp("proxy"))
    try:
        proxy.wait_ready()
        yield proxy
    finally:
        proxy.stop()


@pytest.fixture
def sandbox(_server):
    """The GigaChat behind the proxy, with an empty log and default knobs."""
    _server.clear()
    _server.world.faults.clear()
    _server.world.knobs = Knobs()
    return _server


@pytest.fixture
def proxy(_proxy, sandbox):
    return _proxy


@pytest.fixture
def http(proxy):
    """Plain HTTP without any client key."""
    with httpx.Client(base_url=proxy.url, timeout=30) as client:
        yield client


@pytest.fixture
def oai(proxy):
    """OpenAI's SDK as the predecessor's page configures it: no /v1 in the address, any key."""
    with openai.OpenAI(base_url=proxy.url, api_key="any-key", max_retries=0, timeout=30) as client:
        yield client


@pytest.fixture
def claude(proxy):
    with anthropic.Anthropic(base_url=proxy.url, api_key="any-key", max_retries=0, timeout=30) as client:
        yield client


@pytest.fixture
def nothing_refused(sandbox):
    """The strict sandbox took every request of this test."""
    yield
    assert [record.refusal for record in sandbox.refused] == []


@pytest.fixture
def rogue():
    listener = RogueListener()
    yield listener
    listener.close()
