"""Small counters of one transport. Lost increments of racing threads are accepted; the lock-free path is hot."""

from __future__ import annotations

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
