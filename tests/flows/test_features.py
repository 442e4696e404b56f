"""What a model can do beyond plain chat, by LiteLLM's own words, in all four ways over both contracts."""

from __future__ import annotations

import asyncio
import base64
import json

import litellm
import litellm.exceptions as x
import pytest
from pydantic import BaseModel
from sent import chats, sent
from shapes import two_tools
from ways import MODEL, WAYS, call

from litellm_gigachat_provider.bridge.versions import has_builtin

CITY = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "population": {"type": "integer"}},
    "required": ["name", "population"],
    "additionalProperties": False,
}
CITY_FORMAT = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY, "strict": True}}
QUESTION = "Name and population of Kazan, about 1300000 people, as JSON"
TOOLS = two_tools("get_weather")
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PICTURE = "data:image/png;base64," + base64.b64encode(PNG).decode()


@pytest.fixture(autouse=True)
def nothing_refused(gigachat_sandbox, contract):
    yield
    assert [r.refusal for r in gigachat_sandbox.refused] == []


# --- structured output -------------------------------------------------------------------------------------------


def test_json_schema(gigachat_sandbox, contract, ask):
    outcome = ask(QUESTION, response_format=CITY_FORMAT)
    assert set(json.loads(outcome.content)) == {"name", "population"}
    assert outcome.finish_reason == "stop"
    assert not outcome.tool_calls
    body = sent(gigachat_sandbox)
    if contract == "v1":  # GigaChat-2-Max: a forced function
        (function,) = body.functions
        assert body.choice == function["name"] == "city"
        assert "response_format" not in body.options
    else:
        assert body.options["response_format"] == {"type": "json_schema", "schema": CITY, "strict": True}
        assert body.functions == []


def test_json_schema_native_on_v1(gigachat_sandbox, contract, ask):
    outcome = ask(QUESTION, model="gigachat/GigaChat-3-Ultra", response_format=CITY_FORMAT)
    assert set(json.loads(outcome.content)) == {"name", "population"}
    assert sent(gigachat_sandbox).options["response_format"]["type"] == "json_schema"


class Country(BaseModel):
    name: str
    capital: str | None = None
    cities: list[str]


def test_pydantic_class(gigachat_sandbox, ask):
    outcome = ask("Name, capital and cities of Russia as JSON", response_format=Country)
    Country.model_validate_json(outcome.content)
    assert not outcome.tool_calls


def test_json_object(gigachat_sandbox, ask):
    outcome = ask("Give me a JSON object with a greeting", response_format={"type": "json_object"})
    assert isinstance(json.loads(outcome.content), dict)
    body = sent(gigachat_sandbox)
    assert "response_format" not in body.options
    assert body.turns[0][0] == "system"
    assert "JSON" in body.turns[0][1]


def test_a_fence_around_the_json_is_taken_off(gigachat_sandbox, ask):
    gigachat_sandbox.knobs.json_fence = True
    outcome = ask(QUESTION, model="gigachat/GigaChat-3-Ultra", response_format=CITY_FORMAT)
    assert set(json.loads(outcome.content)) == {"name", "population"}


def test_text_format_is_no_format(gigachat_sandbox, ask):
    assert ask("hi", response_format={"type": "text"}).content
    body = sent(gigachat_sandbox)
    assert body.functions == []


def test_a_reply_that_is_no_json_is_an_error(gigachat_sandbox, ask):
    gigachat_sandbox.knobs.answer = "I would rather not."
    with pytest.raises(
        (x.JSONSchemaValidationError, x.InternalServerError, x.APIConnectionError, x.MidStreamFallbackError)
    ):
        ask(QUESTION, model="gigachat/GigaChat-3-Ultra", response_format=CITY_FORMAT)


def test_json_schema_beside_tools(gigachat_sandbox, contract, ask):
    outcome = ask("What is the weather in Moscow?", response_format=CITY_FORMAT, tools=TOOLS)
    assert outcome.tool_calls[0]["name"] == "get_weather"
    outcome = ask(QUESTION, response_format=CITY_FORMAT, tools=TOOLS)
    assert set(json.loads(outcome.content)) == {"name", "population"}
    assert not outcome.tool_calls


def test_regex(gigachat_sandbox, contract, ask):
    if contract == "v1":
        with pytest.raises(x.BadRequestError):
            ask("A ticket number", response_format={"type": "regex", "regex": r"[A-Z]{3}-\d{4}"})
        return
    outcome = ask("A ticket number", response_format={"type": "regex", "regex": r"[A-Z]{3}-\d{4}"})
    assert len(outcome.content) == 8
    assert sent(gigachat_sandbox).options["response_format"] == {"type": "regex", "regex": r"[A-Z]{3}-\d{4}"}


# --- tools ---------------------------------------------------------------------------------------------------------


def test_no_tools(gigachat_sandbox, ask):
    assert ask("hi", tools=[]).content
    assert sent(gigachat_sandbox).functions == []


def test_one_call_at_a_time(gigachat_sandbox, ask):
    outcome = ask("What is the weather in Moscow and the exchange rate of USD?", tools=TOOLS, parallel_tool_calls=False)
    assert [call["name"] for call in outcome.tool_calls] == ["get_weather"]
    assert outcome.finish_reason == "tool_calls"
    assert "parallel_tool_calls" not in str(gigachat_sandbox.chat_bodies)


def test_parallel_calls_in_one_answer(gigachat_sandbox, contract, ask):
    outcome = ask("What is the weather in Moscow and the exchange rate of USD?", tools=TOOLS)
    names = [c["name"] for c in outcome.tool_calls]
    if contract == "v1":
        assert len(names) == 1
        return
    assert sorted(names) == ["get_rate", "get_weather"]
    assert len({c["id"] for c in outcome.tool_calls}) == 2
    assert [c["index"] for c in outcome.tool_calls] == [0, 1]


# --- stop, n, reasoning, options --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stop", "expected"), [("4", "1, 2, 3, "), ([", 3", "7"], "1, 2"), (["nothing"], "1, 2, 3, 4, 5, 6, 7, 8, 9")]
)
def test_stop(gigachat_sandbox, ask, stop, expected):
    gigachat_sandbox.knobs.answer = "1, 2, 3, 4, 5, 6, 7, 8, 9"
    outcome = ask("Count from 1 to 9", stop=stop)
    assert outcome.content == expected
    assert outcome.finish_reason == "stop"
    assert "stop" not in sent(gigachat_sandbox).options


def test_stop_in_a_stream_ends_the_generation(gigachat_sandbox, contract):
    gigachat_sandbox.knobs.answer = " ".join(f"слово{i}" for i in range(400))
    gigachat_sandbox.knobs.stream.chunk_delay = 0.02
    outcome = call("stream", "Расскажи", stop=["слово3"])
    assert outcome.content == "слово0 слово1 слово2 "
    for _ in range(100):
        if gigachat_sandbox.requests[-1].closed_early:
            break
        import time

        time.sleep(0.02)
    assert gigachat_sandbox.requests[-1].closed_early


@pytest.mark.parametrize("way", WAYS)
def test_n(gigachat_sandbox, contract, way):
    if way in {"completion", "acompletion"}:
        response = call(way, "hi", n=3).response
        assert [c.index for c in response.choices] == [0, 1, 2]
        assert all(c.message.content for c in response.choices)
        single = call("completion", "hi").usage
        assert response.usage.prompt_tokens == single.prompt_tokens
        assert response.usage.completion_tokens == 3 * single.completion_tokens
    else:
        chunks = call(way, "hi", n=3).chunks
        texts = {0: "", 1: "", 2: ""}
        for chunk in chunks:
            for choice in chunk.choices:
                texts[choice.index] += choice.delta.content or ""
        assert texts[0]
        assert texts[0] == texts[1] == texts[2]
    assert "n" not in sent(gigachat_sandbox).options


@pytest.mark.parametrize("way", WAYS)
def test_n_within_a_concurrency_limit(gigachat_sandbox, contract, way, monkeypatch):
    monkeypatch.setenv("GIGACHAT_MAX_CONCURRENCY", "1")
    gigachat_sandbox.knobs.max_generations = 1
    call(way, "hi", n=3)
    assert chats(gigachat_sandbox) == 3
    assert all(r.status == 200 for r in gigachat_sandbox.requests)


def test_reasoning(gigachat_sandbox, contract, ask):
    outcome = ask("Why is the sky blue?", reasoning_effort="high")
    assert outcome.reasoning
    assert outcome.content
    assert outcome.reasoning not in outcome.content
    options = sent(gigachat_sandbox).options
    assert options == ({"reasoning_effort": "high"} if contract == "v1" else {"reasoning": {"effort": "high"}})


def test_effort_to_a_model_without_reasoning(gigachat_sandbox, contract, ask):
    with pytest.raises(x.UnsupportedParamsError, match="reasoning_effort: GigaChat-2 does not reason"):
        ask("Why?", model="gigachat/GigaChat-2", reasoning_effort="high")
    assert chats(gigachat_sandbox) == 0
    assert ask("Why?", model="gigachat/GigaChat-2", reasoning_effort="high", drop_params=True).content
    assert sent(gigachat_sandbox).options == {}


def test_think_tags(gigachat_sandbox, ask):
    gigachat_sandbox.knobs.think_tags = True
    outcome = ask("Why is the sky blue?", reasoning_effort="low")
    assert outcome.reasoning
    assert "<think>" not in outcome.content


@pytest.mark.parametrize(
    "params",
    [{"seed": 1}, {"frequency_penalty": 0.5}, {"presence_penalty": 1.0}, {"logit_bias": {"1": 2}}],
)
def test_unsupported_parameters(gigachat_sandbox, contract, params):
    with pytest.raises(x.UnsupportedParamsError, match=next(iter(params))):
        call("completion", "hi", **params)
    assert chats(gigachat_sandbox) == 0
    assert call("completion", "hi", drop_params=True, **params).content
    assert set(sent(gigachat_sandbox).raw) == {"model", "messages"}


def test_own_options(gigachat_sandbox, contract, ask):
    outcome = ask("hi", repetition_penalty=1.1, extra_body={"update_interval": 0.5}, profanity_check=False)
    body = sent(gigachat_sandbox)
    assert body.options["repetition_penalty"] == 1.1
    assert body.options.get("update_interval") == (0.5 if outcome.streamed else None)  # it paces a stream's chunks
    assert (body.raw["profanity_check"] is False) if contract == "v1" else (body.raw["disable_filter"] is True)


def test_context_headers(gigachat_sandbox, ask):
    ask("hi", extra_headers={"X-Session-ID": "mine", "X-Request-ID": "00000000-0000-4000-8000-000000000001"})
    headers = sent(gigachat_sandbox).headers
    assert headers["x-session-id"] == "mine"
    assert headers["x-request-id"] == "00000000-0000-4000-8000-000000000001"


def test_the_second_turn_of_a_conversation_is_cached(gigachat_sandbox, ask):
    gigachat_sandbox.knobs.template_cached = 0
    first = [
        {"role": "system", "content": "You are a patient teacher of Russian. " * 20},
        {"role": "user", "content": "Hello"},
    ]
    answer = ask(first)
    assert answer.usage.prompt_tokens_details is None or not answer.usage.prompt_tokens_details.cached_tokens
    second = ask([*first, {"role": "assistant", "content": answer.content}, {"role": "user", "content": "And now?"}])
    sessions = {r.headers["x-session-id"] for r in gigachat_sandbox.requests if "completions" in r.path}
    assert len(sessions) == 1
    assert second.usage.prompt_tokens > second.usage.prompt_tokens_details.cached_tokens > 0
    assert "patient teacher" not in sessions.pop()


SEARCH = {"type": "web_search_20250305", "name": "web_search"}


@pytest.mark.parametrize("given", [{"tools": [SEARCH]}, {"web_search_options": {}}])
def test_search_alone_is_refused_where_there_is_none(gigachat_sandbox, contract, ask, given):
    """Claude Code's WebSearch is a request of its own, with no other tool; proxies run with drop_params."""
    if contract == "v2":
        ask("News?", drop_params=True, **given)
        assert sent(gigachat_sandbox).raw["tools"] == [{"web_search": {"type": "actual_info_web_search"}}]
        return
    with pytest.raises(x.BadRequestError, match='api_version="v2"'):
        ask("News?", drop_params=True, **given)
    assert chats(gigachat_sandbox) == 0
    ask("News?", drop_params=True, **{**given, "tools": [*given.get("tools", ()), *TOOLS]})
    assert [f["name"] for f in sent(gigachat_sandbox).functions] == ["get_weather", "get_rate"]


def test_found_tools_and_what_anthropic_says_of_tools(gigachat_sandbox, contract, ask):
    function = TOOLS[0]["function"]
    deferred = {"defer_loading": True, "allowed_callers": ["direct"], "input_examples": [{"city": "Omsk"}]}
    tools = [{"type": "function", "function": {**function, "parameters": {**function["parameters"], **deferred}}}]
    called = {"id": "a", "type": "function", "function": {"name": "get_rate", "arguments": "{}"}}
    ask(
        [
            {"role": "user", "content": "Which tools are there?"},
            {"role": "assistant", "content": None, "tool_calls": [called]},
            {"role": "tool", "tool_call_id": "a", "content": [{"type": "tool_reference", "tool_name": "get_weather"}]},
        ],
        tools=[*tools, TOOLS[1]],
    )
    body = sent(gigachat_sandbox)
    assert body.turns[-1] == ("result", {"result": {"result": "Tool: get_weather"}, "of": "get_rate"})
    assert body.functions[0]["parameters"] == function["parameters"]


# --- pictures, files, embeddings ---------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [{"url": PICTURE}, {"url": PICTURE, "detail": "low"}, PICTURE])
def test_picture_in(gigachat_sandbox, ask, url):
    message = {
        "role": "user",
        "content": [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": url}],
    }
    assert ask([message]).content
    assert ask([message]).content
    uploads = [r for r in gigachat_sandbox.requests if r.path.endswith("/files") and r.method == "POST"]
    assert len(uploads) == 1
    ((file_id,),) = sent(gigachat_sandbox).files
    assert len(file_id) == 36
    assert sent(gigachat_sandbox).turns == [("user", "What is it?")]


def test_document_in(gigachat_sandbox, contract, ask):
    data = "data:text/plain;base64," + base64.b64encode("Отчёт за год".encode()).decode()
    ask(
        [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Summarise"},
                    {"type": "file", "file": {"file_data": data, "filename": "report.txt"}},
                ],
            }
        ]
    )
    body = sent(gigachat_sandbox)
    assert len(body.files) == 1
    if contract == "v1":
        assert body.choice == "auto"


PDF = b"%PDF-1.4\n1 0 obj <<>> endobj\n%%EOF\n"


@pytest.mark.parametrize("from_a_tool", [False, True])
def test_a_pdf_as_an_image_url_is_a_document(gigachat_sandbox, contract, ask, from_a_tool):
    """As LiteLLM sends each base64 ``document`` of Anthropic's SDK and of Claude Code."""
    part = {"type": "image_url", "image_url": {"url": "data:application/pdf;base64," + base64.b64encode(PDF).decode()}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "Sum it up"}, part]}]
    if from_a_tool:
        called = {"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Omsk"}'}}
        messages = [
            {"role": "user", "content": "Read the report"},
            {"role": "assistant", "content": None, "tool_calls": [called]},
            {"role": "tool", "tool_call_id": "a", "content": [part]},
        ]
    ask(messages, **({"tools": TOOLS} if from_a_tool else {}))
    (upload,) = [r for r in gigachat_sandbox.requests if r.path.endswith("/files") and r.method == "POST"]
    assert b"Content-Type: application/pdf" in upload.body and PDF in upload.body
    body = sent(gigachat_sandbox)
    assert len(body.files) == 1
    if contract == "v1":
        assert body.choice == "auto"
        assert [f["name"] for f in body.functions][2:] == (["get_file_content"] if from_a_tool else [])


def test_a_picture_from_a_tool_is_named_in_the_result_and_where_it_is_attached(gigachat_sandbox, contract, ask):
    called = {"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Omsk"}'}}
    ask(
        [
            {"role": "user", "content": "Weather map of Omsk?"},
            {"role": "assistant", "content": None, "tool_calls": [called]},
            {"role": "tool", "tool_call_id": "a", "content": [{"type": "image_url", "image_url": {"url": PICTURE}}]},
        ],
        tools=TOOLS,
    )
    body = sent(gigachat_sandbox)
    assert body.turns[1:] == [
        ("call", {"call": "get_weather", "arguments": {"city": "Omsk"}}),
        ("result", {"result": {"files": ["image 1"]}, "of": "get_weather"}),
        ("user", "This is image 1, from the result of the tool get_weather."),
    ]
    assert len(body.files) == 1 and body.raw["messages"][-1]["role"] == "user"


@pytest.mark.parametrize(
    ("earlier", "text"),
    [
        ({"audio": {"id": "audio_1", "transcript": "Said aloud"}}, "Said aloud"),
        ({"reasoning_content": "Thought"}, "Thought"),
        ({"thinking_blocks": [{"type": "redacted_thinking", "data": "x"}]}, "[hidden thoughts]"),
        ({"content": [{"type": "redacted_thinking", "data": "x"}]}, "[hidden thoughts]"),
        ({"images": [{"type": "image_url", "index": 0, "image_url": {"url": PICTURE}}]}, "[image 1]"),
    ],
)
def test_an_answer_of_which_the_content_is_empty_keeps_its_turn(gigachat_sandbox, contract, ask, earlier, text):
    ask(
        [
            {"role": "user", "content": "One"},
            {"role": "assistant", "content": None, **earlier},
            {"role": "user", "content": "Two"},
        ]
    )
    body = sent(gigachat_sandbox)
    shown = "This is image 1, from your answer before this.\nTwo" if "images" in earlier else "Two"
    assert body.turns == [("user", "One"), ("assistant", text), ("user", shown)]
    assert len(body.files) == ("images" in earlier)


def test_a_bare_audio_id_is_refused(gigachat_sandbox, contract, ask):
    bare = {"role": "assistant", "content": None, "audio": {"id": "audio_1"}}
    with pytest.raises(x.BadRequestError, match=r"messages\[1\]\.audio.*Give audio\.transcript"):
        ask([{"role": "user", "content": "One"}, bare, {"role": "user", "content": "Two"}])
    assert chats(gigachat_sandbox) == 0


def test_uploaded_files_are_deleted_when_asked(gigachat_sandbox, ask):
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PICTURE}}]}
    ask([message])
    ((kept,),) = sent(gigachat_sandbox).files
    ask([message], gigachat_delete_files=True)
    ((used,),) = sent(gigachat_sandbox).files
    assert used != kept
    deleted = [r.path for r in gigachat_sandbox.requests if r.path.endswith("/delete")]
    assert deleted == [f"/v1/files/{used}/delete"]
    assert "gigachat_delete_files" not in sent(gigachat_sandbox).raw


def test_a_file_of_the_callers_own_is_not_deleted(gigachat_sandbox, ask):
    ask([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PICTURE}}]}])
    ((file_id,),) = sent(gigachat_sandbox).files
    ask(
        [{"role": "user", "content": [{"type": "file", "file": {"file_id": file_id}}]}],
        extra_body={"gigachat_delete_files": True},
    )
    assert sent(gigachat_sandbox).files == [[file_id]]
    assert not [r for r in gigachat_sandbox.requests if r.path.endswith("/delete")]


def test_files_are_deleted_after_a_failure_too(gigachat_sandbox, ask):
    gigachat_sandbox.fail_next(where="chat", status=400)
    with pytest.raises(x.BadRequestError):
        ask(
            [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PICTURE}}]}],
            gigachat_delete_files=True,
        )
    assert [r for r in gigachat_sandbox.requests if r.path.endswith("/delete")]


def test_a_file_the_service_has_lost_is_uploaded_again(gigachat_sandbox, ask):
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PICTURE}}]}
    ask([message])
    ((lost,),) = sent(gigachat_sandbox).files
    gigachat_sandbox.fail_next(where="chat", status=404, body={"status": 404, "message": f"No such file '{lost}'"})
    assert ask([message]).content
    ((new,),) = sent(gigachat_sandbox).files
    assert new != lost
    assert chats(gigachat_sandbox) == 3


def test_a_failed_upload_is_an_error(gigachat_sandbox, ask):
    gigachat_sandbox.fail_next(where="files", status=500)
    with pytest.raises((x.InternalServerError, x.ServiceUnavailableError)):
        ask([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PICTURE}}]}])
    assert chats(gigachat_sandbox) == 0


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/x.png", "http://169.254.169.254/latest", "file:///etc/passwd", "ftp://host/x"]
)
def test_private_addresses_are_not_fetched(gigachat_sandbox, contract, url):
    with pytest.raises(x.BadRequestError):
        call("completion", [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}])
    assert chats(gigachat_sandbox) == 0


def test_picture_out_in_chat(gigachat_sandbox, contract, ask):
    tool = (
        {"type": "function", "function": {"name": "text2image"}} if contract == "v1" else {"type": "image_generation"}
    )
    outcome = ask("Нарисуй кота", tools=[tool])
    assert "<img" not in (outcome.content or "")
    if outcome.streamed:
        images = [i for c in outcome.chunks if c.choices for i in (getattr(c.choices[0].delta, "images", None) or [])]
    else:
        images = outcome.response.choices[0].message.images
    assert images[0]["image_url"]["url"].startswith("data:image/jpeg;base64,")


@pytest.mark.parametrize("model", [MODEL, "gigachat/GigaChat-2"])
@pytest.mark.parametrize("kept", ["all", "id"])
def test_a_drawing_stays_in_the_history(gigachat_sandbox, contract, ask, model, kept):
    """A client hands the message on as it came, or with the file's id alone; no model may end the talk over it."""
    tool = (
        {"type": "function", "function": {"name": "text2image"}} if contract == "v1" else {"type": "image_generation"}
    )
    question = {"role": "user", "content": "Нарисуй кота"}
    # plain: what LiteLLM's builder makes of a stream's chunks differs from version to version
    drawn = call("completion", [question], model=model, tools=[tool]).response.choices[0].message.model_dump()
    fields = drawn["provider_specific_fields"]
    earlier = drawn if kept == "all" else {"role": "assistant", "content": "", "provider_specific_fields": fields}
    ask([question, earlier, {"role": "user", "content": "Спасибо!"}], model=model)
    body = sent(gigachat_sandbox)
    assert [role for role, _ in body.turns] == ["user", "assistant", "user"]
    if model == MODEL:
        assert body.turns[-1][1] == "This is image 1, from your answer before this.\nСпасибо!"
        (ids,) = body.files
        assert (ids == [fields["media"][0]["file_id"]]) is (kept == "id")
    else:
        assert body.files == []
        assert body.turns[1][1].endswith("[image]")


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_image_generation(gigachat_sandbox, contract, kind):
    if kind == "sync":
        response = litellm.image_generation(model=MODEL, prompt="Нарисуй кота")
    else:
        response = asyncio.run(litellm.aimage_generation(model=MODEL, prompt="Нарисуй кота"))
    assert base64.b64decode(response.data[0].b64_json).startswith(b"\xff\xd8")


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_embeddings(gigachat_sandbox, kind, contract):
    texts = [f"text number {i}" for i in range(45)]

    def embed(**kwargs):
        if kind == "sync":
            return litellm.embedding(model="gigachat/Embeddings", **kwargs)
        return asyncio.run(litellm.aembedding(model="gigachat/Embeddings", **kwargs))

    response = embed(input=texts)
    assert [item["index"] for item in response.data] == list(range(45))
    alone = embed(input=texts[31]).data[0]["embedding"]
    assert response.data[31]["embedding"] == alone
    assert response.usage.prompt_tokens == response.usage.total_tokens > 45
    batches = [r.json["input"] for r in gigachat_sandbox.requests if r.path.endswith("/embeddings")]
    assert sorted(len(b) for b in batches) == [1, 5, 20, 20]
    with pytest.raises(x.BadRequestError):
        embed(input=[])
    if has_builtin():
        encoded = embed(input="hi", encoding_format="base64").data[0]["embedding"]
        assert len(base64.b64decode(encoded)) == 4 * 1024


def test_web_search(gigachat_sandbox, contract, ask):
    if contract == "v1":
        with pytest.raises(x.BadRequestError, match="v2"):
            ask("Find news about Kazan", web_search_options={})
        return
    outcome = ask("Find news about Kazan", web_search_options={})
    assert any("web_search" in tool for tool in sent(gigachat_sandbox).raw["tools"])
    assert "[sources=" not in outcome.content
    if not outcome.streamed:
        (annotation, *_) = outcome.response.choices[0].message.annotations
        assert annotation["type"] == "url_citation"
