"""A fair limit on what runs at once for one credential, over all threads and event loops.

A personal GigaChat account gets one generation at a time and answers 429 at once beyond that ("Too many
requests", no queue), so waiting here is what makes ``GIGACHAT_MAX_CONCURRENCY=1`` useful.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections import deque
from collections.abc import Callable, Hashable

from ..errors import TimeoutFailureError


class Slot:
    """The right to run. ``release`` may be called any number of times, from any thread."""

    __slots__ = ("__weakref__", "_also", "_limiter")

    def __init__(self, limiter: Limiter) -> None:
        self._limiter: Limiter | None = limiter
        self._also: Callable[[], None] | None = None

    def on_release(self, also: Callable[[], None]) -> None:
        """What is to be done as well when it is given back."""
        self._also = also

    def release(self) -> None:
        limiter, self._limiter = self._limiter, None
        if limiter is not None:
            if self._also is not None:
                self._also()
            limiter.give_back()

    def __del__(self) -> None:
        self.release()


class _Waiter:
    __slots__ = ("future", "granted")

    def __init__(self) -> None:
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.granted = False


class Limiter:
    """First come, first served: whoever waits longest gets the next slot, in whichever loop."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._running = 0
        self._queue: deque[_Waiter] = deque()
        # Reentrant: a slot may be dropped by the garbage collector while this very thread holds the lock.
        self._lock = threading.RLock()

    @property
    def running(self) -> int:
        return self._running

    @property
    def waiting(self) -> int:
        return len(self._queue)

    async def acquire(self, timeout: float | None) -> Slot:
        """Wait at most ``timeout`` seconds for a slot. Raises TimeoutFailureError.

        A cancelled wait gives up its place, or the slot if it just got one.
        """
        with self._lock:
            if not self._queue and self._running < self.limit:
                self._running += 1
                return Slot(self)
            waiter = _Waiter()
            self._queue.append(waiter)
        with contextlib.ExitStack() as undo:
            undo.callback(self._leave, waiter)
            await asyncio.wait([waiter.future], timeout=timeout)
            if waiter.future.done():
                undo.pop_all()
                return Slot(self)
        raise TimeoutFailureError(
            f"waited {timeout:g} s for one of the {self.limit} calls that may run at once with this credential. "
            "Raise GIGACHAT_MAX_CONCURRENCY if the account allows more, or the timeout"
        )

    def give_back(self) -> None:
        with self._lock:
            self._running -= 1
            while self._queue and self._running < self.limit:
                waiter = self._queue.popleft()
                waiter.granted = True
                self._running += 1
                try:
                    waiter.future.get_loop().call_soon_threadsafe(_finish, waiter.future)
                except RuntimeError:  # its loop was closed while it waited: nobody is there to take the slot
                    self._running -= 1

    def _leave(self, waiter: _Waiter) -> None:
        with self._lock:
            if not waiter.granted:
                self._queue.remove(waiter)
                return
        self.give_back()


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


# Weak: a limiter lives as long as a transport or a slot of its credential does.
_limiters: weakref.WeakValueDictionary[Hashable, Limiter] = weakref.WeakValueDictionary()
_limiters_lock = threading.Lock()


def limiter_for(key: Hashable, limit: int | None) -> Limiter | None:
    """The one limiter of a credential. A later, different ``limit`` applies to everybody from then on."""
    if limit is None:
        return None
    with _limiters_lock:
        limiter = _limiters.get(key)
        if limiter is None:
            limiter = _limiters[key] = Limiter(limit)
        limiter.limit = limit
        return limiter


def forget_all() -> None:
    """After a fork: slots held by threads that do not exist in this process would never come back."""
    global _limiters, _limiters_lock
    _limiters = weakref.WeakValueDictionary()
    _limiters_lock = threading.Lock()
