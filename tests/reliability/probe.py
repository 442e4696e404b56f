"""What a call may leave behind, and what LiteLLM made of a failure."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import Any

import litellm

import litellm_gigachat_provider
from litellm_gigachat_provider.portal import PORTAL
from litellm_gigachat_provider.transport import client

PACKAGE = "litellm_gigachat_provider"
NETWORK = ("gigachat-network", "gigachat-client")
SERVERS = ("gigachat-sandbox", "gigachat-raw")


def unwrapped(error: BaseException) -> BaseException:
    """LiteLLM wraps what is raised in the middle of a stream (by version: always, or for retryable kinds)."""
    kind = getattr(litellm.exceptions, "MidStreamFallbackError", ())
    while isinstance(error, kind) and getattr(error, "original_exception", None) is not None:
        error = error.original_exception
    return error


def own_threads() -> list[str]:
    """Threads that the package has started and that still run, but for the one of its network."""
    names = [thread.name for thread in threading.enumerate() if thread.is_alive()]
    return [name for name in names if name.startswith("gigachat") and not name.startswith((*SERVERS, *NETWORK))]


def own_tasks() -> list[str]:
    """Tasks of the running loop that execute this package's code; LiteLLM's logging worker is LiteLLM's."""
    found = []
    for task in asyncio.all_tasks():
        coroutine = task.get_coro()
        code = getattr(coroutine, "cr_code", None) or getattr(coroutine, "gi_code", None)
        if task is not asyncio.current_task() and code is not None and PACKAGE in code.co_filename:
            found.append(code.co_qualname if hasattr(code, "co_qualname") else code.co_name)
    return found


def streams_open() -> int:
    return litellm_gigachat_provider.stats()["streams_open"]


def busy() -> int:
    """Tasks under way for synchronous callers."""

    async def tasks() -> int:
        return len(asyncio.all_tasks()) - 1

    return PORTAL.call(tasks())


def wait_until(condition: Any, seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.003)
    return True


def nothing_left(server: Any, kept: int) -> None:
    """No more than ``kept`` idle connections, no stream, no slot, no thread; and none at all once closed."""
    gc.collect(0)
    assert wait_until(lambda: server.open <= kept), f"{server.open} connections are open, expected {kept} at most"
    assert streams_open() == 0
    assert wait_until(lambda: busy() == 0)
    client.close_all()
    assert wait_until(lambda: server.open == 0), f"{server.open} connections survive close_all"
    assert wait_until(lambda: not own_threads()), own_threads()
