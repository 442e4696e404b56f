"""Closing what nobody waits for, without waiting for it: also where the task that used it is being cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

_closing: set[asyncio.Task[None]] = set()


def close_soon(close: Coroutine[None, None, None]) -> None:
    """Run ``close`` in the running loop. How it goes is nobody's business: the connection is being thrown away."""
    task = asyncio.get_running_loop().create_task(close)
    _closing.add(task)  # a loop holds its tasks weakly
    task.add_done_callback(_forget)


def _forget(task: asyncio.Task[None]) -> None:
    _closing.discard(task)
    if not task.cancelled():
        task.exception()
