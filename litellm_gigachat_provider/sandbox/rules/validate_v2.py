"""The v2 chat contract as a pure function: ``POST /v2/chat/completions``, parts instead of strings."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Final

from . import common_rules as rules
from .common_rules import FileLookup, Pairing
from .refusal import NO_FUNCTIONS, Refusal, bad_json, invalid
from .schema_rules import FUNCTION, check_functions

__all__ = ["Refusal", "validate_chat_v2"]

_PART: Final = {
    "text": rules.is_string,
    "files": [{"id!": rules.is_string}],
    "function_call": {"name!": rules.is_string, "arguments!": rules.is_object},
    "function_result": {"name!": rules.is_string, "result!": lambda value: True},
    "inline_data": rules.is_object,
}
_OPTIONS: Final = {
    "temperature": rules.is_number,
    "top_p": rules.is_number,
    "max_tokens": rules.is_integer_or_null,
    "repetition_penalty": rules.is_number,
    "update_interval": rules.is_number,
    "preset": rules.is_string,
    "unnormalized_history": rules.is_bool,
    "top_logprobs": rules.is_integer,
    "reasoning": {"effort": rules.is_string},
    "response_format": rules.is_object,
}
_TOOLS: Final[dict[str, rules.Shape]] = {
    "functions": {"specifications!": [FUNCTION]},
    "web_search": {"type": rules.is_string, "indexes": rules.is_list, "flags": rules.is_list},
    "url_content_extraction": {},
    "code_interpreter": {},
    "image_generate": {},
    "model_3d_generate": {},
}
_FIELDS: Final[rules.Shape] = {
    "model": rules.is_string,
    "messages!": [{"role!": rules.is_string, "content!": [_PART], "tools_state_id": rules.is_string}],
    "model_options": _OPTIONS,
    "stream": rules.is_bool,
    "tools": [_TOOLS],
    "tool_config": {"mode": rules.is_string, "function_name": rules.is_string, "tool_name": rules.is_string},
    "disable_filter": rules.is_bool,
    "filter_config": {"request_content": rules.is_object, "response_content": rules.is_object},
    "storage": {"limit": rules.is_integer, "thread_id": rules.is_string, "metadata": rules.is_object},
    "assistant_id": rules.is_string,
    "tools_state_id": rules.is_string,
    "ranker_options": {"enabled": rules.is_bool, "top_n": rules.is_integer, "embeddings_model": rules.is_string},
    "user_info": {"timezone": rules.is_string},
    "flags": rules.is_strings,
}
_MESSAGE_KEYS: Final = frozenset({"role", "content", "tools_state_id"})
# Both are taken for results: `tool` in the recordings, `function` by one observer.
RESULT_ROLES: Final = frozenset({"tool", "function"})
_PARTS: Final[dict[str, frozenset[str]]] = {
    "system": frozenset({"text"}),
    "user": frozenset({"text", "files"}),
    "assistant": frozenset({"text", "files", "function_call", "inline_data"}),
    "tool": frozenset({"function_result"}),
    "function": frozenset({"function_result"}),
}
_SEARCHED: Final = {"text", "inline_data"}  # one part of a web search's answer
MODES: Final = ("auto", "none", "forced")


def validate_chat_v2(
    body: Any,
    known_models: Collection[str],
    *,
    strict_fields: bool = True,
    files: FileLookup | None = None,
    models_without_functions: Collection[str] = (),
    unavailable_tools: Collection[str] = (),
    warnings: list[str] | None = None,
) -> None:
    """Raises :class:`Refusal` as the service would; arguments as in ``validate_chat_v1``."""
    unknown = partial(rules.unknown_fields, strict=strict_fields, warnings=[] if warnings is None else warnings)
    rules.check_types(body, _FIELDS)
    if not all(isinstance(value, dict) for tool in body.get("tools", []) for value in tool.values()):
        raise bad_json("a tool must be an object of objects")
    if "model" in body:
        rules.check_model(body["model"], known_models)
    elif "assistant_id" not in body and "thread_id" not in body.get("storage", {}):
        raise bad_json("model is required")
    unknown(body, _FIELDS)
    _options(body.get("model_options", {}), strict_fields=strict_fields)
    tools = body.get("tools", [])
    functions = _tools(tools, unavailable_tools, unknown, strict_fields=strict_fields)
    if functions and body.get("model") in models_without_functions:
        raise Refusal(422, NO_FUNCTIONS)
    _tool_config(body.get("tool_config", {}), functions, {key for tool in tools for key in tool})

    def message(message: Mapping[str, Any], where: str, pairing: Pairing) -> None:
        unknown(message, _MESSAGE_KEYS, where=f"{where}.")
        _parts(message, where)
        if message["role"] in RESULT_ROLES:
            for part in message["content"]:
                _result(part["function_result"], pairing)
        else:
            pairing.calls([part["function_call"]["name"] for part in message["content"] if "function_call" in part])

    rules.check_history(body["messages"], _PARTS, message)
    rules.check_files((file_ids(message) for message in body["messages"]), files)


def file_ids(message: Mapping[str, Any]) -> list[str]:
    return [file["id"] for part in message["content"] for file in part.get("files", [])]


def _options(options: Mapping[str, Any], *, strict_fields: bool) -> None:
    rules.check_sampling(options)
    if not 1 <= options.get("top_logprobs", 1) <= 5:
        raise invalid("top_logprobs must be in range [1, 5]")
    if "reasoning" in options:
        rules.check_effort(options["reasoning"].get("effort"), "model_options.reasoning.effort")
    if "response_format" in options:
        rules.check_format(options["response_format"], strict=strict_fields)


def _tools(
    tools: Sequence[Mapping[str, Any]],
    unavailable: Collection[str],
    unknown: Callable[..., None],
    *,
    strict_fields: bool,
) -> set[str]:
    """The function names; one key per element, function blocks may not repeat a name."""
    functions: list[Mapping[str, Any]] = []
    for number, tool in enumerate(tools):
        where = f"tools[{number}]"
        if len(tool) != 1:
            raise invalid(f"{where} must have exactly one key")
        name, value = next(iter(tool.items()))
        if name not in _TOOLS:
            raise Refusal(404, f"Unknown tool {name}")
        if name in unavailable:
            raise Refusal(422, f"Tool {name} is unavailable")
        unknown(value, _TOOLS[name], where=f"{where}.{name}.")
        if name == "functions":
            functions += value["specifications"]
    check_functions(functions, strict_fields=strict_fields, where="specifications", built_ins=frozenset())
    return {function["name"] for function in functions}


def _tool_config(config: Mapping[str, Any], functions: Collection[str], tools: Collection[str]) -> None:
    if not config:
        return
    mode = config.get("mode")
    if mode not in MODES:
        raise invalid(f"tool_config.mode must be one of {', '.join(MODES)}")
    names = [key for key in ("function_name", "tool_name") if key in config]
    if mode != "forced":
        if names:
            raise invalid(f"tool_config.{names[0]} needs mode forced")
        return
    if len(names) != 1:
        raise invalid("tool_config with mode forced needs exactly one of function_name, tool_name")
    if "function_name" in config and config["function_name"] not in functions:
        raise invalid(f"tool_config names unknown function {config['function_name']}")
    if "tool_name" in config and config["tool_name"] not in tools:
        if config["tool_name"] not in _TOOLS:
            raise Refusal(404, f"Unknown tool {config['tool_name']}")
        raise invalid(f"tool_config names tool {config['tool_name']} which is not in tools")


def _parts(message: Mapping[str, Any], where: str) -> None:
    role = message["role"]
    if not message["content"]:
        raise invalid(f"{where}.content must not be empty")
    for number, part in enumerate(message["content"]):
        place = f"{where}.content[{number}]"
        if len(part) != 1 and set(part) != _SEARCHED:
            raise invalid(f"{place} must have exactly one key")
        for kind in part:
            if kind not in _PART:
                raise invalid(f"unknown part {kind} in {place}")
            if kind not in _PARTS[role]:
                raise invalid(f"part {kind} is not allowed for role {role} in {place}")


def _result(result: Mapping[str, Any], pairing: Pairing) -> None:
    """An object (recorded) or JSON text of one (documented)."""
    name, value = result["name"], result["result"]
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            text = f"invalid function result for function {name} json string {result['result']}"
            raise Refusal(400, text) from error
    if not isinstance(value, dict):
        raise Refusal(400, f"invalid function result for function {name} json string {json.dumps(value)}")
    pairing.result(name)
