"""``tool_choice="required"`` with several tools: one request as a rule, where no call came a second that forces it."""

from __future__ import annotations

import asyncio
import json
import time

import httpx
import litellm
import litellm.exceptions as x
import pytest
from sent import chats, sent
from shapes import two_tools
from ways import MODEL

from litellm_gigachat_provider.sandbox.brain.model import Call, Reply
from litellm_gigachat_provider.sandbox.knobs import Fault
from litellm_gigachat_provider.transport import client

TOOLS = two_tools("get weather")
REQUIRED = {"tools": TOOLS, "tool_choice": "required"}
STREAM = {"model": MODEL, "messages": [{"role": "user", "content": "Погода в Омске?"}], "stream": True, **REQUIRED}
WORDS = "Минуту, я посмотрю погоду."
CHOSEN = Call("call_tool", {"tool": "get_weather", "get_weather": {"city": "Омск"}})
MIDSTREAM = getattr(x, "MidStreamFallbackError", x.APIConnectionError)


@pytest.fixture(autouse=True)
def nothing_refused(gigachat_sandbox):
    yield
    assert [r.refusal for r in gigachat_sandbox.refused if r.status == 422] == []


def got(outcome):
    return [(call["name"], json.loads(call["arguments"])) for call in outcome.tool_calls]


def names(body):
    return [function["name"] for function in body.functions]


def test_the_usual_case_is_one_request_with_the_tools_as_they_are(gigachat_sandbox, contract, ask):
    outcome = ask("What is the weather in Moscow?", **REQUIRED)
    assert got(outcome) == [("get weather", {"city": "Moscow"})]
    assert (outcome.content, outcome.finish_reason) == (None, "tool_calls")
    assert chats(gigachat_sandbox) == 1
    body = sent(gigachat_sandbox)
    assert (body.choice, names(body)) == ("auto", ["get_weather", "get_rate"])
    parameters = [tool["function"]["parameters"] for tool in TOOLS]
    assert [function["parameters"] for function in body.functions] == parameters
    assert body.raw.get("stream", False) is outcome.streamed


def test_several_calls_at_once_stay_possible(gigachat_sandbox, contract, ask):
    outcome = ask("What is the weather in Moscow and the exchange rate of USD?", **REQUIRED)
    assert len(outcome.tool_calls) == (1 if contract == "v1" else 2)
    assert chats(gigachat_sandbox) == 1


def test_words_alone_cost_a_second_request_and_stay(gigachat_sandbox, contract, ask):
    gigachat_sandbox.script([WORDS, CHOSEN])
    outcome = ask("Погода в Омске?", **REQUIRED)
    assert (outcome.content, outcome.finish_reason) == (WORDS, "tool_calls")
    assert got(outcome) == [("get weather", {"city": "Омск"})]
    assert chats(gigachat_sandbox) == 2
    first, second = sent(gigachat_sandbox, 0), sent(gigachat_sandbox, 1)
    assert (first.choice, names(first)) == ("auto", ["get_weather", "get_rate"])
    assert (second.choice, names(second)) == ("call_tool", ["call_tool"])
    (chooser,) = second.functions
    assert chooser["parameters"]["properties"]["tool"]["enum"] == ["get_weather", "get_rate"]
    assert second.turns == first.turns
    assert second.headers["x-session-id"] == first.headers["x-session-id"]
    assert "stream" not in second.raw


def test_both_requests_are_paid_for(gigachat_sandbox, contract, ask):
    gigachat_sandbox.script([WORDS, CHOSEN])
    outcome = ask("Погода в Омске?", **REQUIRED)
    bodies = [sent(gigachat_sandbox, at) for at in (0, 1)]
    gigachat_sandbox.script([WORDS, CHOSEN])
    spent = [counted(gigachat_sandbox, body) for body in bodies]
    assert outcome.usage.prompt_tokens == sum(prompt for prompt, _ in spent)
    assert outcome.usage.completion_tokens == sum(completion for _, completion in spent)
    assert outcome.usage.total_tokens == outcome.usage.prompt_tokens + outcome.usage.completion_tokens
    if not outcome.streamed:
        price = litellm.get_model_info(MODEL)["output_cost_per_token"]
        assert outcome.response._hidden_params["response_cost"] > price * outcome.usage.completion_tokens > 0


def counted(sandbox, body):
    """Tokens of the prompt, cached ones included, and of the answer, as the service counts them for this body."""
    reply = httpx.post(
        sandbox.origin + body.path,
        json={**body.raw, "stream": False},
        headers={"Authorization": f"Bearer {sandbox.issue_token()}"},
    )
    usage = reply.json()["usage"]
    if body.contract == "v2":
        return usage["input_tokens"], usage["output_tokens"]
    return usage["prompt_tokens"] + usage["precached_prompt_tokens"], usage["completion_tokens"]


def test_words_of_the_second_answer_and_thoughts_of_both_stay(gigachat_sandbox, contract, ask):
    said, more = Reply(WORDS, reasoning="Раз."), Reply("Смотрю.", calls=[CHOSEN], reasoning="Два.")
    gigachat_sandbox.script([said, more])
    outcome = ask("Погода в Омске?", **REQUIRED)
    assert outcome.content == f"{WORDS}\n\nСмотрю."
    assert outcome.reasoning == "Раз.\n\nДва."
    assert got(outcome) == [("get weather", {"city": "Омск"})]


def test_a_chooser_without_arguments_is_followed_by_the_tool_itself(gigachat_sandbox, contract, ask):
    gigachat_sandbox.script([WORDS, Call("call_tool", {"tool": "get_weather"}), Call("get_weather", {"city": "Омск"})])
    outcome = ask("Погода в Омске?", **REQUIRED)
    assert (outcome.content, got(outcome)) == (WORDS, [("get weather", {"city": "Омск"})])
    third = sent(gigachat_sandbox, 2)
    assert chats(gigachat_sandbox) == 3
    assert (third.choice, names(third)) == ("get_weather", ["get_weather"])
    assert third.functions == [sent(gigachat_sandbox, 0).functions[0]]


def test_a_stop_string_does_not_end_what_must_bring_a_call(gigachat_sandbox, contract, ask):
    """smolagents sends ``required`` with stop strings in every step."""
    own = Call("get_weather", {"city": "Омск"})
    gigachat_sandbox.script([Reply("Иду. Observation: 1", calls=[own])])
    outcome = ask("Погода в Омске?", stop=["Observation:"], **REQUIRED)
    assert (outcome.content, got(outcome)) == ("Иду. ", [("get weather", {"city": "Омск"})])
    assert chats(gigachat_sandbox) == 1
    gigachat_sandbox.script(["Иду. Observation: 1", CHOSEN])
    outcome = ask("Погода в Омске?", stop=["Observation:"], **REQUIRED)
    assert (outcome.content, got(outcome)) == ("Иду. ", [("get weather", {"city": "Омск"})])
    assert chats(gigachat_sandbox) == 3


def test_several_choices_are_each_completed(gigachat_sandbox, contract, ask):
    gigachat_sandbox.knobs.never_call = True
    outcome = ask("What is the weather in Moscow?", n=2, **REQUIRED)
    assert chats(gigachat_sandbox) == 4
    if outcome.streamed:
        parts = [choice for chunk in outcome.chunks for choice in chunk.choices if choice.delta.tool_calls]
        assert sorted(choice.index for choice in parts) == [0, 1]
    else:
        assert [len(choice.message.tool_calls) for choice in outcome.response.choices] == [1, 1]


def test_several_choices_within_a_concurrency_limit(gigachat_sandbox, contract, ask, monkeypatch):
    monkeypatch.setenv("GIGACHAT_MAX_CONCURRENCY", "1")
    gigachat_sandbox.knobs.max_generations = 1
    gigachat_sandbox.knobs.never_call = True
    assert got(ask("What is the weather in Moscow?", n=2, timeout=30, **REQUIRED))
    assert chats(gigachat_sandbox) == 4
    assert all(r.status == 200 for r in gigachat_sandbox.requests)


def test_the_filter_is_not_asked_twice(gigachat_sandbox, contract, ask):
    gigachat_sandbox.knobs.finish_reason = "blacklist"
    outcome = ask("Погода в Омске?", **REQUIRED)
    assert outcome.content
    assert outcome.finish_reason == "content_filter"
    assert chats(gigachat_sandbox) == 1


def test_legacy_functions_too(gigachat_sandbox, contract, ask):
    gigachat_sandbox.script([WORDS, CHOSEN])
    functions = [tool["function"] for tool in TOOLS]
    outcome = ask("Погода в Омске?", functions=functions, function_call="required")
    assert (outcome.content, outcome.finish_reason) == (WORDS, "function_call")
    assert outcome.function_call == {"name": "get weather", "arguments": '{"city":"Омск"}'}


def test_a_failing_second_request_gives_its_error(gigachat_sandbox, contract, ask):
    gigachat_sandbox.script([WORDS, Fault(status=402)])
    with pytest.raises((x.BadRequestError, x.APIError, MIDSTREAM), match="402|Payment"):
        ask("Погода в Омске?", num_retries=0, **REQUIRED)
    assert chats(gigachat_sandbox) == 2


@pytest.mark.parametrize("way", ["sync", "async"])
def test_the_words_are_handed_out_before_the_second_request_fails(gigachat_sandbox, contract, way):
    gigachat_sandbox.script([WORDS, Fault(status=500)])
    stream = started(way)
    heard = ""
    with pytest.raises((x.InternalServerError, MIDSTREAM)):
        while True:
            heard += next(stream).choices[0].delta.content or ""
            assert chats(gigachat_sandbox) == 1 or heard == WORDS
    assert heard == WORDS


@pytest.mark.parametrize("script", [[WORDS, WORDS], [WORDS, Call("call_tool", {"tool": "?"})]])
def test_a_second_answer_without_a_tool_is_an_error(gigachat_sandbox, contract, ask, script):
    gigachat_sandbox.script(script)
    with pytest.raises((x.InternalServerError, MIDSTREAM), match="required"):
        ask("Погода в Омске?", **REQUIRED)


def test_the_time_limit_holds_for_both(gigachat_sandbox, contract, ask):
    gigachat_sandbox.script([WORDS, CHOSEN])
    gigachat_sandbox.fail_next(kind="stall", skip=1)
    before = time.monotonic()
    with pytest.raises((x.Timeout, MIDSTREAM)):
        ask("Погода в Омске?", timeout=2, **REQUIRED)
    assert time.monotonic() - before < 30
    assert chats(gigachat_sandbox) == 2


def started(way):
    """A stream as a plain iterator; the async one in a loop of its own. ``close`` leaves early."""
    if way == "sync":
        yield from litellm.completion(**STREAM)
        return
    loop = asyncio.new_event_loop()
    try:
        stream = loop.run_until_complete(litellm.acompletion(**STREAM))
        while True:
            try:
                chunk = loop.run_until_complete(anext(stream))
            except StopAsyncIteration:
                return
            yield chunk
    finally:
        loop.close()


@pytest.fixture
def one(gigachat_sandbox, contract, monkeypatch):
    monkeypatch.setenv("GIGACHAT_MAX_CONCURRENCY", "1")
    gigachat_sandbox.knobs.max_generations = 1
    gigachat_sandbox.script([WORDS])
    return gigachat_sandbox


def all_free(sandbox):
    limiter = next(t.limiter for t in reversed(client._tenants.values()) if t.limiter is not None)
    assert limiter.running == limiter.waiting == 0
    assert litellm.completion(model=MODEL, messages=[{"role": "user", "content": "Привет!"}], timeout=20).choices
    assert all(record.status != 429 for record in sandbox.chat_requests)


def test_a_stream_closed_between_both_requests_frees_everything(one):
    stream = litellm.completion(**STREAM)
    heard = ""
    while heard != WORDS:
        heard += next(stream).choices[0].delta.content or ""
    stream.completion_stream.close()
    assert chats(one) == 1
    all_free(one)


@pytest.mark.parametrize("leave", ["between", "cancelled"])
def test_an_async_stream_left_between_both_requests_or_in_the_second_frees_everything(one, leave):
    async def main():
        stream = await litellm.acompletion(**STREAM)
        heard = ""
        while heard != WORDS:
            heard += (await anext(stream)).choices[0].delta.content or ""
        if leave == "between":
            await stream.completion_stream.aclose()
            assert chats(one) == 1
            return
        one.knobs.chat_delay = 20
        one.knobs.max_generations = None  # the server notices late what was cancelled
        reading = asyncio.ensure_future(anext(stream))
        while chats(one) < 2:
            await asyncio.sleep(0.02)
        one.knobs.chat_delay = 0
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    asyncio.run(asyncio.wait_for(main(), 60))
    all_free(one)
