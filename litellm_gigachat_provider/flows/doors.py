"""A flow as two public functions: one waits in its own thread, its twin is awaited.

::

    @blocking
    def balance(**settings: Any) -> Flow[list[dict[str, Any]]]: ...

    abalance = for_task(balance)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from ..bridge.exceptions import to_litellm
from ..errors import GigaChatError
from .flow import Flow, arun, run

P = ParamSpec("P")
T = TypeVar("T")


def blocking(flow: Callable[P, Flow[T]]) -> Callable[P, T]:
    """The function that does the flow at once; failures are ``litellm.exceptions`` classes."""
    signature = inspect.signature(flow)

    @wraps(flow)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        with _litellm_failures(signature, args, kwargs):
            return run(flow(*args, **kwargs))

    result = str(signature.return_annotation).removeprefix("Flow[").removesuffix("]")
    call.__signature__ = signature.replace(return_annotation=result)  # type: ignore[attr-defined]  # what help() shows
    return call


def for_task(function: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The twin of a :func:`blocking` function: the same flow, awaited."""
    flow: Callable[P, Flow[T]] = inspect.unwrap(function)
    signature = inspect.signature(function)

    @wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        with _litellm_failures(signature, args, kwargs):
            return await arun(flow(*args, **kwargs))

    call.__name__ = call.__qualname__ = f"a{function.__name__}"
    return call


@contextmanager
def _litellm_failures(signature: inspect.Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Iterator[None]:
    try:
        yield
    except GigaChatError as error:
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        raise to_litellm(error, given.arguments.get("model", "")) from error
