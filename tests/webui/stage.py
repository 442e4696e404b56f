"""The sandbox's proxy, Open WebUI and a browser, on loopback only, for as long as they are looked at."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selenium import webdriver

from litellm_gigachat_provider.commands.assistants import ASSISTANTS, Values, filled

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 300
CHROMIUM = [
    "--headless=new", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--lang=ru", "--window-size=1280,1000",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # the page itself loads nothing from elsewhere
]  # fmt: skip


@contextlib.contextmanager
def servers(folder: Path, home: Path, logs: Path, sandbox_env: dict[str, str]) -> Iterator[str]:
    """Open WebUI's address, with the proxy behind it."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIGACHAT_")}
    environment = {**clean, "HOME": str(home), "DATA_DIR": str(home)}
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        proxy_port, port = one.getsockname()[1], other.getsockname()[1]
    proxy_url, url = f"http://127.0.0.1:{proxy_port}", f"http://127.0.0.1:{port}"
    proxy = [sys.executable, "-m", "litellm_gigachat_provider", "proxy", "--port", str(proxy_port)]
    settings = "\n".join(filled(item, Values(url=proxy_url)) for item in ASSISTANTS["open-webui"].snippets)
    webui = f"{settings}\nexec '{folder}/webui/bin/open-webui' serve --host 127.0.0.1 --port {port}"
    behind = {**environment, **sandbox_env, "GIGACHAT_MAX_CONCURRENCY": "1", "PYTHONPATH": str(ROOT)}
    with (
        server(logs / "proxy.log", proxy, behind, home, f"{proxy_url}/health/liveliness"),
        server(logs / "open-webui.log", ["bash", "-ec", webui], environment, home, f"{url}/health"),
    ):
        yield url


@contextlib.contextmanager
def server(log: Path, command: list[str], environment: dict[str, str], home: Path, health: str) -> Iterator[None]:
    with log.open("w") as out:
        process = subprocess.Popen(command, env=environment, cwd=home, stdout=out, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not answers(health):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{command[0]} did not start: see {log}")
                time.sleep(1)
            yield
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


@contextlib.contextmanager
def browser(home: Path) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in [*CHROMIUM, f"--user-data-dir={home / 'chromium'}", *(["--no-sandbox"] if os.geteuid() == 0 else [])]:
        options.add_argument(flag)
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()
