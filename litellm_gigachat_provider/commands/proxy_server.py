"""The proxy's server process: started, told to stop, and gone with its parent, however that went."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from types import FrameType

_GRACE = 8.0  # seconds for open requests to end after Ctrl-C
# The working directory goes last on the path: a stray litellm_gigachat_provider.py there must not be imported.
CHILD = (
    "import sys; path = sys.path; '' in path and (path.remove(''), path.append('')); "
    f"from {__name__} import serve; serve()"
)


def serve() -> None:
    """Runs in the child: LiteLLM's command line, ended when the parent is gone, however it went."""
    threading.Thread(target=_end_with_parent, name="gigachat-proxy-lifeline", daemon=True).start()
    import litellm.proxy.common_request_processing  # noqa: F401 - what serves its clients hooks in there
    from litellm.proxy.proxy_cli import run_server

    from ..bridge.proxy_client import serve_clients

    serve_clients()
    run_server()


def _end_with_parent() -> None:
    while os.read(0, 1):  # the parent never writes: this returns only when its end of the pipe closes
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def when_listening(host: str, port: int, tell: Callable[[], None]) -> None:
    """Calls ``tell`` from another thread, once the server answers."""
    threading.Thread(target=_ask_until_answered, args=(host, port, tell), daemon=True).start()


def _ask_until_answered(host: str, port: int, tell: Callable[[], None]) -> None:
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asked, not bound
    while True:
        connection = HTTPConnection(address, port, timeout=10)  # which knows of no proxies
        try:
            connection.request("GET", "/health/liveliness")
            if connection.getresponse().status == HTTPStatus.OK:
                return tell()
        except (OSError, HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.5)


def serve_until_stopped(command: list[str], environment: dict[str, str]) -> int:
    """0 when it was told to stop; else the process's own exit code."""
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603
    deadlines: list[float] = []

    def stop(_number: int, _frame: FrameType | None) -> None:
        deadlines.append(time.monotonic() + (0.0 if deadlines else _GRACE))  # the second Ctrl-C does not wait
        process.terminate()

    previous = {number: signal.signal(number, stop) for number in _stop_signals()}
    try:
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.5)
            if deadlines and time.monotonic() > deadlines[-1]:
                _kill(process)
        return 0 if deadlines else process.returncode
    finally:
        _kill(process)  # workers that outlived their supervisor
        for number, handler in previous.items():
            signal.signal(number, handler)


def _stop_signals() -> list[signal.Signals]:
    return [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
