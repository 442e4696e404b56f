"""Making ``gigachat/`` reach our handler, and proving it.

Importing the package installs (no network, no environment, no logging); :func:`register` also proves.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import litellm
from litellm.llms.custom_llm import CustomLLM

from ..request.params import CHAT_PARAMS
from . import guard, metadata, seam
from .metadata import MARK, PROVIDER, RUB_PER_USD
from .probe import arrives
from .proxy_client import serve_clients
from .responses import close_left_responses
from .versions import SeamError, has_builtin, litellm_version, warn_of_1_106

_PROBE_MODEL = "GigaChat-2"
_lock = threading.RLock()
_checked = False


def install(default_handler: CustomLLM) -> None:
    """Make ``gigachat/`` reach ``custom_provider_map``'s entry, or ``default_handler`` where there is none.

    Idempotent. Raises :class:`SeamError` when LiteLLM's layout is not one we know; the guard is in place even then.
    """
    with _lock:
        seam.add_to_map(default_handler)
        metadata.add_models(RUB_PER_USD)
        if has_builtin():
            guard.close_builtin()
            seam.wrap_dispatch()
            close_left_responses()
            serve_clients()
            warn_of_1_106()


def register(handler: CustomLLM | None = None, *, check: bool = True, rub_per_usd: float | None = None) -> None:
    """Make ``gigachat/<model>`` answer through this package, and prove it.

    Importing the package has already installed the seam; this is for explicit set-ups and for certainty.
    ``handler`` becomes the ``gigachat`` entry of ``litellm.custom_provider_map`` (entries of other providers
    stay); without it an entry that is there stays, and the package's ready handler is added otherwise.
    ``check`` calls LiteLLM three times without network (3 to 6 ms after the first) and raises
    :class:`SeamError` if a call does not arrive here. ``rub_per_usd`` prices the models in dollars.
    Handlers of ours under other names in the map get prices and abilities under these names, too.
    Idempotent and thread-safe.
    """
    with _lock:
        default = seam.default_handler()
        if handler is not None:
            litellm.custom_provider_map = [e for e in litellm.custom_provider_map if e["provider"] != PROVIDER]
            litellm.custom_provider_map.append({"provider": PROVIDER, "custom_handler": handler})
        install(default)
        if rub_per_usd is not None:
            if not rub_per_usd > 0:
                raise ValueError(f"rub_per_usd must be positive, got {rub_per_usd!r}")
            metadata.add_models(rub_per_usd, replace_prices=True)
        if check:
            self_check()


def self_check() -> None:
    """Send three calls through LiteLLM and see that each arrives at our handler. No network, no callbacks."""
    global _checked
    message, model = [{"role": "user", "content": "ping"}], f"{PROVIDER}/{_PROBE_MODEL}"
    calls: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("completion", lambda: litellm.completion(model=model, messages=message, num_retries=0)),
        ("streaming", lambda: litellm.completion(model=model, messages=message, stream=True, num_retries=0)),
        ("embedding", lambda: litellm.embedding(model=f"{PROVIDER}/Embeddings", input=["ping"])),
    )
    handler = type(seam.handler())
    if not getattr(handler, MARK, False):
        raise SeamError(f"custom_provider_map has another handler for {PROVIDER}: {handler.__name__}")
    for name, call in calls:
        try:
            reached = arrives(call)
        except Exception as error:  # noqa: BLE001, RUF100 - whatever LiteLLM raises means: not reached
            raise SeamError(f"{name} did not reach the handler: {type(error).__name__}: {error}") from error
        if not reached:
            raise SeamError(f"{name} did not reach the handler: LiteLLM answered by itself")
    if has_builtin():
        supported = litellm.get_supported_openai_params(model=model) or []
        if missing := set(CHAT_PARAMS) - set(supported):
            raise SeamError(f"LiteLLM would hold back parameters: {', '.join(sorted(missing))}")
    _checked = True


def status() -> dict[str, Any]:
    """Who answers ``gigachat/`` in this process: for ``doctor``."""
    entry = seam.handler()
    return {
        "litellm": litellm_version(),
        "builtin": has_builtin(),
        "handler": f"{type(entry).__module__}.{type(entry).__qualname__}",
        "ours": bool(getattr(type(entry), MARK, False)),
        "checked": _checked,
    }
