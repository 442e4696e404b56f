"""A transport without a network: the judge reads what is sent, and any answer can be given."""

from __future__ import annotations

import json
from typing import Any

import httpx
import litellm

from litellm_gigachat_provider import gigachat
from litellm_gigachat_provider.sandbox.rules.validate import validate_chat_v1
from litellm_gigachat_provider.sandbox.rules.validate_v2 import validate_chat_v2
from litellm_gigachat_provider.transport import jsonio
from litellm_gigachat_provider.transport.replies import as_reply
from litellm_gigachat_provider.transport.sse import SSEDecoder

MODELS = ("GigaChat-2-Max", "GigaChat-3-Ultra", "GigaChat-2")


class AcceptedError(Exception):
    """The judge took the body: the call ends here."""


class Judge:
    """Encodes the body as the real transport does, and lets the sandbox's judge see it."""

    def __init__(self) -> None:
        self.body: Any = None

    async def arequest(self, method: str, url: str, *, json: Any = None, **_: Any) -> Any:
        self._see(url, json)

    async def aopen_stream(self, url: str, *, json: Any = None, **_: Any) -> Any:
        self._see(url, json)

    def _see(self, url: str, value: Any) -> None:
        self.body = json.loads(jsonio.encode(value))
        if url.endswith("/v2/chat/completions"):
            validate_chat_v2(self.body, MODELS)
        else:
            validate_chat_v1(self.body, MODELS)
        raise AcceptedError


class Answering:
    """Gives ``content`` to every plain call, and as a stream in pieces of ``size`` bytes."""

    def __init__(self, content: bytes, size: int = 1 << 20) -> None:
        self.content, self.size = content, size

    async def arequest(self, method: str, url: str, **_: Any) -> Any:
        return as_reply(200, httpx.Headers({"content-type": "application/json"}), self.content, url, "chat")

    async def aopen_stream(self, url: str, **_: Any) -> Events:
        return Events(self.content, self.size)


class Events:
    status = 200
    headers = httpx.Headers()

    def __init__(self, content: bytes, size: int) -> None:
        decoder = SSEDecoder()
        reads = [decoder.feed(content[at : at + size]) for at in range(0, len(content), size)]
        self._reads = iter([events for events in reads if events])
        self.closed = False

    async def read(self) -> Any:
        return next(self._reads, None)

    async def aclose(self) -> None:
        self.closed = True

    afinish = aclose


def call(model: str, messages: Any, params: dict[str, Any], *, stream: bool = False, **kwargs: Any) -> Any:
    """The provider's own path, as LiteLLM calls it; streams are read to their end."""
    common = {
        "model": model, "messages": messages, "model_response": litellm.ModelResponse(), "optional_params": params,
        "litellm_params": {}, "timeout": 60, **kwargs,
    }  # fmt: skip
    return list(gigachat.streaming(**common)) if stream else gigachat.completion(**common)
