"""Time limits: of a whole call, and of each wait inside it.

An async call is bounded by one timer. A blocking one has no such thing, so every connect, read and write is
clamped to what is left of the call: a peer that sends a byte a second cannot hold a thread longer than the limit.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

CONNECT_LIMIT = 10.0  # seconds; a generation may take minutes, a connection never does

clock = time.monotonic


class Deadline:
    """The moment a call must be over: ``at``, on the monotonic clock. None is for ever."""

    __slots__ = ("at", "timeout")

    def __init__(self, timeout: float | None) -> None:
        self.timeout = timeout
        self.at = None if timeout is None else clock() + timeout

    def left(self) -> float | None:
        """Seconds left, never negative; None is for ever."""
        return None if self.at is None else max(0.0, self.at - clock())

    def passed(self) -> bool:
        return self.at is not None and clock() >= self.at

    def timeouts(self) -> dict[str, float | None]:
        """What httpx and httpcore take as their four timeouts, for a request that starts now."""
        left = self.left()
        return {"connect": connect_limit(left), "read": left, "write": left, "pool": left}


def connect_limit(left: float | None) -> float:
    return CONNECT_LIMIT if left is None else min(CONNECT_LIMIT, left)


if sys.version_info >= (3, 11):
    import asyncio

    def time_limit(seconds: float | None) -> AbstractAsyncContextManager[object]:
        """``async with``: raises TimeoutError in the body once ``seconds`` have passed."""
        return asyncio.timeout(seconds)

else:
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def time_limit(seconds: float | None) -> AsyncIterator[None]:
        import anyio

        with anyio.fail_after(seconds):
            yield


_of_thread = threading.local()


class clamp:  # noqa: N801 - reads as a statement: with clamp(deadline)
    """``with clamp(deadline)``: every network wait of this thread ends when the deadline passes."""

    __slots__ = ("_before", "_deadline")

    def __init__(self, deadline: Deadline | None) -> None:
        self._deadline = deadline

    def __enter__(self) -> None:
        self._before = getattr(_of_thread, "deadline", None)
        _of_thread.deadline = self._deadline

    def __exit__(self, *_: object) -> None:
        _of_thread.deadline = self._before


def current() -> Deadline | None:
    """The deadline that this thread is clamped to."""
    return getattr(_of_thread, "deadline", None)
