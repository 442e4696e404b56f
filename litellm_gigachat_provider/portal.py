"""The one event loop in which calls of synchronous code run, in a daemon thread of its own.

So the network is written once, for tasks: a synchronous call hands its coroutine over and waits. That costs 0.1 ms a
call, and a time limit, a cancellation and an early close then mean the same in both worlds.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
_EXIT_SECONDS = 2.0  # for closing connections when the interpreter ends


class Portal:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Start ``coroutine`` there. Raises RuntimeError when no thread can be had, as at the interpreter's end."""
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self._running())
        except RuntimeError:
            coroutine.close()
            raise

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result of ``coroutine``. An exception in the waiting thread (KeyboardInterrupt) cancels it.

        Raises RuntimeError in the portal's own thread, which would wait for itself.
        """
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError("a synchronous call from the thread that carries them out")
        future = self.spawn(coroutine)
        try:
            return future.result()
        finally:
            future.cancel()

    def is_here(self) -> bool:
        """Whether the running loop is the portal's."""
        return asyncio.get_running_loop() is self._loop

    def _running(self) -> asyncio.AbstractEventLoop:
        loop = self._loop
        if loop is not None:
            return loop
        with self._lock:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                thread = threading.Thread(target=_run, args=(loop,), name="gigachat-network", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    loop.close()
                    raise
                self._loop, self._thread = loop, thread
            return self._loop

    def stop(self) -> None:
        """Close what is open there and end the thread; the next call starts another."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_EXIT_SECONDS)

    def forget(self) -> list[object]:
        """After a fork: the thread is the parent's. Returns the loop, to be kept alive so that nothing closes it."""
        kept: list[object] = [self._loop]
        self._lock = threading.Lock()
        self._loop = self._thread = None
        return kept


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())  # closes the loop's connections
        loop.close()


PORTAL = Portal()
_of_the_parent: list[object] = []
atexit.register(PORTAL.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _of_the_parent.extend(PORTAL.forget()))
