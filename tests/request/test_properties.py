"""For any conversation, tools, schemas and parameters: a clear refusal, or a body the service takes."""

from __future__ import annotations

import copy
import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from request_helpers import HELLO, MODEL, body, read
from strategies import CHOICES, CONVERSATIONS, FORMATS, OBJECT_SCHEMAS, PARAMS, PARTS, SCHEMAS, tool_lists

from litellm_gigachat_provider.errors import InvalidRequestError
from litellm_gigachat_provider.request.names import Names, is_legal
from litellm_gigachat_provider.sandbox.rules.validate import validate_chat_v1
from litellm_gigachat_provider.sandbox.rules.validate_v2 import validate_chat_v2

MODELS = (MODEL, "GigaChat-3-Ultra", "GigaChat-2")
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "100"))  # each test; more at night
SETTINGS = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
CONTRACT = st.sampled_from(["v1", "v2"])


def mime_of(file_id: str) -> str:
    return "image/png" if "a.png" in file_id else "text/plain"


def judged(messages: Any, contract: str, **kwargs: Any) -> dict[str, Any] | None:
    """The body after the judge saw it, or None for a refusal of ours that names a field."""
    before = copy.deepcopy((messages, kwargs))
    try:
        found = body(messages, contract=contract, **kwargs)
    except InvalidRequestError as error:
        assert error.field
        assert error.problem
        str(error).encode("utf-8", "surrogatepass")
        return None
    finally:
        assert repr(before) == repr((messages, kwargs))  # NaN is not equal to itself, its repr is
    json.dumps(found, allow_nan=False, ensure_ascii=False).encode("utf-8")
    if contract == "v1":
        validate_chat_v1(found, MODELS)
    else:
        validate_chat_v2(found, MODELS)
    return found


@SETTINGS
@given(CONVERSATIONS, CONTRACT)
def test_any_conversation(messages: Any, contract: str) -> None:
    judged(messages, contract)


@SETTINGS
@given(tool_lists(), CHOICES, CONTRACT, st.booleans())
def test_any_tools_and_choice(tools: Any, choice: Any, contract: str, drop: bool) -> None:
    judged(HELLO, contract, tools=tools, tool_choice=choice, drop=drop)


@SETTINGS
@given(OBJECT_SCHEMAS)
def test_any_schema(schema: Any) -> None:
    judged(HELLO, "v1", tools=[{"type": "function", "function": {"name": "f", "parameters": schema}}])


@SETTINGS
@given(FORMATS, tool_lists(), CHOICES, CONTRACT, st.sampled_from(MODELS), st.booleans())
def test_any_response_format(form: Any, tools: Any, choice: Any, contract: str, model: str, drop: bool) -> None:
    judged(HELLO, contract, response_format=form, tools=tools, tool_choice=choice, model=model, drop=drop)


@SETTINGS
@given(PARAMS, CONTRACT, st.booleans(), st.sampled_from(MODELS))
def test_any_parameters(params: Any, contract: str, drop: bool, model: str) -> None:
    judged(HELLO, contract, model=model, drop=drop, **params)


@SETTINGS
@given(CONVERSATIONS, tool_lists(), CHOICES, PARAMS, FORMATS, CONTRACT)
def test_everything_at_once(messages: Any, tools: Any, choice: Any, params: Any, form: Any, contract: str) -> None:
    judged(messages, contract, tools=tools, tool_choice=choice, response_format=form, drop=True, **params)


@SETTINGS
@given(st.lists(PARTS, max_size=14), CONTRACT)
def test_any_parts_carry_one_file_a_message_and_lose_none(parts: Any, contract: str) -> None:
    found = judged([{"role": "user", "content": parts}], contract)
    if found is None:
        return
    request = read([{"role": "user", "content": parts}], contract=contract)
    given_files = [
        part for part in parts if isinstance(part, dict) and part.get("type") in ("image_url", "file", "input_audio")
    ]
    assert len(request.attachments) == len(given_files)
    for message in found["messages"]:
        assert len(message.get("attachments", [])) <= 1


@SETTINGS
@given(st.lists(st.text(min_size=1, max_size=10), unique=True, max_size=30))
def test_names_are_legal_distinct_and_restored(callers: list[str]) -> None:
    names = Names(callers)
    wire = [names.wire(name) for name in callers]
    assert all(is_legal(name) for name in wire)
    assert len(set(wire)) == len(wire)
    restored = names.restored()
    assert [restored.get(name, name) for name in wire] == callers
    assert all(name == alias for name, alias in zip(callers, wire, strict=True) if is_legal(name))


@SETTINGS
@given(SCHEMAS)
def test_the_reading_is_deterministic(schema: Any) -> None:
    tools = [
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"p": schema}}}}
    ]
    assert judged(HELLO, "v1", tools=tools) == judged(HELLO, "v1", tools=tools)


@pytest.mark.parametrize("contract", ["v1", "v2"])
def test_a_long_history_takes_linear_time(contract: str) -> None:
    turn = [
        {"role": "user", "content": "q"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "same", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "same", "content": "x"},
        {"role": "assistant", "content": "a"},
    ]
    found = judged(turn * 2500, contract)
    assert found is not None
    assert len(found["messages"]) == 10_000
