"""``python -m tests.benchmarks.shares [async|sync] [hello|tools|history]``: where the CPU time of a call goes.

One process takes turns with the call as it is, the call with one layer answered from memory, and a provider that does
nothing; each figure is a share of the latter. What a layer costs is the difference between two lines.
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from .__main__ import Process
from .payloads import ANSWER, MODEL
from .yardsticks import NOTHING, OURS, set_up

_CALLS = 20
_ROUNDS = 60


def main(way: str, payload: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = Process("server", folder=folder)
        try:
            _run(way, payload, f"http://127.0.0.1:{server.line()}")
        finally:
            server.stop()


def _run(way: str, payload: str, address: str) -> None:
    nothing = set_up(NOTHING)
    import litellm

    kept = list(litellm.custom_provider_map)
    ours = set_up(OURS)
    litellm.custom_provider_map += kept
    from .measures import Bench

    bench = Bench(ours, address)
    kwargs = bench.call(payload=payload)
    variants = _variants(litellm, kwargs, address)
    spent: dict[str, list[float]] = {name: [] for name in [*variants, NOTHING]}
    gc.collect()
    gc.freeze()
    for _ in range(_ROUNDS):
        for name in spent:
            undo = variants[name]() if name in variants else _nothing
            call = {**kwargs, "model": nothing if name == NOTHING else ours}
            before = time.process_time()
            _ask(litellm, bench, way, call)
            spent[name].append((time.process_time() - before) / _CALLS * 1e6)
            undo()
    print(f"{way} call, {payload}, LiteLLM {litellm._version.version}: CPU, and its share of a do-nothing provider's")
    for name, values in spent.items():
        share = statistics.median(a / b for a, b in zip(values, spent[NOTHING], strict=True))
        print(f"{statistics.median(values):8.0f} µs {share:6.2f}  {name}")


def _ask(litellm: Any, bench: Any, way: str, call: dict[str, Any]) -> None:
    async def work() -> None:
        for _ in range(_CALLS):
            await litellm.acompletion(**call)
        await asyncio.sleep(0.01)

    if way == "async":
        bench.run(work())
        return
    for _ in range(_CALLS):
        litellm.completion(**call)
    time.sleep(0.01)


def _nothing() -> None:
    """Nothing to undo."""


def _variants(litellm: Any, kwargs: dict[str, Any], address: str) -> dict[str, Callable[[], Callable[[], None]]]:
    """What is replaced, by what; each gives back what undoes it. The key says what is left."""
    import httpx
    from litellm_gigachat_provider.transport.lane_http1 import Http1Lane
    from litellm_gigachat_provider.transport.lane_http1_async import AsyncHttp1Lane
    from litellm_gigachat_provider.transport.lanes import Raw

    from litellm_gigachat_provider import call as call_module
    from litellm_gigachat_provider.provider import GigaChatLLM
    from litellm_gigachat_provider.transport.client import Transport
    from litellm_gigachat_provider.transport.replies import Reply

    litellm.completion(**kwargs)
    done = litellm.completion(**kwargs)
    headers = httpx.Headers({"content-type": "application/json", "x-request-id": "1"})
    raw, reply, prepare = Raw(200, headers, ANSWER), Reply(200, headers, ANSWER), call_module.prepare
    ready: dict[str, Any] = {}

    def prepared(overrides: Any, given: Any, **more: Any) -> Any:
        if "call" not in ready:
            ready["call"] = prepare(overrides, given, **more)
        made = ready["call"]
        made.deadline = time.monotonic() + made.timeout
        return made

    def answered(self: Any, **given: Any) -> Any:
        response = given["model_response"]
        response.id, response.created, response.model = done.id, done.created, done.model
        response.choices, response.usage = done.choices, done.usage
        return response

    exchange, aexchange = _bare_sockets(address)

    def after(io: Callable[[], Any]) -> Callable[..., Any]:
        return lambda self, **given: (io(), answered(self, **given))[1]

    async def aanswered(self: Any, **given: Any) -> Any:
        return answered(self, **given)

    async def aafter(self: Any, **given: Any) -> Any:
        await aexchange()
        return answered(self, **given)

    async def araw(*_: Any) -> Any:
        return raw

    async def areply(*_: Any, **__: Any) -> Any:
        return reply

    def variant(*changes: tuple[Any, str, Any]) -> Callable[[], Callable[[], None]]:
        def apply() -> Callable[[], None]:
            before = [(place, name, getattr(place, name)) for place, name, _ in changes]
            for place, name, value in changes:
                setattr(place, name, value)

            def undo() -> None:
                for place, name, value in before:
                    setattr(place, name, value)

            return undo

        return apply

    handler = (GigaChatLLM, "completion"), (GigaChatLLM, "acompletion")
    return {
        "the call": variant(),
        "without settings and session": variant((call_module, "prepare", prepared)),
        "without HTTP": variant((Http1Lane, "send", lambda *_: raw), (AsyncHttp1Lane, "send", araw)),
        "without requests, tokens and HTTP": variant(
            (Transport, "request", lambda *_, **__: reply), (Transport, "arequest", areply)
        ),
        "a bare exchange over a socket, the answer's objects kept": variant(
            (*handler[0], after(exchange)), (*handler[1], aafter)
        ),
        "the answer's objects kept, nothing else": variant((*handler[0], answered), (*handler[1], aanswered)),
    }


def _bare_sockets(address: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """The least a round trip can cost, blocking and on the loop."""
    host, port = address.removeprefix("http://").split(":")
    body = b'{"model":"%s","messages":[{"role":"user","content":"?"}]}' % MODEL.encode()
    head = b"POST /plain/0/v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    connection = socket.create_connection((host, int(port)))
    kept: dict[str, Any] = {}

    def exchange() -> bytes:
        connection.sendall(head + body)
        return connection.recv(65536)

    class Client(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            kept["waiter"].set_result(data)

    async def aexchange() -> bytes:
        loop = asyncio.get_running_loop()
        if "transport" not in kept:
            kept["transport"], _ = await loop.create_connection(Client, host, int(port))
        kept["waiter"] = loop.create_future()
        kept["transport"].write(head + body)
        answer: bytes = await kept["waiter"]
        return answer

    return exchange, aexchange


if __name__ == "__main__":
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    main(*sys.argv[1:], *("async", "hello")[len(sys.argv) - 1 :])
