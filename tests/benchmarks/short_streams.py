"""A stream of ten events over TLS, cold and warm: the built-in, the official SDK and ours.

Cold is an event loop of its own, as connections live in one: connect, handshake, ask, read, close. Warm is the next
stream of the same loop. A token is at hand in both.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import litellm

from .payloads import HELLO, MODEL
from .yardsticks import SDK

Ask = Callable[[], AsyncIterator[Any]]


def short_streams(bench: Any, server: str, ca: str, count: int) -> dict[str, float]:
    os.environ.update(GIGACHAT_AUTH_URL=f"{server}/oauth", GIGACHAT_CA_BUNDLE_FILE=ca)
    litellm.ssl_verify = ca  # how the built-in is told; from 1.110 on its chat calls verify
    base = f"{server}/short/v1"
    asking = _by_sdk(base, ca) if bench.model == SDK else _by_litellm({**bench.call(), "api_base": base})

    async def cold() -> tuple[float, float]:
        async with asking() as ask:
            return await _read(ask)

    async def warm() -> list[tuple[float, float]]:
        async with asking() as ask:
            await _read(ask)
            return [await _read(ask) for _ in range(count)]

    asyncio.run(cold())  # the token
    colds = []
    for _ in range(count):
        before = time.process_time()
        first, _ = asyncio.run(cold())
        colds.append((first, time.process_time() - before))
    found = {}
    for word, reads in (("cold", colds), ("warm", asyncio.run(warm()))):
        found[f"{word}_first"] = statistics.median(first for first, _ in reads) * 1000
        found[f"{word}_cpu"] = statistics.mean(cpu for _, cpu in reads) * 1000
    return found


async def _read(ask: Ask) -> tuple[float, float]:
    """Seconds to the first chunk, CPU seconds of the whole stream with the logging behind it."""
    cpu, start, first, chunks = time.process_time(), time.perf_counter(), 0.0, 0
    async for chunk in ask():
        if chunk.choices and chunk.choices[0].delta.content:
            first, chunks = first or time.perf_counter() - start, chunks + 1
    assert chunks, "an empty stream"
    await asyncio.sleep(0.01)
    return first, time.process_time() - cpu


def _by_litellm(kwargs: dict[str, Any]) -> Callable[[], contextlib.AbstractAsyncContextManager[Ask]]:
    async def ask() -> AsyncIterator[Any]:
        async for chunk in await litellm.acompletion(**kwargs, stream=True):
            yield chunk

    return lambda: contextlib.nullcontext(ask)


def _by_sdk(base: str, ca: str) -> Callable[[], contextlib.AbstractAsyncContextManager[Ask]]:
    from gigachat import GigaChatAsyncClient

    @contextlib.asynccontextmanager
    async def asking() -> AsyncIterator[Ask]:
        async with GigaChatAsyncClient(base_url=base, access_token="token", ca_bundle_file=ca, model=MODEL) as client:
            yield lambda: client.astream({"messages": HELLO})

    return asking
