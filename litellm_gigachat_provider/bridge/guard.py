"""What keeps LiteLLM's built-in gigachat from the network, which it uses with certificate checks off.

* ``litellm.GigaChatConfig`` and ``GigaChatEmbeddingConfig`` become subclasses that pass every parameter
  through unchanged and raise :class:`SeamError` where the built-in would start to talk to the network.
* The built-in's token functions raise too, so that no other path (the proxy's ``/gigachat/…``
  pass-through, say) can send the key.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import litellm

from ..request.params import CHAT_PARAMS, EMBEDDING_PARAMS
from .metadata import MARK
from .versions import SeamError


def _blocked(*_: Any, **__: Any) -> Any:
    raise SeamError("LiteLLM reached its built-in gigachat provider")


def _closed(*_: Any, **__: Any) -> Any:
    """The built-in's token functions: what still calls them is the proxy's ``/gigachat/…`` pass-through.

    There the error must be an HTTP one: anything else is "Internal Server Error" to the client, and retried.
    """
    problem = "LiteLLM's /gigachat/ pass-through is closed: use /v1/chat/completions or /v1/embeddings"
    plain = SeamError(problem)
    http = getattr(sys.modules.get("starlette.exceptions"), "HTTPException", None)
    if http is None:
        raise plain
    error = type("SeamError", (SeamError, http), {"status_code": 403, "detail": str(plain), "headers": None})(problem)
    raise error


async def _closed_async(*_: Any, **__: Any) -> Any:
    _closed()


def _passthrough(base: type, names: tuple[str, ...], blocked: tuple[str, ...]) -> type:
    def get_supported_openai_params(self: Any, model: str) -> list[str]:
        return list(names)  # a new list each time: LiteLLM extends it in place

    def map_openai_params(
        self: Any, non_default_params: dict[str, Any], optional_params: dict[str, Any], *_: Any, **__: Any
    ) -> dict[str, Any]:
        optional_params.update(non_default_params)
        return optional_params

    namespace: dict[str, Any] = dict.fromkeys(blocked, _blocked)
    namespace.update(
        get_supported_openai_params=get_supported_openai_params, map_openai_params=map_openai_params, **{MARK: True}
    )
    return type(base.__name__, (base,), namespace)


_CONFIGS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("GigaChatConfig", CHAT_PARAMS, ("validate_environment", "transform_request")),
    ("GigaChatEmbeddingConfig", EMBEDDING_PARAMS, ("validate_environment", "transform_embedding_request")),
)
_TOKEN_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "get_access_token": _closed,
    "get_access_token_async": _closed_async,
    "_request_token_sync": _closed,
    "_request_token_async": _closed_async,
}


def close_builtin() -> None:
    """Idempotent. Raises :class:`SeamError` when LiteLLM has the provider, but not in a form known here."""
    for name, params, blocked in _CONFIGS:
        base = getattr(litellm, name, None)
        if base is None:
            raise SeamError(f"LiteLLM has a built-in gigachat but no litellm.{name}")
        if not getattr(base, MARK, False):
            setattr(litellm, name, _passthrough(base, params, blocked))
    for module_name, module in sys.modules.copy().items():  # atomic: other threads import meanwhile
        if module_name.startswith("litellm.llms.gigachat."):
            for function, replacement in _TOKEN_FUNCTIONS.items():
                if hasattr(module, function):
                    setattr(module, function, replacement)
