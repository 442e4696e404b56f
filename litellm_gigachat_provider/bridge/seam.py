"""How ``gigachat/`` calls reach our handler: with its neighbour ``guard`` the one place that knows LiteLLM's internals.

LiteLLM since 1.80.12 ships a provider of the same name, and its chat dispatch asks for that name
*before* it looks into ``custom_provider_map``: a registered handler never sees a chat call. So
``litellm.main.base_llm_http_handler.completion`` (the instance attribute, not the class) is wrapped;
calls for ``gigachat`` go to the handler found in ``custom_provider_map`` at call time.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Awaitable, Callable
from types import CodeType
from typing import Any

import litellm
import litellm.main as litellm_main
from litellm.llms.custom_llm import CustomLLM

from .masking import mask, mask_post_call
from .metadata import MARK, PROVIDER
from .pictures import ImageConfig
from .probe import probed
from .versions import SeamError

_default: Any = None  # our ready handler, for a map without an entry of ours


def add_to_map(default_handler: CustomLLM) -> None:
    """Make ``default_handler`` what :func:`handler` gives where nobody else stands in the map."""
    global _default
    _default = default_handler
    if not any(entry["provider"] == PROVIDER for entry in litellm.custom_provider_map):
        litellm.custom_provider_map.append({"provider": PROVIDER, "custom_handler": default_handler})
    # LiteLLM 1.109 warns on the first call that its built-in provider "handles 'gigachat/' models instead of your
    # custom_handler. Rename the provider", which is wrong here; not for a provider that it has set up already.
    known = getattr(litellm, "_custom_providers", None)
    if isinstance(known, list) and PROVIDER not in known:
        known.append(PROVIDER)


def default_handler() -> CustomLLM:
    """What :func:`add_to_map` was given."""
    handler: CustomLLM = _default
    return handler


def wrap_dispatch() -> None:
    """Idempotent. Raises :class:`SeamError` when LiteLLM's layout is not one this module knows."""
    shared = getattr(litellm_main, "base_llm_http_handler", None)
    if shared is None or not callable(getattr(shared, "completion", None)):
        raise SeamError("LiteLLM has no litellm.main.base_llm_http_handler.completion")
    if not _dispatches_through_handler():
        raise SeamError("LiteLLM dispatches gigachat through a path that is unknown here")
    if not getattr(shared.completion, MARK, False):
        shared.completion = _seam(shared.completion)
    _wrap_look_ups()


def _dispatches_through_handler() -> bool:
    """Read from the code object, without a call, which object LiteLLM's gigachat branch uses."""
    branch = getattr(litellm_main, "_complete_gigachat", None)
    if branch is None:
        branch = litellm_main.completion
        while hasattr(branch, "__wrapped__"):
            branch = branch.__wrapped__
    code: CodeType | None = getattr(branch, "__code__", None)
    return code is not None and "base_llm_http_handler" in code.co_names and "completion" in code.co_names


def _seam(builtin: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(builtin)
    def completion(*args: Any, **kwargs: Any) -> Any:
        if kwargs.get("custom_llm_provider") != PROVIDER:
            return builtin(*args, **kwargs)
        probed()
        mask(kwargs)  # LiteLLM has read the key from the environment: it must not stand in this frame either
        try:
            return _dispatch(handler(), kwargs)
        except Exception:  # of any kind: it goes on to LiteLLM's callbacks, which must not get the key
            mask_post_call(kwargs.get("logging_obj"))
            raise

    setattr(completion, MARK, True)
    return completion


def handler() -> Any:
    """The last ``gigachat`` entry of the map wins, for every kind of call; one that cannot chat (LiteLLM lets video
    settings stand there, too) is none."""
    found = _default
    for entry in litellm.custom_provider_map:
        if entry["provider"] == PROVIDER and hasattr(entry["custom_handler"], "completion"):
            found = entry["custom_handler"]
    return found


def _wrap_look_ups() -> None:
    """What LiteLLM looks up by itself.

    The handler of embeddings and pictures: to 1.106 it takes the map's last entry, from 1.108 on the first.
    The configuration of pictures: without one their parameters vanish.
    """
    owner: Any = getattr(litellm.utils, "ProviderConfigManager", None)
    _answer(owner, "get_custom_llm_handler", "provider", 0, handler)
    _answer(owner, "get_provider_image_generation_config", "provider", 1, ImageConfig)


def _answer(owner: Any, name: str, argument: str, place: int, ours: Callable[[], Any]) -> None:
    """Let the static method ``name`` give ``ours()`` where ``argument``, the one in ``place``, is our provider."""
    builtin = getattr(owner, name, None)
    if builtin is None or getattr(builtin, MARK, False):
        return

    @functools.wraps(builtin)
    def look_up(*args: Any, **kwargs: Any) -> Any:
        asked = kwargs.get(argument, args[place] if len(args) > place else None)
        return ours() if asked == PROVIDER else builtin(*args, **kwargs)

    setattr(look_up, MARK, True)
    setattr(owner, name, staticmethod(look_up))


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

    there = weakref.ref(wrapper)  # a circle would keep a stream that is dropped from closing at once

    def identified(stream: Any) -> None:
        """The wrapper makes its own finish and usage chunks: they have the stream's id and time."""
        for name in ("created", "response_id"):
            value = getattr(stream, name, None)
            if value is not None and (known := there()) is not None:
                setattr(known, name, value)

    identified(source)
    if hasattr(source, "identified"):
        source.identified = identified
    hidden = getattr(source, "hidden_params", None)
    if hidden and isinstance(getattr(wrapper, "_hidden_params", None), dict):
        wrapper._hidden_params.update(hidden)
    return wrapper
