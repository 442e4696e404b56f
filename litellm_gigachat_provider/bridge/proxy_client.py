"""The client behind a call, where LiteLLM's proxy makes it: that it left, and what it is told.

LiteLLM looks for a client that left while it writes an answer; while it waits for the first token, on some routes of
some versions; while a plain answer is generated, where ``cancel_on_disconnect`` is set and known; while a call waits
in line for a slot, never. All of that happens within ``base_process_llm_request``, so this listens as long as it runs:
what nobody waits for is not sent any more, or ended.

What fails for the proxy's own key or account, it tells in words and as a 400: the client's key has no part in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextvars import ContextVar
from typing import Any

from .exceptions import ACCOUNT_ERRORS, for_proxy_client
from .metadata import MARK


class _Asker:
    """The client behind one request to the proxy, and the tasks that wait here for what it asked."""

    def __init__(self) -> None:
        self.left = self.ours = False
        self.waiting: set[asyncio.Task[Any]] = set()

    def leave(self) -> None:
        """Cancelled is the innermost wait: LiteLLM's tasks above end one by one, and none is left behind."""
        self.left = True
        for task in tuple(self.waiting):
            task.cancel()


_asker: ContextVar[_Asker | None] = ContextVar("gigachat_asker", default=None)


@contextlib.contextmanager
def asked() -> Iterator[None]:
    """Within this the current task waits for GigaChat, and only as long as the client does that asked."""
    asker, task = _asker.get(), asyncio.current_task()
    if asker is None or task is None:
        yield
        return
    if asker.left:
        raise asyncio.CancelledError("the client left")
    asker.ours = True
    asker.waiting.add(task)
    try:
        yield
    finally:
        asker.waiting.discard(task)


def serve_clients() -> None:
    """Idempotent; nothing where the proxy is not loaded, which it is when it loads a handler."""
    module = sys.modules.get("litellm.proxy.common_request_processing")
    kind: Any = getattr(module, "ProxyBaseLLMRequestProcessing", None)
    builtin = getattr(kind, "base_process_llm_request", None)
    if builtin is not None and not getattr(builtin, MARK, False):
        kind.base_process_llm_request = _served(builtin)


def _served(builtin: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
    @functools.wraps(builtin)
    async def base_process_llm_request(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        from fastapi import HTTPException

        asker = _Asker()
        before = _asker.set(asker)
        listening = asyncio.ensure_future(_listen(request, asker))
        try:
            answer = await builtin(self, request, *args, **kwargs)
        except asyncio.CancelledError as error:
            if not asker.left:
                raise
            task = asyncio.current_task()
            if sys.version_info >= (3, 11) and task is not None:
                task.uncancel()
            # What LiteLLM itself raises where it notices: it counts as a failed call, and nobody reads the answer.
            raise HTTPException(499, "Client disconnected the request") from error
        except ACCOUNT_ERRORS as error:
            told = for_proxy_client(error)
            if told is None:
                raise
            raise told from error
        finally:
            listening.cancel()
            _asker.reset(before)
        if asker.ours:
            # Where the server promises that writing to a client who left fails (ASGI 2.4: uvicorn 0.31, which LiteLLM
            # 1.81 wants), Starlette stops listening for it: a silent stream would never hear of it.
            request.scope["asgi"] = {**request.scope.get("asgi", {}), "spec_version": "2.3"}
        return answer

    setattr(base_process_llm_request, MARK, True)
    return base_process_llm_request


async def _listen(request: Any, asker: _Asker) -> None:
    with contextlib.suppress(RuntimeError):  # a request that LiteLLM made up itself: there is nobody who could leave
        while (await request.receive())["type"] != "http.disconnect":
            pass
        asker.leave()
