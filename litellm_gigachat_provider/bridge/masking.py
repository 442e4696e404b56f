"""Hide the caller's key from the locals of our own frames: tracebacks with locals end up in error trackers."""

from __future__ import annotations

from typing import Any


class MaskedStr(str):
    """A string that does not show itself in a traceback's locals: only its ``repr`` differs."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def mask(kwargs: dict[str, Any]) -> None:
    """Hide the caller's key from the ``repr`` of our frames' locals; LiteLLM's own objects stay as they are."""
    if kwargs.get("api_key"):
        kwargs["api_key"] = MaskedStr(kwargs["api_key"])
    params = kwargs.get("litellm_params")
    if params and params.get("api_key"):
        kwargs["litellm_params"] = {**params, "api_key": MaskedStr(params["api_key"])}
