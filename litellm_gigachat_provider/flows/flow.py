"""Flows without I/O: a generator yields steps, a driver does them, synchronously or not.

The provider's logic (upload, ask, ask once more, download) is written once as generators over these steps;
:func:`run` and :func:`arun` are the only place where sync and async part ways.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from ..errors import GigaChatError
from ..portal import PORTAL

T = TypeVar("T")
Flow = Generator[Any, Any, T]


class Do:
    """A step made of a coroutine function; synchronous flows have it run in the portal's loop.

    A step has two ways to be done, ``run`` and ``arun``: both give the same result or raise ``GigaChatError``.
    """

    __slots__ = ("args", "function", "kwargs")

    def __init__(self, function: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **kwargs: Any) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs

    def run(self) -> Any:
        return PORTAL.call(self.function(*self.args, **self.kwargs))

    async def arun(self) -> Any:
        return await self.function(*self.args, **self.kwargs)


class Gather:
    """Several flows side by side; results in order. The first failure is the step's, the others are ended."""

    __slots__ = ("flows",)

    def __init__(self, flows: Sequence[Flow[Any]]) -> None:
        self.flows = flows

    def run(self) -> list[Any]:
        with ThreadPoolExecutor(max_workers=len(self.flows), thread_name_prefix="gigachat") as pool:
            futures = [pool.submit(copy_context().run, run, flow) for flow in self.flows]
            return [future.result() for future in futures]

    async def arun(self) -> list[Any]:
        tasks = [asyncio.ensure_future(arun(flow)) for flow in self.flows]
        try:
            return list(await asyncio.gather(*tasks))
        except BaseException:  # cancelled, too: what the others bring is nobody's
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise


def run(flow: Flow[T]) -> T:
    """Do the flow's steps in this thread and give its result."""
    try:
        step = next(flow)
        while True:
            try:
                result = step.run()
            except GigaChatError as error:
                step = flow.throw(error)
            else:
                step = flow.send(result)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    finally:
        flow.close()


async def arun(flow: Flow[T]) -> T:
    """Do the flow's steps on the running loop and give its result."""
    try:
        step = next(flow)
        while True:
            try:
                result = await step.arun()
            except GigaChatError as error:
                step = flow.throw(error)
            else:
                step = flow.send(result)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    finally:
        flow.close()
