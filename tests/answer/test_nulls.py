"""Nullable fields that the model leaves out, from the schema that was sent to the content that comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from litellm_gigachat_provider import models
from litellm_gigachat_provider.answer.finish import StreamFinisher, answer_to_deltas, finish_answer
from litellm_gigachat_provider.contracts import body_v1
from litellm_gigachat_provider.errors import ModelOutputError
from litellm_gigachat_provider.request.request import read_chat
from litellm_gigachat_provider.types import Answer, ChatRequest, ToolCall

NULLABLE: dict[str, Any] = {
    "anyOf": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    "oneOf": {"oneOf": [{"type": "null"}, {"type": "integer"}]},
    "type list": {"type": ["string", "null"]},
    "enum": {"enum": ["a", None]},
    "only null": {"type": "null"},
    "reference": {"$ref": "#/$defs/Maybe"},
    "union of a reference": {"anyOf": [{"$ref": "#/$defs/Note"}, {"type": "null"}]},
}


def asked(field: Any) -> ChatRequest:
    schema = {
        "type": "object",
        "properties": {
            "n": {"type": "integer"},
            "note": field,
            "items": {"type": "array", "items": {"$ref": "#/$defs/Note"}},
        },
        "required": ["n", "note"],
        "$defs": {
            "Maybe": {"type": ["integer", "null"]},
            "Note": {
                "type": "object",
                "properties": {"text": {"type": "string"}, "by": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
                "required": ["text", "by"],
            },
        },
    }
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    model = "GigaChat-2-Max"
    request = read_chat(
        model,
        [{"role": "user", "content": "Hello"}],
        {"response_format": form},
        contract="v1",
        model_info=models.find(model),
        drop_params=False,
    )
    body = body_v1.body(request, {})
    assert body["function_call"] == {"name": "answer"}
    sent = body["functions"][0]["parameters"]["properties"]["note"]
    assert sent["type"] != "null"
    assert "null" in sent["description"]
    return request


def called(**arguments: Any) -> Answer:
    return Answer(tool_calls=[ToolCall("c0", "answer", json.dumps(arguments))], finish_reason="tool_calls")


def content(outcome: Any) -> Any:
    assert isinstance(outcome, Answer)
    return json.loads(outcome.content or "")


@pytest.mark.parametrize("name", NULLABLE)
def test_what_was_left_out_is_null(name: str) -> None:
    request = asked(NULLABLE[name])
    assert content(finish_answer(called(n=1), request)) == {"n": 1, "note": None}
    assert content(finish_answer(Answer(content='{"n": 1}', finish_reason="stop"), request)) == {"n": 1, "note": None}
    finisher = StreamFinisher(request)
    deltas = [delta for given in answer_to_deltas(called(n=1)) for delta in finisher.feed([given])]
    assert json.loads("".join(delta.content or "" for delta in deltas)) == {"n": 1, "note": None}


def test_further_down_too() -> None:
    request = asked(NULLABLE["union of a reference"])
    given = called(n=1, note={"text": "a"}, items=[{"text": "b"}, {"text": "c", "by": "d"}])
    assert content(finish_answer(given, request)) == {
        "n": 1,
        "note": {"text": "a", "by": None},
        "items": [{"text": "b", "by": None}, {"text": "c", "by": "d"}],
    }


def test_nothing_else_is_made_up() -> None:
    with pytest.raises(ModelOutputError, match="'n' is a required property"):
        finish_answer(called(note="a"), asked(NULLABLE["anyOf"]))
    assert content(finish_answer(called(n=1, note="a"), asked(NULLABLE["anyOf"]))) == {"n": 1, "note": "a"}
