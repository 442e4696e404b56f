"""Debug logs: what was asked and what came back, as structure only.

The logger ``litellm_gigachat_provider`` has no handler of its own; at DEBUG it shows roles, lengths, function
names, parameter names and numbers. Never a text of a message, a key, or a header's value (but for the
two that a support request needs: ``X-Request-ID`` and ``X-Session-ID``).
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from typing import Any

from ..errors import GigaChatError, HttpFailureError

LOG = logging.getLogger("litellm_gigachat_provider")

_TRACING = ("x-request-id", "x-session-id")
# Keys whose strings are words of the protocol, or names that the caller's program (not its user) has chosen.
_WORDS = frozenset(
    {
        "model", "role", "name", "type", "function_call", "tool_choice", "mode", "function_name",
        "reasoning_effort", "effort", "flags",
    }
)  # fmt: skip
# Objects whose very keys may be data.
_OPAQUE = frozenset({"arguments", "result", "params", "request", "few_shot_examples", "user_info", "metadata"})
_SCHEMAS = frozenset({"parameters", "return_parameters", "schema"})
_DEPTH = 12


def sent(url: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> float:
    """Log a request that is about to go out. Its start (monotonic seconds) for :func:`answered`; 0 when off."""
    if not LOG.isEnabledFor(logging.DEBUG):
        return 0.0
    LOG.debug("POST %s headers %s body %s", url.partition("?")[0], _headers(headers), _json(shape(body)))
    return time.monotonic()


def answered(reply: Any, started: float) -> None:
    """Log a plain answer. ``reply`` is a ``transport`` Reply."""
    try:
        summary = _json(outcome(reply.json()))
    except GigaChatError as error:
        summary = f"unusable ({type(error).__name__})"
    LOG.debug("%s after %.3f s headers %s answer %s", reply.status, _since(started), _headers(reply.headers), summary)


def opened(events: Any, started: float) -> None:
    """Log the head of an event stream."""
    LOG.debug("%s stream open after %.3f s headers %s", events.status, _since(started), _headers(events.headers))


def ended(index: int, finish_reason: str | None, usage: Any, started: float) -> None:
    """Log the end of one streamed choice; ``started`` in Unix seconds, as streams keep it."""
    if LOG.isEnabledFor(logging.DEBUG):
        elapsed = max(0.0, time.time() - started)
        LOG.debug("stream %d ended: finish_reason %s usage %s about %.1f s", index, finish_reason, usage, elapsed)


def failed(failure: GigaChatError, kind: str) -> None:
    """Log a failure as it leaves us. Not its text: the service quotes the request in some of them."""
    if not LOG.isEnabledFor(logging.DEBUG):
        return
    if isinstance(failure, HttpFailureError):
        LOG.debug("%s: status %s to %s headers %s", kind, failure.status, failure.where, _headers(failure.headers))
    else:
        LOG.debug("%s: %s", kind, type(failure).__name__)


def outcome(body: Any) -> Any:
    """Of an answer's body: finish reasons, usage, model; sizes of the rest."""
    if not isinstance(body, Mapping):
        return shape(body)
    kept = {key: body[key] for key in ("model", "finish_reason", "usage") if key in body}
    choices = body.get("choices")
    if isinstance(choices, list):
        kept["finish_reason"] = [c.get("finish_reason") for c in choices if isinstance(c, Mapping)]
    data = body.get("data")
    if isinstance(data, list):
        kept["data"] = f"<{len(data)} items>"
    return kept


def shape(value: Any, key: str = "", depth: int = 0) -> Any:
    """``value`` with every text replaced by its length: what remains may be shown to anyone."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return value if key in _WORDS else f"<{len(value)} chars>"
    if depth > _DEPTH or key in _OPAQUE:
        return f"<{len(value)} items>" if isinstance(value, (Mapping, list, tuple)) else f"<{type(value).__name__}>"
    if isinstance(value, Mapping):
        if key in _SCHEMAS and isinstance(value.get("properties"), Mapping):
            return {name: _type_of(schema) for name, schema in value["properties"].items()}
        return {
            str(name): _texts(item, depth + 1) if name == "input" else shape(item, str(name), depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [shape(item, key, depth + 1) for item in value]
    return f"<{type(value).__name__}>"


def _texts(value: Any, depth: int) -> Any:
    """``input`` of embeddings: thousands of texts, or numbers that are a text in tokens."""
    if isinstance(value, (list, tuple)):
        return f"<{len(value)} texts, {sum(len(v) for v in value if isinstance(v, (str, list, tuple)))} chars>"
    return shape(value, "", depth)


def _type_of(schema: Any) -> Any:
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    return kind if isinstance(kind, (str, list)) else "any"


def _headers(headers: Mapping[str, str]) -> str:
    """Names of all, values of the two that trace a request."""
    shown = {name.lower(): value for name, value in headers.items()}
    return _json({name: value if name in _TRACING else "…" for name, value in shown.items()})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=lambda odd: f"<{type(odd).__name__}>")


def _since(started: float) -> float:
    return time.monotonic() - started
