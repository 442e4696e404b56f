"""The services of examples/proxy/compose.yaml as processes of this machine, before a sandbox with a limited account."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from proxy_process import CLIENT_KEY, ProxyProcess
from redis_process import Redis

from litellm_gigachat_provider.sandbox import Sandbox

EXAMPLE = Path(__file__).parents[2] / "examples" / "proxy"
LIMIT = 3  # generations at once that the account has
_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


class Stage:
    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self.sandbox = stack.enter_context(Sandbox(scope="GIGACHAT_API_B2B"))
        self.sandbox.knobs.max_generations = LIMIT
        self.redis = Redis(folder)
        stack.callback(self.redis.stop)
        given = {**self.sandbox.env, "LITELLM_MASTER_KEY": CLIENT_KEY, "GIGACHAT_MAX_CONCURRENCY": str(LIMIT)}
        services = yaml.safe_load((EXAMPLE / "compose.yaml").read_text(encoding="utf-8"))["services"]
        self.proxies = [
            Proxy(self, folder / name, service, given) for name, service in services.items() if name.startswith("proxy")
        ]
        for proxy in self.proxies:
            stack.callback(proxy.stop)
            proxy.start()
        for proxy in self.proxies:
            proxy.wait_ready()


class Proxy:
    """One proxy service: its command and environment, with this machine's addresses for those of the containers."""

    def __init__(self, stage: Stage, folder: Path, service: Mapping[str, Any], given: Mapping[str, str]) -> None:
        program, command, *words = shlex.split(service["command"])
        assert (program, command) == ("litellm-gigachat", "proxy"), service["command"]
        mounted = dict(volume.split(":")[1::-1] for volume in service["volumes"])
        here = {"0.0.0.0": "127.0.0.1"}  # nothing of a test listens to the outside
        here |= {path.removeprefix("/app/"): str(EXAMPLE / file) for path, file in mounted.items()}
        self._words = [here.get(word, word) for word in words]
        self._environment = {
            name: self._value(name, value, given).replace("redis://redis:6379/0", stage.redis.url)
            for name, value in service["environment"].items()
        }
        self._sandbox, self._folder, self._process = stage.sandbox, folder, None
        self._port: int | None = None
        folder.mkdir()

    @staticmethod
    def _value(name: str, value: Any, given: Mapping[str, str]) -> str:
        """As compose reads it: no value means the environment's, ``${NAME:-default}`` that or else the default."""
        if value is None:
            return given[name]
        return _VARIABLE.sub(lambda found: given.get(found[1], found[2]), str(value))

    def start(self) -> None:
        self._process = ProxyProcess(self._sandbox, self._folder, *self._words, port=self._port, **self._environment)
        self._port = self._process.port
        self.url = self._process.url

    def wait_ready(self) -> None:
        self._process.wait_ready()

    def kill(self) -> None:
        """As when its machine loses power: the server and what it started, without a word to anybody."""
        for pid in [self._process.process.pid, *self._process.family()]:
            os.kill(pid, signal.SIGKILL)
        self._process.process.wait(30)
        with contextlib.suppress(OSError):
            while True:  # the server is not this process's child: it is gone when nobody listens
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
