"""A stable ``X-Session-ID`` per conversation: GigaChat routes equal ids to the node that has the prefix cached.

Everything but an id that was given outright passes a hash keyed by the tenant's salt, so that neither
texts nor ids of other systems can be read from it, and two tenants never share one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

_HEADER = "x-session-id"
_SAFE = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}\Z")
_LEADING = frozenset({"system", "developer"})


def session_id(
    headers: Mapping[str, str] | None,
    params: Mapping[str, Any],
    litellm_params: Mapping[str, Any] | None,
    messages: Any,
    tenant_salt: str,
) -> str | None:
    """The header's value, or None where it is set already or switched off (``gigachat_session_affinity=False``).

    Order: the parameter ``session_id`` as it is; then, hashed: ``litellm_session_id``,
    ``metadata.session_id``, ``prompt_cache_key``; else ``user`` with the leading messages (system
    texts and the first user message), which stay the same from turn to turn.
    """
    if any(name.lower() == _HEADER for name in headers or ()):
        return None
    given = params.get("session_id")
    if isinstance(given, str) and _SAFE.match(given):
        return given
    if params.get("gigachat_session_affinity") is False:
        return None
    named = given or _named(params, litellm_params or {})
    if named:
        return _hashed(tenant_salt, "named", str(named))
    leading = _leading(messages)
    if leading is None:
        return None
    return _hashed(tenant_salt, "leading", str(params.get("user") or ""), leading)


def _named(params: Mapping[str, Any], litellm_params: Mapping[str, Any]) -> Any:
    candidates: list[Any] = [litellm_params.get("litellm_session_id"), params.get("litellm_session_id")]
    for holder in (litellm_params, params):
        for word in ("metadata", "litellm_metadata"):
            metadata = holder.get(word)
            if metadata and isinstance(metadata, Mapping):
                candidates.append(metadata.get("session_id"))
    candidates.append(params.get("prompt_cache_key"))
    return next((value for value in candidates if value), None)


def _leading(messages: Any) -> str | None:
    """The texts up to and with the first user message, as one text; None where there are no messages."""
    if not isinstance(messages, (list, tuple)) or not messages:
        return None
    found: list[str] = []
    for message in messages:
        role, content = _field(message, "role"), _field(message, "content")
        found.append(f"{role}:{content if isinstance(content, str) else _text(content)}")
        if not isinstance(role, str) or role not in _LEADING:
            break
    return "\x1e".join(found)


def _text(content: Any) -> str:
    try:
        return json.dumps(content, default=str, sort_keys=True)
    except (TypeError, ValueError, RecursionError):  # keys that do not compare, circles, thousands of levels:
        return ""  # a clear refusal where the messages are read, not a crash here


def _field(message: Any, name: str) -> Any:
    if type(message) is dict or isinstance(message, Mapping):  # the exact type first: it is nearly always that
        return message.get(name)
    return getattr(message, name, None)


def _hashed(salt: str, *texts: str) -> str:
    """In the shape of a UUID, like the ids the service makes itself."""
    data = "\x1f".join(texts).encode("utf-8", "surrogatepass")
    # BLAKE2's own keyed mode: unlike hmac.digest it keeps the GIL for short texts, and no other thread cuts in.
    digits = hashlib.blake2b(data, digest_size=16, key=salt.encode()[:64]).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
