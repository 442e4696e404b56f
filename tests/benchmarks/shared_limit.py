"""What one limit for all processes costs a call: round trips to Redis, with nobody in the way and with a queue."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from .yardsticks import new_credentials

_CALLER = str(Path(__file__).parents[1] / "limits" / "caller.py")


def round_trips(bench: Any, port: int, calls: int) -> dict[str, float]:
    """One process with one caller, then four with five each; a limit of 1, and 50 ms for each answer."""
    import redis

    client = redis.Redis(port=port)
    while client.info("server")["uptime_in_seconds"] < 5:  # before that no slot is given out, and everybody asks again
        time.sleep(0.2)
    return {
        "alone": _trips(bench, client, 1, 1, calls * 20),
        "queue": _trips(bench, client, 4, 5, calls),
    }


def _trips(bench: Any, client: Any, processes: int, callers: int, calls: int) -> float:
    environ = {
        **os.environ,
        "GIGACHAT_CREDENTIALS": new_credentials(),
        "GIGACHAT_BASE_URL": f"{bench.server}/plain/50/v1",
        "GIGACHAT_MAX_CONCURRENCY": "1",
        "GIGACHAT_LIMIT_URL": f"redis://127.0.0.1:{client.get_connection_kwargs()['port']}/0",
    }
    client.config_resetstat()
    command = [sys.executable, _CALLER, str(callers), str(calls)]
    children = [subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    told = [child.communicate(timeout=300)[0].strip() for child in children]
    assert told == [f"{callers * calls} fine"] * processes, told
    return client.info("commandstats")["cmdstat_eval"]["calls"] / (processes * callers * calls)
