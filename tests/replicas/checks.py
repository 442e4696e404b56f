"""What holds for two proxies with one account and one Redis; each check prints its figures or raises AssertionError."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter

from proxy_process import CLIENT_KEY

from .load import Meter, RoundRobin
from .stage import LIMIT, Stage

REQUESTS = 200
KILL_AFTER, HOLD = 50, 140  # requests: answered before one proxy is killed; that wait until it is back


def client(stage: Stage) -> RoundRobin:
    return RoundRobin([proxy.url for proxy in stage.proxies], CLIENT_KEY)


def load(stage: Stage) -> None:
    """200 requests, one proxy killed and started again in between."""
    knobs = stage.sandbox.knobs
    knobs.chat_delay, knobs.stream.chunk_delay = 0.15, 0.03
    asked, victim, back = client(stage), stage.proxies[0], threading.Event()
    died: list[tuple[float, int]] = []

    def kill() -> None:
        try:
            with asked.lock:  # so nothing starts meanwhile
                died.append((time.monotonic(), asked.under_way[victim.url]))
                victim.kill()
            victim.start()
            victim.wait_ready()
        finally:
            back.set()

    with Meter(stage.redis.client()) as meter:
        asked.load(REQUESTS, KILL_AFTER, kill, HOLD, back)
    [(at, lost)] = died
    failed = [outcome for outcome in asked.outcomes if outcome.failure]
    fine = [outcome for outcome in asked.outcomes if not outcome.failure]
    assert len(asked.outcomes) == REQUESTS, len(asked.outcomes)
    assert all(outcome.url == victim.url for outcome in failed), failed
    assert len(failed) <= lost, (lost, failed)
    shares = Counter(outcome.url for outcome in fine if outcome.at > at)
    assert all(shares[proxy.url] >= (REQUESTS - HOLD) // 3 for proxy in stage.proxies), shares
    tokens = sum(outcome.tokens for outcome in fine)
    dying = [outcome for outcome in asked.outcomes if outcome.url == victim.url and at - 3 < outcome.at <= at]
    most = max(outcome.tokens for outcome in fine)
    assert abs(meter.tokens - tokens) <= (len(dying) + lost) * most, (meter.tokens, tokens)
    assert stage.sandbox.world.most_running == LIMIT, stage.sandbox.world.most_running
    assert not [record for record in stage.sandbox.requests if record.status == 429]
    print(
        f"   {REQUESTS} requests: {len(fine)} answered, {len(failed)} died with the {lost} connections of the killed "
        f"proxy; {tokens} tokens at the clients, {meter.tokens} counted in Redis; at most {LIMIT} generations at once"
    )
    knobs.chat_delay = knobs.stream.chunk_delay = 0.0


def cache(stage: Stage) -> None:
    """What one proxy answered, the other answers from Redis."""
    asked, prompt = client(stage), f"Question {uuid.uuid4()}"
    before = len(stage.sandbox.chat_requests)
    first = asked.ask(0, prompt)
    time.sleep(1)  # it is written behind the answer
    again = asked.ask(1, prompt)
    assert first.status_code == again.status_code == 200, (first.text, again.text)
    urls = [outcome.url for outcome in asked.outcomes]
    assert urls == [proxy.url for proxy in stage.proxies], urls
    told = [answer.json()["choices"][0]["message"]["content"] for answer in (first, again)]
    assert (told[0], len(stage.sandbox.chat_requests)) == (told[1], before + 1), told
    print("   asked twice, answered twice, sent to GigaChat once")


def usage_limit(stage: Stage) -> None:
    """``rpm: 30`` is the limit of both together."""
    asked = client(stage)
    time.sleep(max(0.0, 61 - time.time() % 60) if time.time() % 60 > 30 else 0.0)  # LiteLLM counts by the minute
    statuses = Counter(asked.ask(n, f"Limited {n} {uuid.uuid4()}", "gigachat-pro").status_code for n in range(40))
    assert statuses == {200: 30, 429: 10}, statuses
    assert {outcome.url for outcome in asked.outcomes if outcome.failure} == {proxy.url for proxy in stage.proxies}
    print("   40 requests at 30 a minute: 30 answered, 10 refused, by both proxies")


def cooldown(stage: Stage) -> None:
    """A deployment that failed at one proxy is not asked by the other either; a 429 shuts out none."""
    asked = client(stage)

    def ask(number: int, times: int) -> list[tuple[int, list[str]]]:
        """(status, models asked at GigaChat) of each of some requests to the proxy of that number."""
        found = []
        for _ in range(times):
            before = len(stage.sandbox.chat_bodies)
            status = asked.ask(number, f"Missing {uuid.uuid4()}").status_code
            found.append((status, [body["model"] for body in stage.sandbox.chat_bodies[before:]]))
        return found

    both, second = ["GigaChat-2-Max", "GigaChat-2-Pro"], ["GigaChat-2-Pro"]
    stage.sandbox.fail_next("chat", status=429, times=8)
    found = ask(0, 5)
    assert found == [(429, both)] * 4 + [(200, both[:1])], found
    stage.sandbox.knobs.missing_models = ["GigaChat-2-Max"]
    found = ask(0, 4)
    # not after how many: LiteLLM counts the 429s of before as failures, too
    assert (found[0], found[3]) == ((200, both), (200, second)), found
    time.sleep(3)  # LiteLLM looks into Redis once a second
    found = ask(1, 1)
    assert found == [(200, second)], found
    print("   after failures at one proxy the other asks the next deployment at once")


CHECKS = {check.__name__: check for check in (load, cache, usage_limit, cooldown)}
