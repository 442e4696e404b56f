"""Mixed load in one process, and how memory, open files, threads and tasks develop under it. Run by ``.ci/soak``."""

# ruff: noqa: E501 - tables

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import multiprocessing
import os
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

import litellm
from load import Load

import litellm_gigachat_provider
from litellm_gigachat_provider.sandbox.server import Sandbox

MODEL = "gigachat/GigaChat-2-Max"
HELLO = [{"role": "user", "content": "Расскажи о море"}]
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}  # fmt: skip
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PICTURE = [{"role": "user", "content": [{"type": "text", "text": "?"}, {
    "type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}]}]  # fmt: skip
TROUBLE = ({"status": 500}, {"kind": "reset"}, {"status": 429}, {"kind": "truncated"})
ORDERED = (  # what the four become
    litellm.InternalServerError, litellm.APIConnectionError, litellm.RateLimitError, litellm.exceptions.MidStreamFallbackError,
)  # fmt: skip
OUT_OF_TIME = (litellm.Timeout, litellm.exceptions.MidStreamFallbackError)  # in the middle of a stream LiteLLM wraps it
THREADS, TASKS, EVERY = 4, 8, 2.0
# What a slope may be, in units of each hour after the first quarter of the run, and the least growth that counts.
LIMITS = {"memory MiB": (60.0, 12.0), "open files": (60.0, 8.0), "threads": (20.0, 4.0), "tasks": (20.0, 12.0)}


def serve(pipe: Any, token_ttl: float, tls: bool) -> None:
    """The sandbox in a process of its own: its memory and sockets are not what is measured."""
    with Sandbox(token_ttl=token_ttl, tls=tls) as sandbox:
        sandbox.knobs.stream.chunk_delay = 0.01 if tls else 0.0
        asked_before = 0  # of OAuth, in the logs that were cleared
        pipe.send(sandbox.env)
        while True:
            if pipe.poll(1.0):
                order = pipe.recv()
                if order == "stop":
                    return
                if order == "oauth":
                    pipe.send(asked_before + sandbox.oauth_count)
                elif order == "trouble":
                    for fault in TROUBLE:
                        sandbox.fail_next("chat", **fault)
            elif len(sandbox.world.requests) > 20_000:
                asked_before += sandbox.oauth_count
                sandbox.clear()


@contextlib.contextmanager
def started(token_ttl: float, tls: bool = False) -> Any:
    """Its pipe and its environment."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, token_ttl, tls), daemon=True)
    process.start()
    try:
        yield ours, ours.recv()
    finally:
        ours.send("stop")
        process.join(5)


@contextlib.contextmanager
def sandbox_process(token_ttl: float = 1800.0) -> Any:
    with started(token_ttl) as (pipe, environment):
        for name in [name for name in os.environ if name.startswith("GIGACHAT_")]:
            del os.environ[name]
        os.environ.update(environment)
        yield pipe


def resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


class Mixed:
    """One random call of the mix each time; failures that the server was told to make are expected."""

    def __init__(self) -> None:
        self.random = random.Random(7)
        self.failed = 0
        self.tasks = 0

    def ask(self) -> Any:
        kind = self.random.randrange(8)
        try:
            if kind == 0:
                return list(litellm.completion(model=MODEL, messages=HELLO, stream=True, timeout=20))
            if kind == 1:
                stream = litellm.completion(model=MODEL, messages=HELLO, stream=True, timeout=20)
                return next(stream)  # and left alone
            if kind == 2:
                return litellm.embedding(model="gigachat/Embeddings", input=["а", "б"], timeout=20)
            if kind == 3:
                return asyncio.run(self._in_a_loop_of_its_own())
            return litellm.completion(timeout=20, **self._request(kind))
        except ORDERED:
            self.failed += 1
            return True

    async def aask(self) -> Any:
        self.tasks = len(asyncio.all_tasks())
        kind = self.random.randrange(8)
        try:
            if kind == 0:
                return [
                    c async for c in await litellm.acompletion(model=MODEL, messages=HELLO, stream=True, timeout=20)
                ]
            if kind == 1:
                stream = await litellm.acompletion(model=MODEL, messages=HELLO, stream=True, timeout=20)
                return await stream.__anext__()
            if kind == 2:
                return await self._cancelled()
            if kind == 3:
                return await litellm.aembedding(model="gigachat/Embeddings", input=["а"], timeout=20)
            return await litellm.acompletion(timeout=20, **self._request(kind))
        except ORDERED:
            self.failed += 1
            return True

    async def _in_a_loop_of_its_own(self) -> Any:
        """Straight, as LiteLLM's own logging worker does not take it well that loops come and go."""
        return await litellm_gigachat_provider.gigachat.acompletion(
            model="GigaChat-2-Max", messages=HELLO, model_response=litellm.ModelResponse(), optional_params={},
            litellm_params={}, timeout=20,
        )  # fmt: skip

    async def _cancelled(self) -> bool:
        task = asyncio.create_task(litellm.acompletion(model=MODEL, messages=HELLO, timeout=20))
        await asyncio.sleep(self.random.random() * 0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return True

    def _request(self, kind: int) -> dict[str, Any]:
        if kind == 4:
            return {"model": MODEL, "messages": PICTURE}
        if kind == 5:
            return {"model": MODEL, "messages": [{"role": "user", "content": "Погода в Омске?"}], "tools": [TOOL]}
        if kind == 6:
            return {"model": MODEL, "messages": HELLO, "n": 2}
        return {"model": MODEL, "messages": HELLO, "headers": {"X-Client-ID": f"user-{self.random.randrange(400)}"}}


class Streams:
    """Streams over HTTP/2 with TLS, of a server without trouble: some are cancelled, some run out of time at any
    moment (also while they connect), and whatever else fails here was harmed by them.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self.random = random.Random(11)
        self.cancelled = self.timed_out = 0
        settings = {name.removeprefix("GIGACHAT_").lower(): value for name, value in environment.items()}
        handler = litellm_gigachat_provider.GigaChatLLM(**settings)
        litellm.custom_provider_map.append({"provider": "gigachat_h2", "custom_handler": handler})

    def _request(self, timeout: float = 20.0) -> dict[str, Any]:
        return {"model": "gigachat_h2/GigaChat-2-Max", "messages": HELLO, "stream": True, "timeout": timeout}

    def ask(self) -> Any:
        if self.random.randrange(3):
            return list(litellm.completion(**self._request()))
        try:
            list(litellm.completion(**self._request(self.random.random() * 0.1)))
        except OUT_OF_TIME as error:
            self._note(error)
        return True

    async def aask(self) -> Any:
        kind = self.random.randrange(4)
        if kind == 0:
            task = asyncio.create_task(self._whole(20.0))
            await asyncio.sleep(self.random.random() * 0.1)
            self.cancelled += task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return True
        if kind > 1:
            return await self._whole(20.0)
        try:
            await self._whole(self.random.random() * 0.1)
        except OUT_OF_TIME as error:
            self._note(error)
        return True

    async def _whole(self, timeout: float) -> list[Any]:
        return [chunk async for chunk in await litellm.acompletion(**self._request(timeout))]

    def _note(self, error: Exception) -> None:
        """Whose own time has run out; anything else is a failure."""
        if not isinstance(getattr(error, "original_exception", None) or error, litellm.Timeout):
            raise error
        self.timed_out += 1


def slope(samples: list[tuple[float, float]]) -> float:
    """Least squares, in units of each hour."""
    mean_x = sum(x for x, _ in samples) / len(samples)
    mean_y = sum(y for _, y in samples) / len(samples)
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    return 3600 * sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread if spread else 0.0


def soak(minutes: float) -> bool:
    mixed, rows, ordered = Mixed(), {name: [] for name in LIMITS}, 0
    with sandbox_process() as server, started(1800.0, tls=True) as (_, environment):
        streams = Streams(environment)
        load = Load(mixed.ask, mixed.aask, threads=THREADS, tasks=TASKS)
        beside = Load(streams.ask, streams.aask, threads=2, tasks=6)
        runners = [threading.Thread(target=one.run, args=(minutes * 60,)) for one in (load, beside)]
        began = time.monotonic()
        for runner in runners:
            runner.start()
        while any(runner.is_alive() for runner in runners):
            time.sleep(EVERY)
            server.send("trouble")
            ordered += len(TROUBLE)
            if time.monotonic() - began > minutes * 15:  # caches and LiteLLM's own state are filled by then
                gc.collect()
                now = time.monotonic() - began
                values = (resident(), len(os.listdir("/proc/self/fd")), threading.active_count(), mixed.tasks)  # noqa: PTH208
                for name, value in zip(rows, values, strict=True):
                    rows[name].append((now, float(value)))
        gc.collect()
        open_streams = litellm_gigachat_provider.stats()["streams_open"]
    print(f"soak: {minutes:g} min, {load.calls} calls; {mixed.failed} failed, {ordered} were ordered to")
    print(
        f"soak: {beside.calls} streams over HTTP/2, {streams.cancelled} cancelled, {streams.timed_out} out of time; "
        f"{len(beside.failures)} others failed"
    )
    for failure in sorted(set(load.failures + beside.failures))[:10]:
        print("   ", failure[:300])
    held = not load.failures and not beside.failures and mixed.failed <= ordered and open_streams == 0
    held = held and streams.cancelled > 0 and streams.timed_out > 0
    print(f"soak: streams open at the end: {open_streams}")
    for name, samples in rows.items():
        quarter = max(1, len(samples) // 4)
        first = sum(value for _, value in samples[:quarter]) / quarter
        last = sum(value for _, value in samples[-quarter:]) / quarter
        rise = slope(samples)
        most, least = LIMITS[name]
        fine = rise <= most or last - first <= least
        held = held and fine
        print(f"soak: {name}: {first:.1f} -> {last:.1f}, slope {rise:+.1f} an hour{'' if fine else '   RISING'}")
    return held


def short_tokens(seconds: float, callers: int, ttl: float) -> bool:
    with sandbox_process(token_ttl=ttl) as server:

        def ask() -> Any:
            return litellm.completion(model=MODEL, messages=HELLO, timeout=20)

        async def aask() -> Any:
            return await litellm.acompletion(model=MODEL, messages=HELLO, timeout=20)

        load = Load(ask, aask, threads=callers // 2, tasks=callers - callers // 2)
        load.run(seconds)
        server.send("oauth")
        asked = server.recv()
    allowed = load.seconds / (0.8 * ttl) + 2  # a token is renewed when four fifths of its life are over
    print(
        f"tokens of {ttl:g} s: {load.seconds:.0f} s, {callers} callers, {load.calls} calls, {len(load.failures)} failed, "
        f"{asked} OAuth requests (at most {allowed:.0f})"
    )
    for failure in sorted(set(load.failures))[:10]:
        print("   ", failure[:300])
    return not load.failures and asked <= allowed


def main() -> int:
    litellm.suppress_debug_info = True
    logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    held = short_tokens(min(60.0, minutes * 60), 50, 2.0)
    held = soak(minutes) and held
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
