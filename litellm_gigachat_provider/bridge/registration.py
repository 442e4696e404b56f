"""The one module that knows LiteLLM's internals: how ``gigachat/`` calls reach our handler.

LiteLLM since 1.80.12 ships a provider of the same name, and its chat dispatch asks for that name
*before* it looks into ``custom_provider_map``: a registered handler never sees a chat call. The seam:

* ``litellm.main.base_llm_http_handler.completion`` (the instance attribute, not the class) is wrapped;
  calls for ``gigachat`` go to the handler found in ``custom_provider_map`` at call time.
* ``litellm.GigaChatConfig`` and ``GigaChatEmbeddingConfig`` become subclasses that pass every parameter
  through unchanged and raise :class:`SeamError` where the built-in would start to talk to the network.
* The built-in's token functions raise too, so that no other path (the proxy's ``/gigachat/…``
  pass-through, say) can send the key with certificate checks off.

Importing installs this (no network, no environment, no logging); :func:`register` also proves it.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from types import CodeType
from typing import Any

import litellm
import litellm.main as litellm_main
from litellm.llms.custom_llm import CustomLLM
from litellm.types.utils import LlmProviders

from ..request.params import CHAT_PARAMS, EMBEDDING_PARAMS
from . import metadata
from .masking import mask
from .metadata import PROVIDER, RUB_PER_USD
from .versions import litellm_version, warn_of_1_106

_MARK = "_litellm_gigachat_provider"
_PROBE_MODEL = "GigaChat-2"
_probing: ContextVar[bool] = ContextVar("litellm_gigachat_provider_probing", default=False)
_lock = threading.RLock()
_state: dict[str, Any] = {"default": None, "checked": False}


class SeamError(RuntimeError):
    """``gigachat/`` calls would not reach this provider. Names the LiteLLM version and the remedy."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"{problem} (LiteLLM {litellm_version()}). gigachat/ calls are blocked rather than handed to LiteLLM's "
            "built-in provider, which switches certificate checks off. Remedy: update litellm-gigachat-provider, "
            "or install a LiteLLM it was run on: pip install 'litellm>=1.81.10,<1.110,!=1.106.*'."
        )


class _ReachedError(BaseException):
    """Raised by a probed handler. Not an ``Exception``: LiteLLM's except clauses and callbacks must not see it."""


def has_builtin() -> bool:
    """Whether this LiteLLM has its own provider named gigachat (1.80.12 and later)."""
    return any(provider.value == PROVIDER for provider in LlmProviders)


def probed() -> None:
    """Called first by our handler's methods: ends the self-check right there, before any work."""
    if _probing.get():
        raise _ReachedError


# --- the seam ------------------------------------------------------------------------------------------


def install(default_handler: CustomLLM) -> None:
    """Make ``gigachat/`` reach ``custom_provider_map``'s entry, or ``default_handler`` where there is none.

    Idempotent. Raises :class:`SeamError` when LiteLLM's layout is not one this module knows; the guard is
    in place even then.
    """
    with _lock:
        _state["default"] = default_handler
        _append_to_map(default_handler)
        _add_models(RUB_PER_USD)
        if not has_builtin():
            return
        _guard_configs()
        handler = getattr(litellm_main, "base_llm_http_handler", None)
        if handler is None or not callable(getattr(handler, "completion", None)):
            raise SeamError("LiteLLM has no litellm.main.base_llm_http_handler.completion")
        if not _dispatches_through_handler():
            raise SeamError("LiteLLM dispatches gigachat through a path that is unknown here")
        if not getattr(handler.completion, _MARK, False):
            handler.completion = _seam(handler.completion)
        warn_of_1_106()


def _seam(builtin: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(builtin)
    def completion(*args: Any, **kwargs: Any) -> Any:
        if kwargs.get("custom_llm_provider") != PROVIDER:
            return builtin(*args, **kwargs)
        if _probing.get():
            raise _ReachedError
        mask(kwargs)  # LiteLLM has read the key from the environment: it must not stand in this frame either
        return _dispatch(_handler(), kwargs)

    setattr(completion, _MARK, True)
    return completion


def _handler() -> Any:
    """The last ``gigachat`` entry of the map wins, as in LiteLLM's own look-up."""
    found = _state["default"]
    for entry in litellm.custom_provider_map:
        if entry["provider"] == PROVIDER:
            found = entry["custom_handler"]
    return found


def _dispatch(handler: Any, kwargs: dict[str, Any]) -> Any:
    stream, is_async = kwargs.get("stream") is True, bool(kwargs.get("acompletion"))
    call = {
        "model": kwargs["model"],
        "messages": kwargs["messages"],
        "api_base": kwargs.get("api_base"),
        "custom_prompt_dict": {},
        "model_response": kwargs["model_response"],
        "print_verbose": litellm.print_verbose,
        "encoding": kwargs.get("encoding"),
        "api_key": kwargs.get("api_key"),
        "logging_obj": kwargs["logging_obj"],
        "optional_params": kwargs["optional_params"],
        "acompletion": is_async,
        "litellm_params": kwargs.get("litellm_params"),
        "logger_fn": None,
        "headers": kwargs.get("headers"),
        "timeout": kwargs.get("timeout"),
        "client": kwargs.get("client"),
    }
    if not stream:
        return (handler.acompletion if is_async else handler.completion)(**call)
    return _open_async(handler.astreaming(**call), kwargs) if is_async else _wrap(handler.streaming(**call), kwargs)


async def _open_async(source: Any, kwargs: dict[str, Any]) -> Any:
    """LiteLLM awaits this, so the HTTP stream is open, and its errors typed, before the caller iterates."""
    open_stream: Callable[[], Awaitable[None]] | None = getattr(source, "open", None)
    if open_stream is not None:
        await open_stream()
    return _wrap(source, kwargs)


def _wrap(source: Any, kwargs: dict[str, Any]) -> Any:
    wrapper = litellm.CustomStreamWrapper(
        completion_stream=source,
        model=kwargs["model"],
        custom_llm_provider=PROVIDER,
        logging_obj=kwargs["logging_obj"],
    )
    # The wrapper makes its own finish and usage chunks; these keep them under the stream's own id and time.
    for name in ("created", "response_id"):
        value = getattr(source, name, None)
        if value is not None:
            setattr(wrapper, name, value)
    hidden = getattr(source, "hidden_params", None)
    if hidden and isinstance(getattr(wrapper, "_hidden_params", None), dict):
        wrapper._hidden_params.update(hidden)
    return wrapper


# --- the guard -----------------------------------------------------------------------------------------


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
        get_supported_openai_params=get_supported_openai_params, map_openai_params=map_openai_params, **{_MARK: True}
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


def _guard_configs() -> None:
    for name, params, blocked in _CONFIGS:
        base = getattr(litellm, name, None)
        if base is None:
            raise SeamError(f"LiteLLM has a built-in gigachat but no litellm.{name}")
        if not getattr(base, _MARK, False):
            setattr(litellm, name, _passthrough(base, params, blocked))
    for module_name, module in sys.modules.copy().items():  # atomic: other threads import meanwhile
        if module_name.startswith("litellm.llms.gigachat."):
            for function, replacement in _TOKEN_FUNCTIONS.items():
                if hasattr(module, function):
                    setattr(module, function, replacement)


def _dispatches_through_handler() -> bool:
    """Read from the code object, without a call, which object LiteLLM's gigachat branch uses."""
    branch = getattr(litellm_main, "_complete_gigachat", None)
    if branch is None:
        branch = litellm_main.completion
        while hasattr(branch, "__wrapped__"):
            branch = branch.__wrapped__
    code: CodeType | None = getattr(branch, "__code__", None)
    return code is not None and "base_llm_http_handler" in code.co_names and "completion" in code.co_names


# --- map, models, self-check -----------------------------------------------------------------------------


def _append_to_map(handler: CustomLLM) -> None:
    if not any(entry["provider"] == PROVIDER for entry in litellm.custom_provider_map):
        litellm.custom_provider_map.append({"provider": PROVIDER, "custom_handler": handler})
    # LiteLLM 1.109 warns on the first call that its built-in provider "handles 'gigachat/' models instead of your
    # custom_handler. Rename the provider", which is wrong here; not for a provider that it has set up already.
    known = getattr(litellm, "_custom_providers", None)
    if isinstance(known, list) and PROVIDER not in known:
        known.append(PROVIDER)


def _names() -> list[str]:
    """``gigachat``, and every other name in the map whose handler is ours: cost look-ups go by these."""
    others = [e["provider"] for e in litellm.custom_provider_map if getattr(type(e["custom_handler"]), _MARK, False)]
    return list(dict.fromkeys((PROVIDER, *others)))


def _add_models(rub_per_usd: float, *, replace_prices: bool = False) -> None:
    """Add what LiteLLM does not know; a value the user registered is never replaced.

    ``litellm.register_model`` would do the same at 35 ms and a warning per model.
    """
    users: Mapping[str, Any] = getattr(litellm.utils, "_runtime_registered_model_cost", {})
    known: set[str] = getattr(litellm, "gigachat_models", set())
    for key, ours in (pair for name in _names() for pair in metadata.entries(rub_per_usd, name)):
        entry = metadata.merged(ours, litellm.model_cost.get(key, {}), users=key in users)
        if replace_prices and key not in users:
            entry.update(metadata.prices(ours))
        litellm.model_cost[key] = entry
        known.add(key)
    forget = getattr(litellm.utils, "_invalidate_model_cost_lowercase_map", None)
    if forget is not None:
        forget()


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
        default: CustomLLM = _state["default"]
        if handler is not None:
            litellm.custom_provider_map = [e for e in litellm.custom_provider_map if e["provider"] != PROVIDER]
            litellm.custom_provider_map.append({"provider": PROVIDER, "custom_handler": handler})
        install(default)
        if rub_per_usd is not None:
            if not rub_per_usd > 0:
                raise ValueError(f"rub_per_usd must be positive, got {rub_per_usd!r}")
            _add_models(rub_per_usd, replace_prices=True)
        if check:
            self_check()


def self_check() -> None:
    """Send three calls through LiteLLM and see that each arrives at our handler. No network, no callbacks."""
    message, model = [{"role": "user", "content": "ping"}], f"{PROVIDER}/{_PROBE_MODEL}"
    calls: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("completion", lambda: litellm.completion(model=model, messages=message, num_retries=0)),
        ("streaming", lambda: litellm.completion(model=model, messages=message, stream=True, num_retries=0)),
        ("embedding", lambda: litellm.embedding(model=f"{PROVIDER}/Embeddings", input=["ping"])),
    )
    handler = type(_handler())
    if not getattr(handler, _MARK, False):
        raise SeamError(f"custom_provider_map has another handler for {PROVIDER}: {handler.__name__}")
    for name, call in calls:
        token = _probing.set(True)
        try:
            call()
        except _ReachedError:
            continue
        except Exception as error:  # noqa: BLE001, RUF100 - whatever LiteLLM raises means: not reached
            raise SeamError(f"{name} did not reach the handler: {type(error).__name__}: {error}") from error
        finally:
            _probing.reset(token)
        raise SeamError(f"{name} did not reach the handler: LiteLLM answered by itself")
    if has_builtin():
        supported = litellm.get_supported_openai_params(model=model) or []
        if missing := set(CHAT_PARAMS) - set(supported):
            raise SeamError(f"LiteLLM would hold back parameters: {', '.join(sorted(missing))}")
    _state["checked"] = True


def status() -> dict[str, Any]:
    """Who answers ``gigachat/`` in this process: for ``doctor``."""
    entry = _handler()
    return {
        "litellm": litellm_version(),
        "builtin": has_builtin(),
        "handler": f"{type(entry).__module__}.{type(entry).__qualname__}",
        "ours": bool(getattr(type(entry), _MARK, False)),
        "checked": bool(_state["checked"]),
    }
