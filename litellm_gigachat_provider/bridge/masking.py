"""Hide the key from the locals of our own frames, which error trackers collect with tracebacks, and from callbacks.

LiteLLM reads the key from the environment and puts it where every callback sees it: among ``litellm_params``, and on a
failure under ``api_key``. Loggers write such dictionaries down as they are.
"""

from __future__ import annotations

from typing import Any

HIDDEN = ""  # what stands there after a call that went well


class MaskedStr(str):
    """A string that does not show itself in a traceback's locals: only its ``repr`` differs."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def mask(kwargs: dict[str, Any]) -> None:
    """Hide the key from the ``repr`` of our frames' locals and from what LiteLLM hands to callbacks."""
    if kwargs.get("api_key"):
        kwargs["api_key"] = MaskedStr(kwargs["api_key"])
    params = kwargs.get("litellm_params")
    if params and params.get("api_key"):
        kwargs["litellm_params"] = {**params, "api_key": MaskedStr(params["api_key"])}
    details = getattr(kwargs.get("logging_obj"), "model_call_details", None)
    if isinstance(details, dict):
        logged = details.get("litellm_params")
        if isinstance(logged, dict) and logged.get("api_key"):
            details["litellm_params"] = {**logged, "api_key": HIDDEN}


def mask_post_call(logging: Any) -> None:
    """After a failure LiteLLM's ``completion`` and ``embedding`` call ``logging.post_call`` with the key they read."""
    post_call = getattr(logging, "post_call", None)
    if post_call is None:
        return

    def masked(*args: Any, **kwargs: Any) -> Any:
        return post_call(*args, **{**kwargs, "api_key": HIDDEN})

    logging.post_call = masked
