"""Counting tokens by a fixed rule, and the prefix cache: close to the recorded numbers, and always the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PER_MESSAGE: Final = 10
_PIECE: Final = re.compile(r"\w+|[^\w\s]")
_LETTERS_PER_TOKEN: Final = 8
_CACHE_SECONDS: Final = 30.0


def count(text: str) -> int:
    """Tokens of raw text: a word or a mark is one, a long word several ("Hello, world!" is 4, as recorded)."""
    return sum(-(-len(piece) // _LETTERS_PER_TOKEN) for piece in _PIECE.findall(text))


@dataclass(frozen=True)
class Usage:
    """``prompt`` is gross; ``cached`` is the part of it that came out of the cache."""

    prompt: int
    cached: int
    completion: int

    def v1(self) -> dict[str, int]:
        """v1 bills the prompt net of the cache: total = net prompt + completion."""
        net = self.prompt - self.cached
        return {
            "prompt_tokens": net,
            "completion_tokens": self.completion,
            "total_tokens": net + self.completion,
            "precached_prompt_tokens": self.cached,
        }

    def v2(self) -> dict[str, object]:
        return {
            "input_tokens": self.prompt,
            "input_tokens_details": {"prompt_tokens": self.prompt, "cached_tokens": self.cached},
            "output_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
        }


class PrefixCache:
    """What each session's last prompt began with; an entry dies 30 seconds after its last use."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[float, tuple[str, ...]]] = {}

    def clear(self) -> None:
        self._seen.clear()

    def cached(self, owner: str, session: str, parts: Sequence[str], now: float) -> int:
        """Tokens of the leading ``parts`` that the previous prompt of this session had too; remembers this one."""
        key = (owner, session)
        then, before = self._seen.get(key, (float("-inf"), ()))
        self._seen[key] = (now, tuple(parts))
        if now - then > _CACHE_SECONDS:
            return 0
        total = 0
        for old, new in zip(before, parts):  # noqa: B905 - the shorter one decides
            if old != new:
                break
            total += count(new) + PER_MESSAGE
        return total
