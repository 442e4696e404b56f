"""What LiteLLM's own tests of chat providers ask of messages, answers and streams, put in our words."""

from __future__ import annotations

import asyncio
import base64

import litellm
import pytest
from sent import sent
from ways import MODEL

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PICTURE = f"data:image/png;base64,{PIXEL}"


def test_developer_role(gigachat_sandbox, ask):
    outcome = ask(
        [
            {"role": "developer", "content": "Be a good bot!"},
            {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
        ]
    )
    assert outcome.content
    assert sent(gigachat_sandbox).turns == [("system", "Be a good bot!"), ("user", "Hello")]


def test_content_list(gigachat_sandbox, ask):
    assert ask([{"role": "user", "content": [{"type": "text", "text": "Say tea"}]}]).content == "tea"
    assert sent(gigachat_sandbox).turns == [("user", "Say tea")]


def test_message_with_a_name(gigachat_sandbox, ask):
    assert ask([{"role": "user", "content": "Say tea", "name": "test_name"}]).content == "tea"
    assert sent(gigachat_sandbox).raw["messages"][0].get("name") in (None, "test_name")


def test_message_objects(gigachat_sandbox, ask):
    messages = [
        litellm.Message(role="user", content="Say one"),
        litellm.Message(role="assistant", content="one"),
        litellm.Message(role="user", content="Say two"),
    ]
    assert ask(messages).content == "two"
    assert sent(gigachat_sandbox).turns == [("user", "Say one"), ("assistant", "one"), ("user", "Say two")]


@pytest.mark.parametrize("stream_of", ["sync", "async"])
def test_streaming(gigachat_sandbox, stream_of):
    gigachat_sandbox.knobs.answer = "several words that make a stream of more than one event"
    gigachat_sandbox.knobs.stream.chunk_delay = 0.02  # what one network read brings is one chunk
    kwargs = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], "stream": True}

    async def collected():
        stream = await litellm.acompletion(**kwargs)
        return stream, [chunk async for chunk in stream]

    if stream_of == "sync":
        stream = litellm.completion(**kwargs)
        chunks = list(stream)
    else:
        stream, chunks = asyncio.run(collected())
    assert isinstance(stream, litellm.CustomStreamWrapper)
    assert len(chunks) > 2
    assert len({chunk.created for chunk in chunks}) == 1
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    built = litellm.stream_chunk_builder(chunks, messages=kwargs["messages"])
    assert built.choices[0].message.content == gigachat_sandbox.knobs.answer
    assert built.created == chunks[0].created


@pytest.mark.parametrize(
    "image_url",
    [PICTURE, {"url": PICTURE}, {"url": PICTURE, "detail": "low"}, {"url": PICTURE, "detail": "high"}],
    ids=["string", "dict", "low", "high"],
)
def test_image_url(gigachat_sandbox, ask, image_url):
    content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": image_url}]
    assert ask([{"role": "user", "content": content}]).content.startswith("I see ")
    (ids,) = sent(gigachat_sandbox).files
    assert len(ids) == 1


def test_pdf_in_a_file_part(gigachat_sandbox, ask):
    data = base64.b64encode(b"%PDF-1.4\n%%EOF\n").decode()
    part = {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{data}", "filename": "a.pdf"}}
    content = [{"type": "text", "text": "What is it?"}, part]
    assert "a.pdf" in ask([{"role": "user", "content": content}]).content


def test_cache_control_and_cached_tokens(gigachat_sandbox, ask):
    """Marks for Anthropic's cache are no error; what GigaChat cached by itself is reported as OpenAI reports it."""
    long = {"type": "text", "text": "The terms of an agreement. " * 60, "cache_control": {"type": "ephemeral"}}
    talk = [
        {"role": "system", "content": [{"type": "text", "text": "Analyse."}, long]},
        {"role": "user", "content": [{"type": "text", "text": "Say one", "cache_control": {"type": "ephemeral"}}]},
    ]
    first = ask(talk)
    talk += [{"role": "assistant", "content": first.content}, {"role": "user", "content": "Say two"}]
    second = ask(talk)
    for outcome in (first, second):
        usage = outcome.usage
        assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
        assert usage.prompt_tokens > usage.prompt_tokens_details.cached_tokens
    assert second.usage.prompt_tokens_details.cached_tokens > 100 > first.usage.prompt_tokens_details.cached_tokens
    assert "cache_control" not in str(sent(gigachat_sandbox).raw)


def test_cost(gigachat_sandbox, ask):
    outcome = ask("Hello")
    assert litellm.completion_cost(outcome.response, model=MODEL) > 0
    if not outcome.streamed:
        assert outcome.response._hidden_params["response_cost"] > 0


@pytest.mark.parametrize("effort", ["low", "medium", "high"])
def test_reasoning_effort(gigachat_sandbox, ask, effort):
    outcome = ask("Why?", model="gigachat/GigaChat-2-Reasoning", reasoning_effort=effort)
    assert outcome.content
    assert outcome.reasoning
    assert effort in str(sent(gigachat_sandbox).raw)
