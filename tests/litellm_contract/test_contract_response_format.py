"""What LiteLLM's own tests of chat providers ask of ``response_format``: the answer is content, never a tool call."""

from __future__ import annotations

import json

import litellm
import pytest
from pydantic import BaseModel
from sent import sent
from ways import MODEL


class Movie(BaseModel):
    title: str
    year: int


class Shelf(BaseModel):
    owner: str
    movies: list[Movie]


ASKED = "'Solaris' of 1972, as JSON with keys title, year"


def content_of(outcome):
    assert outcome.content
    assert not outcome.tool_calls
    assert outcome.finish_reason == "stop"
    assert outcome.response.choices[0].message.tool_calls is None
    return outcome.content


def test_text(gigachat_sandbox, ask):
    assert content_of(ask("Say tea", response_format={"type": "text"})) == "tea"
    assert sent(gigachat_sandbox).functions == []
    assert sent(gigachat_sandbox).choice is None


def test_text_beside_tools(gigachat_sandbox, contract, ask):
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}
    content_of(ask("Say tea", response_format={"type": "text"}, tools=[tool]))
    body = sent(gigachat_sandbox)
    assert [function["name"] for function in body.functions] == ["get_weather"]
    assert body.choice == ("auto" if contract == "v1" else None)


def test_json_object(gigachat_sandbox, ask):
    answer = json.loads(content_of(ask(ASKED, response_format={"type": "json_object"})))
    assert answer == {"title": "Solaris", "year": 1972}


@pytest.mark.parametrize("strict", [True, False, None])
def test_json_schema(gigachat_sandbox, ask, strict):
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "movie",
        "type": "object",
        "properties": {"title": {"type": "string"}, "year": {"type": ["integer", "null"]}},
        "required": ["title", "year"],
        "additionalProperties": False,
    }
    wrapped = {"name": "movie", "schema": schema} | ({} if strict is None else {"strict": strict})
    answer = json.loads(content_of(ask(ASKED, response_format={"type": "json_schema", "json_schema": wrapped})))
    assert answer == {"title": "Solaris", "year": 1972}


def test_pydantic_class(gigachat_sandbox, ask):
    assert Movie.model_validate_json(content_of(ask(ASKED, response_format=Movie))) == Movie(title="Solaris", year=1972)


@pytest.mark.parametrize("as_schema", [False, True], ids=["class", "schema"])
def test_nested(gigachat_sandbox, ask, as_schema):
    wanted = Shelf
    if as_schema:
        wanted = {
            "type": "json_schema",
            "json_schema": {"name": "shelf", "schema": Shelf.model_json_schema(), "strict": True},
        }
    shelf = Shelf.model_validate_json(
        content_of(ask("The shelf of 'Anna' has 'Solaris' of 1972", response_format=wanted))
    )
    assert shelf == Shelf(owner="Anna", movies=[Movie(title="Solaris", year=1972)])


@pytest.mark.parametrize("wanted", [{"type": "json_object"}, Movie], ids=["object", "class"])
def test_stream_carries_content_only(gigachat_sandbox, wanted):
    chunks = list(
        litellm.completion(
            model=MODEL, messages=[{"role": "user", "content": ASKED}], response_format=wanted, stream=True
        )
    )
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert not any(delta.tool_calls or delta.get("function_call") for delta in deltas)
    assert json.loads("".join(delta.content or "" for delta in deltas)) == {"title": "Solaris", "year": 1972}


def test_schema_beside_tools(gigachat_sandbox, ask):
    """A tool is called first; the answer after its result has the shape."""
    tool = {
        "type": "function",
        "function": {
            "name": "find_movie",
            "description": "Looks a movie up",
            "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
        },
    }
    question = {"role": "user", "content": "find_movie 'Solaris'"}
    first = ask([question], tools=[tool], response_format=Movie)
    (call,) = first.tool_calls
    assert call["name"] == "find_movie"
    made = {"id": call["id"], "type": "function", "function": {"name": "find_movie", "arguments": call["arguments"]}}
    result = {"role": "tool", "tool_call_id": call["id"], "content": '{"title": "Solaris", "year": 1972}'}
    second = ask([question, {"role": "assistant", "tool_calls": [made]}, result], tools=[tool], response_format=Movie)
    assert set(json.loads(content_of(second))) == {"title", "year"}
