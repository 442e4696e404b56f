"""``ChatLiteLLM(model="gigachat/…")``: the body GigaChat gets and the message the program gets, over both contracts."""

from __future__ import annotations

import asyncio
from functools import reduce
from operator import add
from typing import Annotated, TypedDict

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_litellm import ChatLiteLLM
from pydantic import BaseModel, Field
from sent import chats, sent
from small_files import data_url, pdf, png

MODEL = "gigachat/GigaChat-2-Max"


@pytest.fixture(autouse=True)
def over_both_contracts(contract):
    return contract


@pytest.fixture
def model():
    return ChatLiteLLM(model=MODEL)


@tool
def get_weather(city: str) -> str:
    """Weather in a city."""
    return f"{city}: sunny, 21"


@tool
def get_time(zone: str) -> str:
    """Local time of a time zone."""
    return f"{zone}: 12:00"


FUNCTIONS = [
    {
        "name": "get_weather",
        "description": "Weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
    {
        "name": "get_time",
        "description": "Local time of a time zone.",
        "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]},
    },
]


def whole(chunks):
    return reduce(add, chunks)


def four_ways(runnable, messages):
    """The same question by invoke, ainvoke, stream and astream."""

    async def collected():
        return [chunk async for chunk in runnable.astream(messages)]

    return [
        runnable.invoke(messages),
        asyncio.run(runnable.ainvoke(messages)),
        whole(list(runnable.stream(messages))),
        whole(asyncio.run(collected())),
    ]


def test_texts(gigachat_sandbox, model):
    for number, answer in enumerate(four_ways(model, [SystemMessage("Be brief."), HumanMessage("Привет!")])):
        body = sent(gigachat_sandbox, number)
        assert body.turns == [("system", "Be brief."), ("user", "Привет!")]
        assert body.raw["model"] == "GigaChat-2-Max"
        assert body.raw.get("stream", False) is (number >= 2)
        assert not body.options
        assert answer.content == "Привет! Чем могу помочь?"
        assert answer.response_metadata["finish_reason"] == "stop"
        assert answer.response_metadata["response_cost"] > 0


def test_batch(gigachat_sandbox, model):
    answers = model.batch(["Say one", "Say two"])
    assert [answer.content for answer in answers] == ["one", "two"]
    assert sorted(sent(gigachat_sandbox, i).turns[0][1] for i in (0, 1)) == ["Say one", "Say two"]
    assert [a.content for a in asyncio.run(model.abatch(["Say three", "Say four"]))] == ["three", "four"]
    assert gigachat_sandbox.oauth_count == 1


def test_settings_of_the_model(gigachat_sandbox):
    model = ChatLiteLLM(
        model=MODEL, temperature=0.2, max_tokens=64, top_p=0.9, model_kwargs={"repetition_penalty": 1.1}
    )
    model.invoke("hi")
    assert sent(gigachat_sandbox).options == {
        "temperature": 0.2,
        "max_tokens": 64,
        "top_p": 0.9,
        "repetition_penalty": 1.1,
    }


def test_model_of_one_call(gigachat_sandbox, model):
    model.invoke("hi", model="gigachat/GigaChat-2-Pro")
    list(model.stream("hi", model="gigachat/GigaChat-2-Pro"))
    assert [sent(gigachat_sandbox, number).raw["model"] for number in (0, 1)] == ["GigaChat-2-Pro"] * 2


def test_stop_words(gigachat_sandbox, model):
    assert model.invoke("Count from 1 to 5", stop=["3"]).content == "1, 2, "
    assert whole(list(model.stream("Count from 1 to 5", stop=["3"]))).content == "1, 2, "


def test_usage_of_a_stream_is_counted_once(gigachat_sandbox, model):
    """The second turn of a conversation is read from GigaChat's cache, which LangChain shows as ``cache_read``."""
    talk = [SystemMessage("One and the same long beginning. " * 20), HumanMessage("Say one")]
    first = model.invoke(talk)
    talk += [first, HumanMessage("Say two")]
    plain = model.invoke(talk).usage_metadata
    chunks = list(model.stream([*talk[:-1], HumanMessage("Say ten")]))
    streamed = whole(chunks).usage_metadata
    assert sum(chunk.usage_metadata is not None for chunk in chunks) == 1
    assert first.usage_metadata["input_token_details"]["cache_read"] < 10
    for usage in (plain, streamed):
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
        assert usage["input_tokens"] > usage["input_token_details"]["cache_read"] > 50
    assert streamed["input_tokens"] == plain["input_tokens"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, "auto"),
        ("auto", "auto"),
        ("get_weather", "get_weather"),
        ({"type": "function", "function": {"name": "get_weather"}}, "get_weather"),
    ],
)
def test_bound_tools(gigachat_sandbox, contract, model, choice, expected):
    if choice is None and contract == "v2":
        expected = None  # v1 needs the word, v2 decides for itself unless told otherwise
    bound = model.bind_tools([get_weather, get_time], tool_choice=choice)
    for number, answer in enumerate(four_ways(bound, "What is the weather in Moscow?")):
        body = sent(gigachat_sandbox, number)
        assert body.functions == FUNCTIONS
        assert body.choice == expected
        (call,) = answer.tool_calls
        assert (call["name"], call["args"]) == ("get_weather", {"city": "Moscow"})
        assert answer.content == ""
        assert answer.response_metadata["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("choice", ["any", "required", True])
def test_any_tool(gigachat_sandbox, model, choice):
    for answer in four_ways(model.bind_tools([get_weather, get_time], tool_choice=choice), "Hello there"):
        assert answer.tool_calls[0]["name"] in ("get_weather", "get_time")


def test_no_tool(gigachat_sandbox, model):
    bound = model.bind_tools([get_weather], tool_choice="none")
    for answer in four_ways(bound, "What is the weather in Moscow?"):
        assert answer.content
        assert not answer.tool_calls


@pytest.mark.parametrize("streamed", [False, True])
def test_tool_round_trip(gigachat_sandbox, model, streamed):
    bound = model.bind_tools([get_weather, get_time])
    messages = [HumanMessage("What is the weather in Moscow, and what time is it there?")]
    for _ in range(3):
        answer = whole(list(bound.stream(messages))) if streamed else bound.invoke(messages)
        messages.append(answer)
        for call in answer.tool_calls:
            messages.append({"get_weather": get_weather, "get_time": get_time}[call["name"]].invoke(call))
        if not answer.tool_calls:
            break
    assert "sunny, 21" in messages[-1].content
    body = sent(gigachat_sandbox)
    assert ("result", {"of": "get_weather", "result": {"result": "Moscow: sunny, 21"}}) in body.turns
    assert body.states, "the id GigaChat keeps its function state under goes back to it"


def test_a_history_made_by_hand(gigachat_sandbox, model):
    calls = [{"name": "get_weather", "args": {"city": city}, "id": f"call_{city}"} for city in ("Omsk", "Tomsk")]
    model.bind_tools([get_weather]).invoke(
        [
            HumanMessage("Weather in Omsk and Tomsk?"),
            AIMessage("", tool_calls=calls),
            ToolMessage('{"t": 2}', tool_call_id="call_Tomsk"),
            ToolMessage("no data", tool_call_id="call_Omsk", status="error"),
        ]
    )
    results = [content for role, content in sent(gigachat_sandbox).turns if role == "result"]
    assert results == [
        {"of": "get_weather", "result": {"result": "no data"}},
        {"of": "get_weather", "result": {"t": 2}},
    ]


class Person(BaseModel):
    """Somebody the text is about."""

    name: str = Field(description="First name")
    age: int


class PersonDict(TypedDict):
    """Somebody the text is about."""

    name: Annotated[str, ..., "First name"]
    age: int


class Team(BaseModel):
    lead: Person
    tags: list[str] = []


ASKED = "As JSON with keys name, age: 'Anna' is 30"


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
@pytest.mark.parametrize("schema", [Person, PersonDict, Person.model_json_schema()], ids=["pydantic", "dict", "json"])
def test_structured_output(gigachat_sandbox, contract, model, method, schema):
    chain = model.with_structured_output(schema, method=method)

    async def last():
        return [part async for part in chain.astream(ASKED)][-1]

    answers = [
        chain.invoke(ASKED),
        asyncio.run(chain.ainvoke(ASKED)),
        list(chain.stream(ASKED))[-1],
        asyncio.run(last()),
    ]
    for number, answer in enumerate(answers):
        read = answer.model_dump() if isinstance(answer, BaseModel) else answer
        assert read == {"name": "Anna", "age": 30}
        assert isinstance(answer, Person) is (schema is Person)
        body = sent(gigachat_sandbox, number)
        if method == "json_mode":
            assert not body.functions
            assert "JSON" in body.turns[0][1]
        elif body.functions:
            (function,) = body.functions
            assert body.choice == function["name"]
            assert set(function["parameters"]["properties"]) == {"name", "age"}
        else:
            assert (contract, method) == ("v2", "json_schema")
            assert set(body.options["response_format"]["schema"]["properties"]) == {"name", "age"}
    assert chats(gigachat_sandbox) == 4


@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_nested_structured_output_with_raw(gigachat_sandbox, model, method):
    chain = model.with_structured_output(Team, method=method, include_raw=True)
    answer = chain.invoke("The lead is 'Anna', she is 30")
    assert answer["parsing_error"] is None
    assert answer["parsed"] == Team(lead=Person(name="Anna", age=30))
    assert bool(answer["raw"].tool_calls) is (method == "function_calling")


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": data_url(png(), "image/png")}},
        {"type": "image", "base64": data_url(png(), "image/png").partition(",")[2], "mime_type": "image/png"},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": data_url(pdf(), "application/pdf")}},
    ],
    ids=["openai", "langchain", "pdf"],
)
def test_files_are_uploaded_and_attached(gigachat_sandbox, model, part):
    question = [HumanMessage([{"type": "text", "text": "What is it?"}, part])]
    for answer in four_ways(model, question):
        assert answer.content.startswith("I see ")
    uploads = [r for r in gigachat_sandbox.requests if (r.method, r.path) == ("POST", "/v1/files")]
    assert len(uploads) == 1, "four questions about one file upload it once"
    (ids,) = sent(gigachat_sandbox).files
    assert len(ids) == 1


def test_reasoning(gigachat_sandbox):
    model = ChatLiteLLM(model="gigachat/GigaChat-2-Reasoning", model_kwargs={"reasoning_effort": "high"})
    for number, answer in enumerate(four_ways(model, "Why?")):
        assert sent(gigachat_sandbox, number).raw
        assert answer.additional_kwargs["reasoning_content"].startswith("Thinking")
        assert "Thinking" not in answer.content


def test_errors_are_litellms_own(gigachat_sandbox, model):
    import litellm

    gigachat_sandbox.fail_next("chat", status=429, headers={"Retry-After": "0"}, times=10)
    plain = ChatLiteLLM(model=MODEL, max_retries=0)
    with pytest.raises(litellm.RateLimitError):
        plain.invoke("hi")
    with pytest.raises(litellm.RateLimitError):
        list(plain.stream("hi"))
