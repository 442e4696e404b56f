"""The v1 chat contract as a pure function: ``POST {v1}/chat/completions``.

Written from the API's documentation and observed refusals alone. Order: JSON types (400), model (404), parameters
and history (422).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, Final

from . import common_rules as rules
from .common_rules import FileLookup, Pairing
from .refusal import NO_FUNCTIONS, NOT_A_RESULT, Refusal, invalid
from .schema_rules import BUILT_INS, FUNCTION, check_functions

__all__ = ["Refusal", "validate_chat_v1"]

_MESSAGE: Final = {
    "role!": rules.is_string,
    "content!": rules.is_string,
    "attachments": rules.is_strings,
    "function_call": {"name!": rules.is_string, "arguments!": rules.is_object},
    "functions_state_id": rules.is_string,
    "name": rules.is_string,
}
_FIELDS: Final[rules.Shape] = {
    "model!": rules.is_string,
    "messages!": [_MESSAGE],
    "temperature": rules.is_number,
    "top_p": rules.is_number,
    "max_tokens": rules.is_integer_or_null,
    "repetition_penalty": rules.is_number,
    "stream": rules.is_bool,
    "update_interval": rules.is_number,
    "function_call": lambda value: (
        isinstance(value, str) or (rules.is_object(value) and rules.is_string(value.get("name")))
    ),
    "functions": [FUNCTION],
    "response_format": rules.is_object,
    "reasoning_effort": rules.is_string,
    "profanity_check": rules.is_bool,
    "flags": rules.is_strings,
    "storage": {
        "is_stateful": rules.is_bool,
        "limit": rules.is_integer,
        "assistant_id": rules.is_string,
        "thread_id": rules.is_string,
        "metadata": rules.is_object,
    },
    "function_ranker": {"enabled": rules.is_bool, "top_n": rules.is_integer},
}
_ROLES: Final[dict[str, frozenset[str]]] = {
    "system": frozenset({"role", "content"}),
    "user": frozenset({"role", "content", "attachments"}),
    "assistant": frozenset({"role", "content", "function_call", "functions_state_id"}),
    "function": frozenset({"role", "content", "name"}),
}


def validate_chat_v1(
    body: Any,
    known_models: Collection[str],
    *,
    strict_fields: bool = True,
    files: FileLookup | None = None,
    models_without_functions: Collection[str] = (),
    warnings: list[str] | None = None,
) -> None:
    """Raises :class:`Refusal` as the service would; ``warnings`` collects unknown fields.

    ``files`` answers an attachment's id with its MIME type or raises a refusal; without it ids are not looked up.
    """
    unknown = partial(rules.unknown_fields, strict=strict_fields, warnings=[] if warnings is None else warnings)
    rules.check_types(body, _FIELDS)
    rules.check_model(body["model"], known_models)
    unknown(body, _FIELDS)
    rules.check_sampling(body)
    if "reasoning_effort" in body:
        rules.check_effort(body["reasoning_effort"], "reasoning_effort")
    if "response_format" in body:
        rules.check_format(body["response_format"], strict=strict_fields)
    _functions(body, strict_fields=strict_fields, models_without_functions=models_without_functions)

    def message(message: Mapping[str, Any], where: str, pairing: Pairing) -> None:
        unknown(message, _ROLES[message["role"]], where=f"{where}.")
        if message["role"] == "function":
            _result(message, where, pairing)
        elif "function_call" in message:
            pairing.calls([message["function_call"]["name"]])
        else:
            pairing.other()

    rules.check_history(body["messages"], _ROLES, message)
    rules.check_files((message.get("attachments", []) for message in body["messages"]), files)


def _functions(body: Mapping[str, Any], *, strict_fields: bool, models_without_functions: Collection[str]) -> None:
    functions: Sequence[Mapping[str, Any]] = body.get("functions", [])
    if functions and body["model"] in models_without_functions:
        raise Refusal(422, NO_FUNCTIONS)
    check_functions(functions, strict_fields=strict_fields)
    choice = body.get("function_call")
    if isinstance(choice, str) and choice not in ("none", "auto"):
        raise invalid('function_call must be "none", "auto" or {"name": "<function>"}')
    if isinstance(choice, dict):
        name = choice["name"]
        if name not in BUILT_INS and name not in {function["name"] for function in functions}:
            raise invalid(f"function_call names unknown function {name}")
        extra = sorted(set(choice) - {"name", "partial_arguments"})
        if extra and strict_fields:
            raise invalid(f"unknown field function_call.{extra[0]}")


def _result(message: Mapping[str, Any], where: str, pairing: Pairing) -> None:
    if not message.get("name"):
        raise invalid(f"{where}.name is required for a function message")
    name, content = message["name"], message["content"]
    try:
        value = json.loads(content)
    except json.JSONDecodeError as error:
        raise Refusal(
            422,
            f"INVALID_PARAMS: invalid function result for function {name} json string `{content}`, "
            f"error: JSON parse error at line {error.lineno} column {error.colno}",
        ) from error
    if not isinstance(value, dict):
        raise Refusal(422, NOT_A_RESULT, f"{where}.content must hold a JSON object")
    pairing.result(name)
