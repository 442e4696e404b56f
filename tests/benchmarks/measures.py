"""The measurements, as they run inside a yardstick's process. Each gives named numbers."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import json
import os
import statistics
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import litellm

from .payloads import CHUNKS, HELLO, history, tools, words
from .shared_limit import round_trips
from .short_streams import short_streams
from .yardsticks import new_credentials

_SETTLE = 0.05  # seconds for LiteLLM's logging, which runs behind the call, to end within the measurement
_FAILURES = (litellm.exceptions.APIError, litellm.exceptions.APIConnectionError, litellm.exceptions.AuthenticationError)


class Bench:
    """One yardstick's process: its model, its event loop, the server's address."""

    def __init__(self, model: str, server: str) -> None:
        self.model = model
        self.server = server
        self.key = new_credentials()
        self.loop = asyncio.new_event_loop()
        self.lives(1_800_000)

    def lives(self, milliseconds: int) -> None:
        os.environ["GIGACHAT_AUTH_URL"] = f"{self.server}/oauth/{milliseconds}"

    def control(self, word: str = "") -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.server}/control/{word}") as reply:
            counters: dict[str, Any] = json.load(reply)
        return counters

    def call(self, way: str = "plain/0", payload: str = "hello") -> dict[str, Any]:
        common = {"model": self.model, "api_key": self.key, "api_base": f"{self.server}/{way}/v1"}
        return {**common, **_PAYLOADS[payload]}

    def run(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(work)

    def cpu(self, work: Callable[[], Awaitable[Any]]) -> tuple[float, float, Any]:
        """CPU seconds and seconds of ``work`` with its logging, and what it gave."""

        async def measured() -> tuple[float, float, Any]:
            cpu, start = time.process_time(), time.perf_counter()
            result = await work()
            took = time.perf_counter() - start
            await asyncio.sleep(_SETTLE)
            return time.process_time() - cpu, took, result

        gc.collect()
        outcome: tuple[float, float, Any] = self.run(measured())
        return outcome


_PAYLOADS: dict[str, dict[str, Any]] = {
    "hello": {"messages": HELLO},
    "tools": {"messages": HELLO, "tools": tools()},
    "history": {"messages": history(), "tools": tools()},
}


def acall(bench: Bench, count: int, payload: str = "hello") -> dict[str, float]:
    async def work() -> None:
        for _ in range(count):
            await litellm.acompletion(**kwargs)

    kwargs = bench.call(payload=payload)
    cpu, _, _ = bench.cpu(work)
    return {"cpu": cpu / count * 1e6}


def call(bench: Bench, count: int, payload: str = "hello") -> dict[str, float]:
    kwargs = bench.call(payload=payload)
    gc.collect()
    cpu = time.process_time()
    for _ in range(count):
        litellm.completion(**kwargs)
    time.sleep(_SETTLE)
    return {"cpu": (time.process_time() - cpu) / count * 1e6}


def callers(bench: Bench, count: int, each: int, delay: int = 50) -> dict[str, float]:
    kwargs = bench.call(f"plain/{delay}")
    errors = 0

    async def one() -> None:
        nonlocal errors
        for _ in range(each):
            try:
                await litellm.acompletion(**kwargs)
            except _FAILURES:
                errors += 1

    async def work() -> None:
        await asyncio.gather(*(one() for _ in range(count)))

    cpu, took, _ = bench.cpu(work)
    return {"cpu": cpu / (count * each) * 1000, "rps": count * each / took, "errors": errors}


async def _read(kwargs: dict[str, Any]) -> tuple[float, str]:
    start, first, parts = time.perf_counter(), 0.0, []
    async for chunk in await litellm.acompletion(**kwargs, stream=True):
        if chunk.choices and chunk.choices[0].delta.content:
            first = first or time.perf_counter()
            parts.append(chunk.choices[0].delta.content)
    return first - start, "".join(parts)


async def _lag(worst: list[float]) -> None:
    while True:
        due = time.perf_counter() + 0.005
        await asyncio.sleep(0.005)
        worst[0] = max(worst[0], time.perf_counter() - due)


def streams(bench: Bench, way: str, count: int, at_once: int = 1) -> dict[str, float]:
    """``count`` times ``at_once`` streams."""
    kwargs = bench.call(way)
    worst = [0.0]

    async def work() -> list[tuple[float, str]]:
        ticker = asyncio.ensure_future(_lag(worst)) if at_once > 1 else None
        read: list[tuple[float, str]] = []
        for _ in range(count):
            read += await asyncio.gather(*(_read(kwargs) for _ in range(at_once)))
        if ticker is not None:
            ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticker
        return read

    cpu, took, read = bench.cpu(work)
    expected, chunks = "".join(words()), CHUNKS * count * at_once
    return {
        "cpu": cpu / chunks * 1e6,
        "first": statistics.median(first for first, _ in read) * 1000,
        "whole": float(all(text == expected for _, text in read)),
        "rate": chunks / took,
        "lag": worst[0] * 1000,
    }


def stream(bench: Bench, way: str, count: int) -> dict[str, float]:
    """Blocking streams, one after the other."""
    kwargs = bench.call(way)
    gc.collect()
    cpu, whole, expected = time.process_time(), True, "".join(words())
    for _ in range(count):
        parts = [c.choices[0].delta.content or "" for c in litellm.completion(**kwargs, stream=True) if c.choices]
        whole = whole and "".join(parts) == expected
    time.sleep(_SETTLE)
    return {"cpu": (time.process_time() - cpu) / (CHUNKS * count) * 1e6, "whole": float(whole)}


def first_calls(bench: Bench, count: int) -> dict[str, float]:
    """In a fresh process: LiteLLM itself warm, the key new, no connection open beyond those of one call."""
    acall(bench, 5)
    bench.key = new_credentials()
    bench.control("reset")
    outcome = callers(bench, count, 1, 0)
    return {"oauth": bench.control()["oauth"], "seconds": count / outcome["rps"], "errors": outcome["errors"]}


def expiry(bench: Bench, seconds: float, life: int, load: int = 6) -> dict[str, float]:
    """``load`` callers for ``seconds`` with tokens that live ``life`` milliseconds."""
    bench.lives(life)
    bench.key = new_credentials()
    kwargs = bench.call("plain/50")
    times: list[float] = []
    failed = 0

    async def one(until: float) -> None:
        nonlocal failed
        while (start := time.perf_counter()) < until:
            try:
                await litellm.acompletion(**kwargs)
            except _FAILURES:
                failed += 1
            times.append(time.perf_counter() - start)

    async def work() -> None:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(one(until) for _ in range(load)))

    acall(bench, 5)
    bench.key = kwargs["api_key"] = new_credentials()
    bench.control("reset")
    bench.cpu(work)
    oauth = bench.control()["oauth"]
    bench.lives(1_800_000)
    times.sort()
    p50, p99 = times[len(times) // 2] * 1000, times[int(len(times) * 0.99)] * 1000
    return {"oauth": oauth, "failed": failed, "calls": len(times), "spread": p99 / p50, "p50": p50, "p99": p99}


def sequential(bench: Bench, count: int) -> dict[str, float]:
    """In a fresh process: connections opened by ``count`` calls, one after the other."""
    bench.control("reset")
    acall(bench, count)
    made = bench.control()["made"]
    return {"chat": made["chat"], "oauth": made["oauth"]}


def loops(bench: Bench, count: int) -> dict[str, float]:
    """In a fresh process: one call in each of ``count`` event loops."""
    kwargs = bench.call()
    before = bench.control("reset")["open"]["chat"]  # of the other processes
    left = 0
    for _ in range(count):

        async def work() -> None:
            await litellm.acompletion(**kwargs)
            await asyncio.sleep(0.01)

        asyncio.run(work())
        time.sleep(0.02)  # the server hears of it
        left = max(left, bench.control()["open"]["chat"] - before)
    return {"chat": bench.control()["made"]["chat"], "open": left}


def memory(bench: Bench, count: int, warm: int) -> dict[str, float]:
    """In a fresh process: growth per 1,000 calls once ``warm`` calls are behind."""
    acall(bench, warm)
    before = rss()
    for _ in range(count // 500):
        acall(bench, 500)
    gc.collect()
    return {"growth": (rss() - before) / 1024 / (count / 1000)}


def imported(bench: Bench | None) -> dict[str, float]:
    """In a fresh process that has LiteLLM only: what importing this package adds."""
    before = rss()
    cpu, start = time.process_time(), time.perf_counter()
    import litellm_gigachat_provider  # noqa: F401

    cpu, took = time.process_time() - cpu, time.perf_counter() - start
    return {"cpu": cpu * 1000, "time": took * 1000, "rss": (rss() - before) / 1024 / 1024}


def http2(bench: Bench, server: str, ca: str, count: int) -> dict[str, float]:
    """How late chunks are that a TLS HTTP/2 server sends every 50 ms, and how they are spaced; sync and async."""
    os.environ.update(GIGACHAT_AUTH_URL=f"{server}/oauth", GIGACHAT_CA_BUNDLE_FILE=ca)
    kwargs = {**bench.call(), "api_base": f"{server}/v1", "stream": True}
    found: dict[str, float] = {}

    async def aread() -> list[tuple[float, str]]:
        return [(time.monotonic(), text(c)) async for c in await litellm.acompletion(**kwargs)]

    def text(chunk: Any) -> str:
        return (chunk.choices[0].delta.content if chunk.choices else "") or ""

    def read() -> list[tuple[float, str]]:
        return [(time.monotonic(), text(c)) for c in litellm.completion(**kwargs)]

    for word, reading in (("sync", read), ("async", lambda: bench.run(aread()))):
        reading()  # connection and token
        late, gaps, firsts = list[float](), list[float](), list[float]()
        for _ in range(count):
            got = [(at, float(t)) for at, texts in reading() if texts for t in texts.split(";") if t]
            late += [at - sent for at, sent in got]
            gaps += [after[0] - before[0] for before, after in itertools.pairwise(got)]
            firsts.append(got[0][0] - got[0][1])
        found[f"{word}_first"] = statistics.median(firsts) * 1000
        found[f"{word}_late"] = statistics.median(late) * 1000
        found[f"{word}_worst"] = max(late) * 1000
        found[f"{word}_gap"] = statistics.median(gaps) * 1000
        found[f"{word}_min"] = min(gaps) * 1000
        found[f"{word}_max"] = max(gaps) * 1000
    return found


def rss() -> int:
    """Resident bytes of this process now."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


MEASURES: dict[str, Callable[..., dict[str, float]]] = {
    f.__name__: f
    for f in (
        acall, call, callers, streams, stream, first_calls, expiry, sequential, loops, memory, imported, http2,
        short_streams, round_trips
    )
}  # fmt: skip
