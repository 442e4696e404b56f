"""Ответ по частям: сначала обычный цикл, затем то же самое в asyncio."""

from __future__ import annotations

import asyncio

import litellm

import litellm_gigachat_provider  # noqa: F401

QUESTION = {
    "model": "gigachat/GigaChat-2-Max",
    "messages": [{"role": "user", "content": "Посчитай от 1 до 20"}],
    "stream": True,
    "stream_options": {"include_usage": True},  # расход токенов придёт в конце потока
}


def printed(chunk) -> str:
    """Печатает кусочек сразу, как только он пришёл, и возвращает его."""
    if getattr(chunk, "usage", None):
        print(f"\n[токенов: {chunk.usage.total_tokens}]")
    piece = (chunk.choices[0].delta.content or "") if chunk.choices else ""
    print(piece, end="", flush=True)
    return piece


async def in_asyncio() -> str:
    return "".join([printed(chunk) async for chunk in await litellm.acompletion(**QUESTION)])


def main() -> None:
    text = "".join(printed(chunk) for chunk in litellm.completion(**QUESTION))
    also = asyncio.run(in_asyncio())
    if not text or not also:
        raise SystemExit("пустой ответ")


if __name__ == "__main__":
    main()
