"""How the self-check sees, without network, that a call of LiteLLM's arrives at our handler."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

_probing: ContextVar[bool] = ContextVar("litellm_gigachat_provider_probing", default=False)


class _ReachedError(BaseException):
    """Raised by a probed handler. Not an ``Exception``: LiteLLM's except clauses and callbacks must not see it."""


def probed() -> None:
    """Called first by our handler's methods: ends the self-check right there, before any work."""
    if _probing.get():
        raise _ReachedError


def arrives(call: Callable[[], object]) -> bool:
    """Whether ``call`` comes to our handler, and so to :func:`probed`. What LiteLLM raises instead goes through."""
    token = _probing.set(True)
    try:
        call()
    except _ReachedError:
        return True
    finally:
        _probing.reset(token)
    return False
