"""The two drivers do the same: results, failures thrown into the flow, side-by-side flows."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from litellm_gigachat_provider.errors import ConnectionFailureError, GigaChatError
from litellm_gigachat_provider.flows.flow import Do, Gather, arun, run


def _add(a, b=0):
    if a < 0:
        raise ConnectionFailureError("negative")
    return a + b


async def _aadd(a, b=0):
    await asyncio.sleep(0)
    return _add(a, b)


def drive(kind, flow):
    return run(flow) if kind == "sync" else asyncio.run(arun(flow))


def step(a, b=0):
    return Do(_aadd, a, b=b)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_results_go_back_into_the_flow(kind):
    def flow():
        first = yield step(1, 2)
        second = yield step(first, 10)
        return first, second

    assert drive(kind, flow()) == (3, 13)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_failure_can_be_caught_in_the_flow(kind):
    def flow():
        try:
            yield step(-1)
        except GigaChatError:
            return (yield step(7))

    assert drive(kind, flow()) == 7


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_failure_ends_the_flow_and_closes_it(kind):
    ended = []

    def flow():
        try:
            yield step(-1)
        finally:
            ended.append(True)

    with pytest.raises(ConnectionFailureError):
        drive(kind, flow())
    assert ended == [True]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_gather_keeps_order_and_context(kind):
    variable = contextvars.ContextVar("variable", default="none")

    def one(n):
        value = yield step(n)
        return value, variable.get()

    def flow():
        return (yield Gather([one(n) for n in range(4)]))

    variable.set("mine")
    assert drive(kind, flow()) == [(n, "mine") for n in range(4)]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_gather_raises_the_failure_of_any(kind):
    def one(n):
        return (yield step(n))

    def flow():
        yield Gather([one(1), one(-1), one(2)])

    with pytest.raises(ConnectionFailureError):
        drive(kind, flow())


def test_a_step_outside_the_error_family_is_not_thrown_into_the_flow():
    async def boom():
        raise KeyError("bug")

    def flow():
        try:
            yield Do(boom)
        except GigaChatError:
            return "swallowed"

    with pytest.raises(KeyError):
        run(flow())
