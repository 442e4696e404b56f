"""Where a check plays: a sandbox and the proxy before it, and a home of its own for each program."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from litellm_gigachat_provider.commands.assistants import ASSISTANTS, Values, filled
from litellm_gigachat_provider.sandbox import Sandbox

from .programs import QUIET, Program

ROOT = Path(__file__).parents[2]
START_SECONDS, RUN_SECONDS = 180, 180
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Service:
    """A personal account of the sandbox (one generation at a time) behind the proxy as README starts it."""

    def __init__(self, api_version: str, folder: Path) -> None:
        self.sandbox = Sandbox().start()
        self.url = f"http://localhost:{free_port()}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIGACHAT_", "LITELLM_"))}
        self._env = {**kept, **self.sandbox.env, "GIGACHAT_MAX_CONCURRENCY": "1", "GIGACHAT_API_VERSION": api_version}
        self._folder, self._log = folder, folder / f"proxy-{api_version}.log"
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "litellm_gigachat_provider", "proxy", "--port", self.url.rpartition(":")[2]]
        with self._log.open("ab") as log:
            self._proxy = subprocess.Popen(command, env=self._env, cwd=self._folder, stdout=log, stderr=log)

    def wait_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._proxy.poll() is None:
            with contextlib.suppress(urllib.error.URLError, OSError):
                urllib.request.urlopen(f"{self.url}/health/liveliness", timeout=2).close()
                return
            time.sleep(0.5)
        raise RuntimeError(f"the proxy did not start: {self._log.read_text(errors='replace')[-2000:]}")

    def fresh(self) -> None:
        """As just started. A slot that an earlier check lost would fail all that follow: then the proxy starts anew."""
        self.sandbox.reset()
        try:
            self.ask(10)
        except (urllib.error.URLError, OSError):
            self._end()
            self._start()
            self.wait_ready()
        self.sandbox.reset()
        self.sandbox.knobs.max_generations = 1
        self.sandbox.knobs.never_call = True  # a program runs what the model calls: only what a script says

    @property
    def running(self) -> int:
        return self.sandbox.world.running[self.sandbox.client_id]

    def ask(self, seconds: float) -> None:
        """One small question through the proxy, or an error of urllib when it is not answered in time."""
        body = json.dumps({"model": "gigachat", "messages": [{"role": "user", "content": "ping"}]}).encode()
        request = urllib.request.Request(
            f"{self.url}/v1/chat/completions",
            body,
            {"Content-Type": "application/json", "Authorization": "Bearer any-key"},
        )
        urllib.request.urlopen(request, timeout=seconds).close()

    def stop(self) -> None:
        self._end()
        self.sandbox.stop()

    def _end(self) -> None:
        self._proxy.terminate()
        try:
            self._proxy.wait(30)
        except subprocess.TimeoutExpired:
            self._proxy.kill()
            self._proxy.wait()


class Running:
    """A started program; ``pieces``: what came on its standard output, as (seconds since the start, text)."""

    def __init__(self, command: list[str], env: dict[str, str], folder: Path) -> None:
        self._errors = (folder.parent / "errors.txt").open("w+b")
        self._process = subprocess.Popen(
            command, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors,
            start_new_session=True,
        )  # fmt: skip
        self._began = time.monotonic()
        self.pieces: list[tuple[float, str]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        stream: Any = self._process.stdout
        while data := stream.read1(65536):
            self.pieces.append((time.monotonic() - self._began, decoder.decode(data)))

    @property
    def shown(self) -> str:
        return _COLOUR.sub("", "".join(text for _, text in self.pieces))

    @property
    def output(self) -> str:
        """All that its user sees, without colours and with one space wherever there is any."""
        self._errors.seek(0)
        errors = _COLOUR.sub("", self._errors.read().decode("utf-8", "replace"))
        return " ".join(f"{self.shown}\n{errors}".split())

    def wait(self, seconds: float = RUN_SECONDS) -> int | None:
        """Its exit code; None when it had to be killed."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()
            code = None
        self._reader.join(5)
        return code

    def interrupt(self) -> None:
        """Ctrl-C: the terminal sends it to the whole group."""
        self._signal(signal.SIGINT)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


class Home:
    """A home and a project folder for one program, with README's snippets pasted where README says.

    ``typed``: where there is a dialog for the settings, what is typed there; otherwise what goes to the terminal.
    """

    def __init__(self, program: Program, path: list[Path], url: str, folder: Path, *, typed: bool = True) -> None:
        self.program, self._folder = program, folder
        self.project = folder / "project"
        self.project.mkdir(parents=True)
        self._terminal = ""
        values = Values(url=url)
        for snippet in ASSISTANTS[program.name].snippets:
            text = filled(snippet, values)
            if snippet.place.startswith("~/"):
                self._write(snippet.place[2:], text)
            elif program.dialog is None or (not typed and snippet.file.endswith(".sh")):
                self._terminal += text
            elif typed and snippet.file.endswith(".txt"):
                self._write(*program.dialog(text))
        for name, text in program.quiet_files.items():
            self._write(name, text)
        shown = {name: os.environ[name] for name in ("LANG", "LC_ALL", "SHELL") if name in os.environ}
        self._env = {
            "LANG": "C.UTF-8",
            **shown,
            **QUIET,
            **program.quiet,
            "PATH": os.pathsep.join([*map(str, path), os.environ["PATH"]]),
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "XDG_CONFIG_HOME": str(folder / ".config"),
            "XDG_CACHE_HOME": str(folder / ".cache"),
            "XDG_DATA_HOME": str(folder / ".local/share"),
            "XDG_STATE_HOME": str(folder / ".local/state"),
            "CLINE_HUB_PORT": str(free_port()),  # its default port may be taken by somebody's own
        }

    def _write(self, name: str, text: str) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def start(self, prompt: str, *more: str) -> Running:
        """The program with one prompt, in a shell that has seen the snippet for the terminal."""
        command = [self.program.ask[0], *more, *self.program.ask[1:], prompt]
        return Running(["bash", "-ec", f'{self._terminal}\nexec "$@"', "bash", *command], self._env, self.project)

    def close(self) -> None:
        """Ends what the program left running (Cline leaves a hub): whatever has this home as its own."""
        mark = f"HOME={self._folder}".encode()
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    os.kill(int(entry.name), signal.SIGKILL)
