"""A fair limit on what runs at once for one credential, over all threads and event loops.

A personal GigaChat account gets one generation at a time and answers 429 at once beyond that ("Too many
requests", no queue), so waiting here is what makes ``GIGACHAT_MAX_CONCURRENCY=1`` useful.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import deque
from collections.abc import Callable, Hashable

from ..errors import TimeoutFailureError


class Slot:
    """The right to run. ``release`` may be called any number of times, from any thread."""

    __slots__ = ("__weakref__", "_limiter")

    def __init__(self, limiter: Limiter) -> None:
        self._limiter: Limiter | None = limiter

    def release(self) -> None:
        limiter, self._limiter = self._limiter, None
        if limiter is not None:
            limiter._give_back()

    def __del__(self) -> None:
        self.release()


class _Waiter:
    __slots__ = ("granted", "wake")

    def __init__(self, wake: Callable[[], object]) -> None:
        self.wake = wake
        self.granted = False


class Limiter:
    """First come, first served: whoever waits longest gets the next slot, be it a thread or a task."""

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

    def acquire(self, timeout: float | None) -> Slot:
        """Wait at most ``timeout`` seconds for a slot. Raises TimeoutFailureError."""
        waiter, ready = self._enter(threading.Event)
        if waiter is None:
            return Slot(self)
        assert isinstance(ready, threading.Event)
        try:
            if ready.wait(timeout):
                return Slot(self)
        except BaseException:
            self._leave(waiter)
            raise
        self._leave(waiter)
        raise self._too_long(timeout)

    async def aacquire(self, timeout: float | None) -> Slot:
        """The same for a task; a cancelled wait gives up its place, or the slot if it just got one."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if self._take():
                return Slot(self)
            waiter = _Waiter(lambda: loop.call_soon_threadsafe(_finish, future))
            self._queue.append(waiter)
        try:
            await asyncio.wait([future], timeout=timeout)
        except BaseException:
            self._leave(waiter)
            raise
        if future.done():
            return Slot(self)
        self._leave(waiter)
        raise self._too_long(timeout)

    def _enter(self, make: Callable[[], threading.Event]) -> tuple[_Waiter | None, threading.Event | None]:
        with self._lock:
            if self._take():
                return None, None
            ready = make()
            waiter = _Waiter(ready.set)
            self._queue.append(waiter)
            return waiter, ready

    def _take(self) -> bool:
        if self._queue or self._running >= self.limit:
            return False
        self._running += 1
        return True

    def _leave(self, waiter: _Waiter) -> None:
        with self._lock:
            if not waiter.granted:
                self._queue.remove(waiter)
                return
        self._give_back()

    def _give_back(self) -> None:
        with self._lock:
            self._running -= 1
            self._wake_next()

    def _wake_next(self) -> None:
        while self._queue and self._running < self.limit:
            waiter = self._queue.popleft()
            waiter.granted = True
            self._running += 1
            try:
                waiter.wake()
            except RuntimeError:  # its event loop was closed while it waited: nobody is there to take the slot
                self._running -= 1

    def _too_long(self, timeout: float | None) -> TimeoutFailureError:
        return TimeoutFailureError(
            f"waited {timeout:g} s for one of the {self.limit} calls that may run at once with this credential. "
            "Raise GIGACHAT_MAX_CONCURRENCY if the account allows more, or the timeout"
        )


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
