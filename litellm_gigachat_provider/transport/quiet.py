"""Keeps the Authorization header out of other libraries' debug logs."""

from __future__ import annotations

import logging

# hpack writes every header it packs for HTTP/2 into its log at DEBUG, "Encoding Authorization: Bearer …" among
# them. httpcore, httpx and aiohttp log no request headers.
_LOGGERS = ("hpack.hpack", "hpack.table")


class _NoDetails(logging.Filter):
    """Lets through what is more than DEBUG. A filter, because a level set here is undone by ``dictConfig``."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno > logging.DEBUG


_FILTER = _NoDetails()


def hush() -> None:
    """Idempotent; called where the first tenant's credential meets the HTTP stack, before any header is packed."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
