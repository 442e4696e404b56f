"""Small counters of one transport. Lost increments of racing threads are accepted; the lock-free path is hot."""

from __future__ import annotations

import weakref
from typing import Any

from ..errors import GigaChatError, HttpFailureError


class Stats:
    """``snapshot()`` gives requests by kind, failures by kind, and the file cache's work. No secrets."""

    __slots__ = ("cache_hits", "deletes", "downloads", "errors", "requests", "streams_open", "uploads")

    def __init__(self) -> None:
        self.requests: dict[str, int] = {}
        self.errors: dict[str, int] = {}
        self.streams_open = 0
        self.uploads = 0
        self.downloads = 0
        self.deletes = 0
        self.cache_hits = 0

    def count(self, where: str) -> None:
        self.requests[where] = self.requests.get(where, 0) + 1

    def fail(self, failure: GigaChatError) -> None:
        kind = f"http_{failure.status}" if isinstance(failure, HttpFailureError) else type(failure).__name__
        self.errors[kind] = self.errors.get(kind, 0) + 1

    def snapshot(self) -> dict[str, Any]:
        return {
            "requests": dict(self.requests),
            "errors": dict(self.errors),
            "retries": 0,  # nothing is sent twice here; a repeat is for LiteLLM's num_retries to decide
            "streams_open": self.streams_open,
            "uploads": self.uploads,
            "downloads": self.downloads,
            "deletes": self.deletes,
            "cache_hits": self.cache_hits,
        }


_SUMMED = ("cache_hits", "deletes", "downloads", "streams_open", "uploads")
_living: set[Stats] = set()
_gone = Stats()  # the counts of tenants whose transport was let go


def follow(owner: object) -> Stats:
    """New counters that :func:`totals` includes, also after their ``owner`` is gone."""
    stats = Stats()
    _living.add(stats)
    weakref.finalize(owner, _fold, stats).atexit = False
    return stats


def _fold(stats: Stats) -> None:
    _living.discard(stats)
    _add(_gone, stats)


def _add(total: Stats, part: Stats) -> None:
    for name in _SUMMED:
        setattr(total, name, getattr(total, name) + getattr(part, name))
    for sums, counts in ((total.requests, part.requests), (total.errors, part.errors)):
        for kind, number in counts.copy().items():  # counted meanwhile
            sums[kind] = sums.get(kind, 0) + number


def totals() -> dict[str, Any]:
    """:meth:`Stats.snapshot` summed over all tenants of this process."""
    total = Stats()
    for part in (_gone, *_living.copy()):
        _add(total, part)
    return total.snapshot()
