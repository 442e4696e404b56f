"""One limit for several processes, against a real Redis and with real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import litellm
import pytest
from redis_process import MISSING, Redis

from litellm_gigachat_provider.limits import shared

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING or "")
CALLER = str(Path(__file__).with_name("caller.py"))
HELLO = [{"role": "user", "content": "Привет!"}]


@pytest.fixture
def redis(tmp_path):
    made = Redis(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def account(gigachat_sandbox, redis, monkeypatch):
    """The sandbox with a limited account, and the environment of those who call it."""
    monkeypatch.setenv("GIGACHAT_LIMIT_URL", redis.url)
    monkeypatch.setattr(shared, "STARTING", 0)

    def limit(number):
        gigachat_sandbox.knobs.max_generations = number
        monkeypatch.setenv("GIGACHAT_MAX_CONCURRENCY", str(number))

    gigachat_sandbox.limit = limit
    limit(1)
    return gigachat_sandbox


def caller(callers, calls, *more):
    command = [sys.executable, CALLER, str(callers), str(calls), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))


def held(redis):
    return sum(redis.client().zcard(key) for key in redis.client().keys("*[}]"))


def all_given_back(redis):
    """No caller waits for Redis to hear that its slot is free."""
    end = time.monotonic() + 10
    while held(redis) and time.monotonic() < end:
        time.sleep(0.02)
    return not held(redis)


def too_many(sandbox):
    return [record.status for record in sandbox.requests if record.status == 429]


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 3])
def test_four_processes_keep_one_limit(account, number):
    account.limit(number)
    account.knobs.chat_delay = 0.02
    processes = [caller(25, 2) for _ in range(4)]
    told = [process.communicate(timeout=240)[0].strip() for process in processes]
    assert told == ["50 fine"] * 4
    assert len(account.chat_requests) == 200
    assert too_many(account) == []
    assert account.world.most_running == number


@pytest.mark.slow
def test_a_killed_process_gives_its_slot_back(account, redis):
    account.knobs.stream.chunk_delay = 1.0
    dying = caller(1, 1, "hang")
    assert dying.stdout.readline() == "streaming\n"
    dying.send_signal(signal.SIGKILL)
    dying.wait(10)
    account.knobs.stream.chunk_delay = 0.0
    began = time.monotonic()
    answer = litellm.completion(model="gigachat/GigaChat-2", messages=HELLO, timeout=60)
    assert answer.choices[0].message.content
    assert 1 < time.monotonic() - began < 30
    assert too_many(account) == []


@pytest.mark.slow
def test_a_redis_that_starts_again_under_load_harms_nobody(account, redis, monkeypatch):
    monkeypatch.undo()
    os.environ.update(account.env, GIGACHAT_LIMIT_URL=redis.url, GIGACHAT_MAX_CONCURRENCY="1")
    try:
        account.knobs.chat_delay = 0.1
        processes = [caller(5, 6) for _ in range(2)]
        deadline = time.monotonic() + 60
        while len(account.chat_requests) < 10 and time.monotonic() < deadline:
            time.sleep(0.05)
        redis.stop()
        time.sleep(1)
        redis.start()
        told = [process.communicate(timeout=240)[0].strip() for process in processes]
        assert told == ["30 fine"] * 2
        assert too_many(account) == []
        assert account.world.most_running == 1
    finally:
        for name in (*account.env, "GIGACHAT_LIMIT_URL", "GIGACHAT_MAX_CONCURRENCY"):
            os.environ.pop(name, None)


def test_no_key_goes_to_redis_and_nothing_is_left(account, redis):
    stream = litellm.completion(model="gigachat/GigaChat-2", messages=HELLO, stream=True)
    keys = redis.client().keys()
    assert held(redis) == 1
    assert list(stream)
    assert account.credentials not in "".join(keys)
    assert all(key.startswith("gigachat:limit:{") for key in keys)
    assert litellm.completion(model="gigachat/GigaChat-2", messages=HELLO).choices[0].message.content
    assert all_given_back(redis)


@pytest.mark.parametrize("way", ["sync", "async"])
def test_without_redis_the_local_limit_holds(account, redis, caplog, monkeypatch, way):
    monkeypatch.setattr(shared, "PATIENCE", 0.2)
    monkeypatch.setattr(shared, "RETRY", 0.5)
    redis.stop()
    account.knobs.chat_delay = 0.05
    call = {"model": "gigachat/GigaChat-2", "messages": HELLO, "timeout": 30}

    async def many():
        return await asyncio.gather(*(litellm.acompletion(**call) for _ in range(4)))

    answers = asyncio.run(many()) if way == "async" else [litellm.completion(**call) for _ in range(4)]
    assert all(answer.choices[0].message.content for answer in answers)
    assert too_many(account) == []
    warnings = [record.getMessage() for record in caplog.records if "GIGACHAT_LIMIT_URL" in record.getMessage()]
    assert len(warnings) == 1
    assert "127.0.0.1" not in warnings[0]
    redis.start()
    time.sleep(0.6)
    assert litellm.completion(**call).choices[0].message.content
    assert all_given_back(redis)


def test_a_cancelled_wait_gives_its_place_up(account, redis):
    account.knobs.chat_delay = 1.0
    call = {"model": "gigachat/GigaChat-2", "messages": HELLO, "timeout": 30}

    async def main():
        first = asyncio.create_task(litellm.acompletion(**call))
        await asyncio.sleep(0.3)
        second = asyncio.create_task(litellm.acompletion(**call))
        await asyncio.sleep(0.1)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        await first
        return await litellm.acompletion(**call)

    assert asyncio.run(main()).choices[0].message.content
    assert too_many(account) == []


def test_a_wrong_address_is_refused(account, monkeypatch):
    monkeypatch.setenv("GIGACHAT_LIMIT_URL", "nonsense")
    with pytest.raises(litellm.BadRequestError, match="GIGACHAT_LIMIT_URL"):
        litellm.completion(model="gigachat/GigaChat-2", messages=HELLO)
