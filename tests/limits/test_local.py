from __future__ import annotations

import asyncio
import gc
import threading
import time

import pytest

from litellm_gigachat_provider.errors import TimeoutFailureError
from litellm_gigachat_provider.limits.local import Limiter, limiter_for


def test_no_limit_costs_nothing():
    assert limiter_for("key", None) is None


def test_one_limiter_per_credential_and_none_kept_without_users():
    first = limiter_for(("key", 1), 2)
    assert limiter_for(("key", 1), 3) is first
    assert first.limit == 3
    assert limiter_for(("key", 2), 3) is not first
    del first
    gc.collect()
    assert limiter_for(("key", 1), 1).limit == 1


def test_threads_and_tasks_of_several_loops_share_the_limit():
    limiter = Limiter(3)
    running, most = 0, 0
    lock = threading.Lock()

    def begin(step):
        nonlocal running, most
        with lock:
            running += step
            most = max(most, running)

    def in_thread():
        for _ in range(5):
            slot = asyncio.run(limiter.acquire(5))
            begin(1)
            time.sleep(0.002)
            begin(-1)
            slot.release()

    async def in_task():
        slot = await limiter.acquire(5)
        begin(1)
        await asyncio.sleep(0.002)
        begin(-1)
        slot.release()

    async def tasks():
        await asyncio.gather(*[in_task() for _ in range(20)])

    threads = [threading.Thread(target=in_thread) for _ in range(4)]
    threads += [threading.Thread(target=lambda: asyncio.run(tasks())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == 3
    assert (limiter.running, limiter.waiting) == (0, 0)


def test_first_come_first_served():
    async def main():
        limiter = Limiter(1)
        slot = await limiter.acquire(1)
        order = []

        async def one(number):
            mine = await limiter.acquire(5)
            order.append(number)
            mine.release()

        tasks = [asyncio.create_task(one(number)) for number in range(10)]
        await asyncio.sleep(0)
        slot.release()
        late = asyncio.create_task(one(99))
        await asyncio.gather(*tasks, late)
        return order

    assert asyncio.run(main()) == [*range(10), 99]


def test_waiting_ends_with_the_deadline_and_says_which_setting_helps():
    limiter = Limiter(1)
    slot = asyncio.run(limiter.acquire(1))
    began = time.monotonic()
    with pytest.raises(TimeoutFailureError, match="GIGACHAT_MAX_CONCURRENCY"):
        asyncio.run(limiter.acquire(0.05))
    assert time.monotonic() - began < 5
    assert limiter.waiting == 0
    slot.release()
    slot.release()
    assert limiter.running == 0
    asyncio.run(limiter.acquire(0.1)).release()


def test_a_cancelled_wait_gives_its_place_up_also_when_it_was_just_granted():
    async def main():
        limiter = Limiter(1)
        slot = await limiter.acquire(1)
        waiting = asyncio.create_task(limiter.acquire(5))
        await asyncio.sleep(0)
        slot.release()  # grants the waiting task, which does not know yet
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert limiter.running == 0
        slot = await limiter.acquire(0.1)
        queued = asyncio.create_task(limiter.acquire(5))
        await asyncio.sleep(0)
        queued.cancel()
        await asyncio.gather(queued, return_exceptions=True)
        assert limiter.waiting == 0
        slot.release()
        assert limiter.running == 0

    asyncio.run(main())


def test_a_waiter_whose_loop_was_closed_does_not_swallow_the_slot():
    limiter = Limiter(1)
    slot = asyncio.run(limiter.acquire(1))
    loop = asyncio.new_event_loop()
    task = loop.create_task(limiter.acquire(5))
    loop.run_until_complete(asyncio.sleep(0))
    assert limiter.waiting == 1
    loop.close()
    slot.release()
    assert limiter.running == 0
    asyncio.run(limiter.acquire(0.1)).release()
    task._log_destroy_pending = False


def test_a_lost_slot_comes_back():
    limiter = Limiter(1)
    asyncio.run(limiter.acquire(1))
    gc.collect()
    assert limiter.running == 0
