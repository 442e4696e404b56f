"""Callers of LiteLLM that ask at the same time, from threads or on one event loop, and what each of them got."""

# ruff: noqa: BLE001 - whatever comes out of a call is an outcome here

from __future__ import annotations

import asyncio
import os
import threading

import litellm

import litellm_gigachat_provider  # noqa: F401 - registers

MODEL = "gigachat/GigaChat-2-Max"


def point_at(monkeypatch, base_url, **more):
    """The environment of a user of that server, and nothing else of GigaChat in it."""
    for name in [name for name in os.environ if name.startswith("GIGACHAT_")]:
        monkeypatch.delenv(name)
    given = {"BASE_URL": base_url} | more
    if "CREDENTIALS" not in given:
        given.setdefault("ACCESS_TOKEN", "token-" + "a" * 20)
    for name, value in given.items():
        monkeypatch.setenv(f"GIGACHAT_{name}", value)


def _request(text, timeout, stream):
    messages = [{"role": "user", "content": text}]
    return {"model": MODEL, "messages": messages, "timeout": timeout, "stream": stream, "max_retries": 0}


def _piece(chunk):
    return chunk.choices[0].delta.content or ""


def ask(text, timeout, stream=True):
    answer = litellm.completion(**_request(text, timeout, stream))
    return "".join(map(_piece, answer)) if stream else answer.choices[0].message.content


async def aask(text, timeout, stream=True):
    answer = await litellm.acompletion(**_request(text, timeout, stream))
    return "".join([_piece(chunk) async for chunk in answer]) if stream else answer.choices[0].message.content


def outcome(way, text, timeout, stream=True):
    """The text, or the exception."""
    try:
        return ask(text, timeout, stream) if way == "sync" else asyncio.run(aask(text, timeout, stream))
    except Exception as error:
        return error


def together(way, requests):
    """``requests``: pairs of text and timeout, asked at once. The text each got, or its exception, in order."""
    got = [None] * len(requests)

    async def main():
        return await asyncio.gather(*(aask(*request) for request in requests), return_exceptions=True)

    if way == "async":
        return asyncio.run(main())

    def one(number):
        try:
            got[number] = ask(*requests[number])
        except Exception as error:
            got[number] = error

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got
