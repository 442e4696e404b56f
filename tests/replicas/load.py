"""A load over all proxies: a client that takes turns, and what came of each request."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

CALLERS = 12


@dataclass
class Outcome:
    url: str
    tokens: int
    failure: str
    at: float


class RoundRobin:
    """Asks one proxy after the other, and the next one where a connection is refused: nothing was sent there."""

    def __init__(self, urls: Sequence[str], key: str) -> None:
        self._urls = urls
        # A connection for every request, as a balancer has it: one that died while idle is nobody's.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=180, limits=limits)
        self.lock = threading.Lock()
        self.under_way: Counter[str] = Counter()
        self.outcomes: list[Outcome] = []

    def ask(self, number: int, prompt: str, model: str = "gigachat", *, stream: bool = False) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": prompt}]}
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        for turn in range(len(self._urls)):
            url = self._urls[(number + turn) % len(self._urls)]
            try:
                return self._send(url, body)
            except httpx.ConnectError:
                continue
        raise AssertionError("no proxy takes connections")

    def _send(self, url: str, body: dict) -> httpx.Response:
        with self.lock:
            self.under_way[url] += 1
        outcome = None
        try:
            answer = self._http.post(f"{url}/v1/chat/completions", json=body)
            wrong = "" if answer.status_code == 200 else f"{answer.status_code} {answer.text[:300]}"
            tokens = 0 if wrong else _tokens(answer)
            outcome = Outcome(url, tokens, wrong or ("" if tokens else "cut short"), time.monotonic())
            return answer
        except httpx.ConnectError:
            raise
        except httpx.TransportError as error:
            outcome = Outcome(url, 0, repr(error), time.monotonic())
            return httpx.Response(599)
        finally:
            with self.lock:
                self.under_way[url] -= 1
                self.outcomes += [outcome] if outcome else []

    def load(self, requests: int, after: int, then: Callable[[], None], hold: int, until: threading.Event) -> None:
        """``requests`` different ones, every second as a stream; ``then`` is called once ``after`` of them are through.

        Those from number ``hold`` on wait for ``until``.
        """

        def one(number: int) -> None:
            if number >= hold:
                until.wait(600)
            self.ask(number, f"Request number {number}", stream=number % 2 == 1)

        with ThreadPoolExecutor(CALLERS + 1) as pool:
            watching = pool.submit(self._watch, after, then)
            list(pool.map(one, range(requests)))
            watching.result()

    def _watch(self, after: int, then: Callable[[], None]) -> None:
        deadline = time.monotonic() + 300
        while len(self.outcomes) < after:
            assert time.monotonic() < deadline, f"{len(self.outcomes)} requests through in 300 s"
            time.sleep(0.02)
        then()


def _tokens(answer: httpx.Response) -> int:
    """Of a whole answer or a whole stream; 0 for one that lacks its end."""
    if not answer.headers["content-type"].startswith("text/event-stream"):
        return answer.json()["usage"]["total_tokens"]
    events = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    if not events or events.pop() != "[DONE]":
        return 0
    return next((usage["total_tokens"] for event in reversed(events) if (usage := json.loads(event).get("usage"))), 0)


class Meter:
    """What LiteLLM's Router counts in Redis: keys of a minute, gone a minute later, so looked at again and again."""

    def __init__(self, redis) -> None:
        self._redis = redis
        self._most: dict[str, float] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Meter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(3)  # it counts behind the answer
        self._done.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._done.wait(0.5):
            for key in self._redis.scan_iter("global_router:*:tpm:*"):
                self._most[key] = max(self._most.get(key, 0), float(self._redis.get(key) or 0))

    @property
    def tokens(self) -> int:
        return round(sum(self._most.values()))
