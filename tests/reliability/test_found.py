"""Defects that the runs of this folder have found, each by name."""

# ruff: noqa: E501 - tables

from __future__ import annotations

import litellm
import pytest
from probe import unwrapped
from ways import MODEL

HELLO = [{"role": "user", "content": "Привет!"}]


@pytest.mark.parametrize("status", [403, 404, 413, 422])
@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_by_the_oauth_server_is_not_told_as_one_of_chat(gigachat_sandbox, contract, status, stream):
    """An OAuth 413 became ContextWindowExceededError, a 404 sent people to look at GIGACHAT_BASE_URL."""
    gigachat_sandbox.fail_next("oauth", status=status, html=True)
    with pytest.raises(
        litellm.AuthenticationError, match=f"GigaChat answered {status} to the request for an access token"
    ):
        litellm.completion(model=MODEL, messages=HELLO, stream=stream)


def test_text_that_arrives_in_one_read_with_an_error_is_delivered_first(gigachat_sandbox):
    """Over HTTP/1.1 all events may come at once; an error event took the text before it away."""
    gigachat_sandbox.knobs.stream.error_after = 1
    gigachat_sandbox.knobs.stream.buffered = True
    text = ""
    with pytest.raises((litellm.InternalServerError, litellm.exceptions.MidStreamFallbackError)) as caught:
        for chunk in litellm.completion(model=MODEL, messages=HELLO, stream=True):
            text += chunk.choices[0].delta.content or ""
    assert isinstance(unwrapped(caught.value), litellm.InternalServerError)
    assert text


def deep(depth=20_000):
    made = "x"
    for _ in range(depth):
        made = [made]
    return made


def circular():
    made = []
    made.append(made)
    return made


@pytest.mark.parametrize("content", [deep(), circular(), [{1: "a", "b": "c"}]], ids=["deep", "circular", "mixed keys"])
def test_content_that_cannot_be_written_is_a_bad_request(gigachat_sandbox, content):
    """The session id is made of the first messages: RecursionError, ValueError and TypeError came out of it."""
    from litellm_gigachat_provider import gigachat

    with pytest.raises(litellm.BadRequestError):
        gigachat.completion(
            model="GigaChat-2-Max", messages=[{"role": "user", "content": content}], model_response=litellm.ModelResponse(),
            optional_params={}, litellm_params={}, timeout=5,
        )  # fmt: skip
    assert gigachat_sandbox.requests == []


def test_the_key_stands_in_no_frame_of_the_seam(gigachat_sandbox, monkeypatch):
    """LiteLLM reads GIGACHAT_CREDENTIALS itself and hands the key on: error trackers show the locals of frames."""
    gigachat_sandbox.fail_next("chat", status=500)
    with pytest.raises(litellm.InternalServerError) as caught:
        litellm.completion(model=MODEL, messages=HELLO)
    step = caught.value.__traceback__
    while step is not None:
        if "/litellm_gigachat_provider/" in step.tb_frame.f_code.co_filename:
            assert gigachat_sandbox.credentials not in repr(step.tb_frame.f_locals)
        step = step.tb_next


def test_arguments_of_thousands_of_brackets_are_a_bad_answer(gigachat_sandbox):
    """``RecursionError`` came out of the reader of the answer."""
    gigachat_sandbox.fail_next("chat", status=200, body={"choices": [{"index": 0, "finish_reason": "function_call", "message": {
        "role": "assistant", "content": "", "function_call": {"name": "f", "arguments": "[" * 100_000},
    }}]})  # fmt: skip
    with pytest.raises(litellm.InternalServerError, match="no JSON object"):
        litellm.completion(model=MODEL, messages=HELLO)
