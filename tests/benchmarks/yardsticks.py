"""Those that are measured. Each lives in a process of its own: importing ours replaces the built-in."""

from __future__ import annotations

import asyncio
import base64
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

from .payloads import MODEL, words

BUILTIN, NOTHING, OURS = "built-in", "do-nothing", "ours"
SDK = "official SDK"  # pip install gigachat; its rows are left out where it is not installed
ALL = (BUILTIN, NOTHING, OURS)


def set_up(name: str) -> str:
    """Make ``name`` ready in this process and give the model's full name."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    litellm.suppress_debug_info = True
    if name == SDK:
        return SDK
    if name == OURS:
        import litellm_gigachat_provider

        litellm_gigachat_provider.register(check=False)
    elif name == NOTHING:
        _set_up_nothing(litellm)
        return f"nothing/{MODEL}"
    return f"gigachat/{MODEL}"


def new_credentials() -> str:
    """An authorization key nobody has used, so that a token has to be fetched."""
    return base64.b64encode(f"{uuid.uuid4()}:{uuid.uuid4()}".encode()).decode()


def _set_up_nothing(litellm: Any) -> None:
    from litellm.types.utils import Choices, Message, ModelResponse, Usage

    def filled(response: ModelResponse) -> ModelResponse:
        response.choices = [Choices(index=0, finish_reason="stop", message=Message(content="Paris.", role="assistant"))]
        response.usage = Usage(prompt_tokens=30, completion_tokens=19, total_tokens=49)  # type: ignore[attr-defined]
        return response

    def chunks() -> Iterator[dict[str, Any]]:
        for text in words():
            yield {"text": text, "tool_use": None, "is_finished": False, "finish_reason": "", "usage": None, "index": 0}
        usage = {"prompt_tokens": 30, "completion_tokens": 200, "total_tokens": 230}
        yield {"text": "", "tool_use": None, "is_finished": True, "finish_reason": "stop", "usage": usage, "index": 0}

    class Nothing(litellm.CustomLLM):  # type: ignore[misc]
        """Waits as long as the server would, and answers at once otherwise."""

        def completion(self, **kwargs: Any) -> ModelResponse:
            time.sleep(_delay(kwargs))
            return filled(kwargs["model_response"])

        async def acompletion(self, **kwargs: Any) -> ModelResponse:
            await asyncio.sleep(_delay(kwargs))
            return filled(kwargs["model_response"])

        def streaming(self, **kwargs: Any) -> Iterator[dict[str, Any]]:
            return chunks()

        async def astreaming(self, **kwargs: Any) -> AsyncIterator[dict[str, Any]]:
            for chunk in chunks():
                yield chunk

    litellm.custom_provider_map = [{"provider": "nothing", "custom_handler": Nothing()}]
    entry = {"litellm_provider": "nothing", "mode": "chat", "input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6}
    litellm.register_model({f"nothing/{MODEL}": {**entry, "supports_function_calling": True}})


def _delay(kwargs: dict[str, Any]) -> float:
    parts = (kwargs.get("api_base") or "").split("/plain/")
    return int(parts[1].split("/")[0]) / 1000 if len(parts) > 1 else 0.0
