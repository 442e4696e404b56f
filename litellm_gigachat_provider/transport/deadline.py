"""Time limits: of a whole call, and of each wait inside it."""

from __future__ import annotations

import sys
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

    def connect_only(self) -> dict[str, float | None]:
        """httpx's four timeouts, for a request whose other waits are bounded by :func:`time_limit`."""
        left = self.left()
        # a little less than what is left: httpcore closes a handshake that its own limit ends, but not a cancelled one
        return {"connect": CONNECT_LIMIT if left is None else min(CONNECT_LIMIT, 0.98 * left)} | _ENDLESS


_ENDLESS: dict[str, float | None] = {"read": None, "write": None, "pool": None}

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
