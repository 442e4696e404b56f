"""Callers that ask again and again, in threads and in tasks; what failed is kept."""

# ruff: noqa: BLE001 - whatever comes out of a call is an outcome here

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any


class Load:
    """``run(seconds)``: ``threads`` blocking callers and ``tasks`` on one event loop. Calls made and what failed."""

    def __init__(self, ask: Callable[[], Any], aask: Callable[[], Awaitable[Any]], *, threads: int, tasks: int) -> None:
        self.ask, self.aask, self.threads, self.tasks = ask, aask, threads, tasks
        self.calls = 0
        self.failures: list[str] = []
        self.seconds = 0.0

    def run(self, seconds: float) -> None:
        began = time.monotonic()
        self._until = began + seconds
        workers = [threading.Thread(target=self._thread) for _ in range(self.threads)]
        if self.tasks:
            workers.append(threading.Thread(target=lambda: asyncio.run(self._loop())))
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.seconds = time.monotonic() - began

    def _thread(self) -> None:
        while time.monotonic() < self._until:
            try:
                self._note(self.ask())
            except Exception as error:
                self.failures.append(repr(error)[:500])

    async def _loop(self) -> None:
        await asyncio.gather(*(self._task() for _ in range(self.tasks)))

    async def _task(self) -> None:
        while time.monotonic() < self._until:
            try:
                self._note(await self.aask())
            except Exception as error:
                self.failures.append(repr(error)[:500])

    def _note(self, answer: Any) -> None:
        self.calls += 1
        if not answer:
            self.failures.append("an empty answer")
