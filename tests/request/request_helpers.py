"""Short ways to read a request and to see the body it becomes."""

from __future__ import annotations

from typing import Any

from litellm_gigachat_provider import models
from litellm_gigachat_provider.contracts import body_v1, body_v2
from litellm_gigachat_provider.request.request import read_chat
from litellm_gigachat_provider.types import ChatRequest

MODEL = "GigaChat-2-Max"
HELLO = [{"role": "user", "content": "Hello"}]
STATE = "0198c0de-0000-7000-8000-00000000a11e"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def read(
    messages: Any = None, *, contract: str = "v1", model: str = MODEL, drop: bool = False, **params: Any
) -> ChatRequest:
    return read_chat(
        model,
        HELLO if messages is None else messages,
        params,
        contract=contract,  # type: ignore[arg-type]
        model_info=models.find(model),
        drop_params=drop,
    )


def body(messages: Any = None, *, contract: str = "v1", **kwargs: Any) -> dict[str, Any]:
    """The body, every file uploaded as ``id-of-<key>``."""
    request = read(messages, contract=contract, **kwargs)
    files = {attachment.key: f"id-of-{attachment.key}" for attachment in request.attachments}
    return (body_v1 if contract == "v1" else body_v2).body(request, files)


def sent(messages: Any, **kwargs: Any) -> list[dict[str, Any]]:
    found = body(messages, **kwargs)["messages"]
    assert isinstance(found, list)
    return found


def tool(name: str, parameters: Any = None, **more: Any) -> dict[str, Any]:
    function = {"name": name, **({"parameters": parameters} if parameters is not None else {}), **more}
    return {"type": "function", "function": function}


def call(call_id: Any, name: str = "f", arguments: Any = "{}") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def result(call_id: str, content: Any = '{"ok": true}') -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def assistant(*calls: dict[str, Any], content: Any = None) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "tool_calls": list(calls)}


def schema_of(parameters: Any) -> Any:
    """What becomes of a tool's parameters."""
    return body(tools=[tool("f", parameters)])["functions"][0]["parameters"]


def property_of(schema: Any, **root: Any) -> Any:
    """What becomes of one property's schema."""
    return schema_of({"type": "object", "properties": {"p": schema}, **root})["properties"]["p"]
