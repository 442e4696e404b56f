"""Whatever a caller or the server sends: a body the judge takes or a clear refusal; an answer or a typed failure.

``FUZZ_EXAMPLES`` sets how many examples each property gets (``.ci/fuzz`` runs 10,000).
"""

# ruff: noqa: E501 - tables

from __future__ import annotations

import json
import os
import time
import tracemalloc

import litellm
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import CHOICES, CONVERSATIONS, FORMATS, JSON, PARAMS, tool_lists
from stubs import AcceptedError, Answering, Judge, call

from litellm_gigachat_provider.files import files
from litellm_gigachat_provider.flows import call as provider_call

HELLO = [{"role": "user", "content": "Привет!"}]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
FUZZ = settings(
    max_examples=EXAMPLES, deadline=5000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much,
                                                                   HealthCheck.data_too_large]
)  # fmt: skip
CONTRACTS = ["v1", "v2"]
E = litellm.exceptions
TYPED = (
    E.APIConnectionError, E.InternalServerError, E.BadRequestError, E.RateLimitError, E.AuthenticationError, E.Timeout,
    E.PermissionDeniedError, E.NotFoundError, E.ServiceUnavailableError, E.JSONSchemaValidationError,
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def no_network():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIGACHAT_ACCESS_TOKEN", "token-of-the-fuzzer")
        for name in ("GIGACHAT_CREDENTIALS", "GIGACHAT_API_VERSION", "GIGACHAT_MAX_CONCURRENCY"):
            patch.delenv(name, raising=False)
        patch.setattr(
            files, "upload", lambda transport, found, **_: {one.key: f"id-{n}" for n, one in enumerate(found)}
        )
        yield patch


def judged(messages, params, *, contract="v1", stream=False, model="GigaChat-2-Max"):
    """True: the judge took it; False: refused before anything was sent. Anything else is a defect and passes through."""
    judge = Judge()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(provider_call, "transport_for", lambda settings: judge)
        try:
            call(model, messages, {**params, "api_version": contract}, stream=stream)
        except AcceptedError:
            return True
        except E.BadRequestError as error:
            assert error.message
            assert judge.body is None
            return False
    raise AssertionError("neither accepted nor refused")


@FUZZ
@given(CONVERSATIONS, tool_lists(), CHOICES, PARAMS, FORMATS, st.sampled_from(CONTRACTS), st.booleans())
def test_any_request(messages, tools, choice, params, form, contract, stream):
    more = {"tools": tools, "tool_choice": choice, "response_format": form}
    judged(messages, {**params, **{k: v for k, v in more.items() if v}}, contract=contract, stream=stream)


WILD = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters(), max_size=6),
        st.binary(max_size=4),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(st.text(max_size=6), st.integers()), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["role", "content", "tool_calls", "name", "tool_call_id", "function_call", "type", "text", "function"]
)
MESSAGE_LIKE = st.dictionaries(
    KEYS, st.one_of(WILD, st.sampled_from(["user", "assistant", "tool", "system"])), max_size=5
)
PARAM_NAMES = st.sampled_from([
    "tools", "tool_choice", "functions", "function_call", "response_format", "temperature", "top_p", "max_tokens", "n", "stop",
    "stream_options", "logprobs", "top_logprobs", "seed", "user", "metadata", "reasoning_effort", "modalities", "audio",
    "parallel_tool_calls", "logit_bias", "extra_body", "storage", "function_ranker", "flags", "thinking", "prediction",
    "web_search_options", "max_completion_tokens", "repetition_penalty", "profanity_check", "x_unknown", "gigachat_structured",
])  # fmt: skip


@FUZZ
@given(
    st.one_of(st.lists(st.one_of(MESSAGE_LIKE, WILD), max_size=4), WILD),
    st.dictionaries(PARAM_NAMES, WILD, max_size=4),
    st.sampled_from(CONTRACTS),
)
def test_shapes_nobody_foresaw(messages, params, contract):
    judged(messages, params, contract=contract)


def nested(depth, make, start):
    for _ in range(depth):
        start = make(start)
    return start


def cyclic_schema():
    made = {"type": "object", "properties": {}}
    made["properties"]["self"] = made
    return made


def cyclic_list():
    made = []
    made.append(made)
    return made


def tool(parameters):
    return {"tools": [{"type": "function", "function": {"name": "f", "parameters": parameters}}]}


def calls(arguments):
    call_ = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    return [*HELLO, {"role": "assistant", "tool_calls": [call_]}, {"role": "tool", "tool_call_id": "c", "content": "1"}]


DEEP = 20_000
REF_CHAIN = {
    "type": "object", "properties": {"p": {"$ref": "#/$defs/a0"}},
    "$defs": {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(2000)} | {"a2000": {"type": "string"}},
}  # fmt: skip
REF_BOMB = {
    "type": "object", "properties": {"p": {"$ref": "#/$defs/a0"}},
    "$defs": {f"a{n}": {"type": "object", "properties": {k: {"$ref": f"#/$defs/a{n + 1}"} for k in "xyz"}} for n in range(40)}
    | {"a40": {"type": "string"}},
}  # fmt: skip
UNION_BOMB = nested(12, lambda inner: {"anyOf": [inner, inner]}, {"type": "string"})
ALL_BOMB = nested(12, lambda inner: {"allOf": [inner, inner]}, {"type": "string"})
CASES = {
    "10,000 messages": (HELLO + [{"role": "assistant", "content": "а"}, {"role": "user", "content": "б"}] * 5000, {}),
    "10,000 messages with calls": (calls("{}") * 3334, {}),
    "1,000 functions": (HELLO, {"tools": [tool({"type": "object", "properties": {}})["tools"][0]] * 1000}),
    "a text of 5 MB": ([{"role": "user", "content": "я" * 2_500_000}], {}),
    "a text of NULs": ([{"role": "user", "content": "\x00" * 1000}], {}),
    "a lone surrogate": ([{"role": "user", "content": "\ud800"}], {}),
    "a lone surrogate in a name": (HELLO, {"tools": [{"type": "function", "function": {"name": "\udfff"}}]}),
    "a lone surrogate in arguments": (calls('{"a": "\\ud800"}'), {}),
    "a cyclic schema": (HELLO, tool(cyclic_schema())),
    "a schema that refers to itself": (HELLO, tool({"$ref": "#"})),
    "a chain of references": (HELLO, tool(REF_CHAIN)),
    "references that grow exponentially": (HELLO, tool(REF_BOMB)),
    "unions that grow exponentially": (HELLO, tool({"type": "object", "properties": {"p": UNION_BOMB}})),
    "intersections that grow exponentially": (HELLO, tool({"type": "object", "properties": {"p": ALL_BOMB}})),
    "a cyclic response_format": (HELLO, {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": cyclic_schema()}}}),
    "a deep schema": (HELLO, tool(nested(DEEP, lambda s: {"type": "object", "properties": {"p": s}}, {"type": "string"}))),
    "cyclic arguments": (calls(cyclic_list()), {}),
    "deep arguments": (calls("[" * DEEP + "]" * DEEP), {}),
    "deep arguments as an object": (calls(nested(DEEP, lambda a: {"a": a}, 1)), {}),
    "a deep result": ([*calls("{}")[:2], {"role": "tool", "tool_call_id": "c", "content": "[" * DEEP}], {}),
    "a deep result as an object": ([*calls("{}")[:2], {"role": "tool", "tool_call_id": "c", "content": nested(DEEP, lambda a: [a], 1)}], {}),
    "deep content": ([{"role": "user", "content": nested(DEEP, lambda a: [a], "x")}], {}),
    "a deep message": ([nested(DEEP, lambda a: {"content": a, "role": "user"}, "x")], {}),
    "deep extra_body": (HELLO, {"extra_body": nested(DEEP, lambda a: {"a": a}, 1)}),
    "deep metadata": (HELLO, {"metadata": nested(DEEP, lambda a: {"a": a}, 1)}),
    "cyclic storage": (HELLO, {"storage": cyclic_schema()}),
    "a huge integer": (HELLO, {"max_tokens": 10**5000}),
    "10,000 parts": ([{"role": "user", "content": [{"type": "text", "text": "x"}] * 10_000}], {}),
    "10,000 stop strings": (HELLO, {"stop": ["x" * 10] * 10_000}),
    "no messages": ([], {}),
    "a million spaces before a fence": ([{"role": "user", "content": " " * 1_000_000 + "```"}], {}),
    "arguments of a million quotes": (calls('{"a": "' + '\\"' * 500_000), {}),
    "broken JSON of a megabyte": (calls('{"a": [' + "1," * 500_000), {}),
}  # fmt: skip


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("case", list(CASES))
def test_extremes(case, contract):
    messages, params = CASES[case]
    began = time.monotonic()
    judged(messages, params, contract=contract)
    assert time.monotonic() - began < 20, f"{time.monotonic() - began:.1f} s"


# --- hostile answers ----------------------------------------------------------------------------------

V1 = {
    "choices": [{"index": 0, "finish_reason": "stop", "message": {
        "role": "assistant", "content": "Здравствуйте", "functions_state_id": "0198c0de-0000-7000-8000-00000000a11e",
        "function_call": {"name": "f", "arguments": {"a": 1}}, "reasoning_content": "хм",
    }}],
    "created": 1700000000, "model": "GigaChat-2-Max:2.0.28.2", "object": "chat.completion",
    "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10, "precached_prompt_tokens": 0},
}  # fmt: skip
V1_EVENT = {
    "choices": [{"index": 0, "delta": {"role": "assistant", "content": "да", "function_call": {"name": "f", "arguments": {}}},
                 "finish_reason": "stop"}],
    "created": 1700000000, "model": "m", "object": "chat.completion", "usage": V1["usage"],
}  # fmt: skip
V2 = {
    "model": "GigaChat-2-Max:2.0.28.2", "created_at": 1700000000, "finish_reason": "stop", "message_id": "m",
    "messages": [{"role": "assistant", "content": [{"text": "да"}, {"function_call": {"name": "f", "arguments": "{}"}},
                                                   {"files": [{"id": "x", "mime": "image/png"}]}], "tools_state_id": "t"}],
    "usage": {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 1, "total_tokens": 2},
}  # fmt: skip
ODD = st.one_of(
    JSON, st.sampled_from([[], {}, "", None, -1, 10**400, 1e308, "stop", [None], {"": {}}, "\x00", True, "9" * 500])
)


def places(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from places(item, (*path, at))


def replaced(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    if new is places and len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


@st.composite
def spoilt(draw, sample):
    """The sample with some values replaced by others or left out."""
    value = sample
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([path for path in places(value) if path] or [()]))
        value = replaced(value, path, draw(st.one_of(ODD, st.just(places))) if path else draw(ODD))
    return value


def answered(content, contract, *, stream=False, size=1 << 20, **params):
    """An answer, or one of LiteLLM's classes. Anything else passes through and fails the test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(provider_call, "transport_for", lambda settings: Answering(content, size))
        patch.setattr(files, "download", lambda transport, file_id, **_: (b"x", "image/jpeg"))
        try:
            return call("GigaChat-2-Max", HELLO, {**params, "api_version": contract}, stream=stream)
        except TYPED as error:
            return error


def dumped(value):
    return json.dumps(value).encode()


PARAM_SETS = [
    {}, {"tools": tool({"type": "object", "properties": {}})["tools"]}, {"response_format": {"type": "json_object"}},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "properties": {}}}}},
    {"stop": ["да"]}, {"n": 2},
]  # fmt: skip


@FUZZ
@given(st.one_of(spoilt(V1), spoilt(V2), JSON), st.sampled_from(CONTRACTS), st.sampled_from(PARAM_SETS))
def test_any_answer(body, contract, params):
    answered(dumped(body), contract, **params)


@FUZZ
@given(
    st.lists(
        st.one_of(spoilt(V1_EVENT), spoilt(V2), st.just(V1_EVENT), JSON, st.just("[DONE]")).map(
            lambda value: value if value == "[DONE]" else json.dumps(value)
        ),
        max_size=4,
    ),
    st.sampled_from(
        ["", "event: response.message.delta\n", "event: response.message.done\n", "event: ping\n", "event: error\n"]
    ),
    st.sampled_from(CONTRACTS),
    st.sampled_from(PARAM_SETS),
    st.integers(1, 200),
)
def test_any_stream(events, name, contract, params, size):
    content = "".join(f"{name}data: {event}\n\n" for event in events).encode()
    answered(content, contract, stream=True, size=size, **params)


@FUZZ
@given(st.binary(max_size=300), st.sampled_from(CONTRACTS), st.booleans(), st.integers(1, 50))
def test_any_bytes(content, contract, stream, size):
    answered(content, contract, stream=stream, size=size)


def with_text(text):
    return dumped(replaced(V1, ("choices", 0, "message"), {"role": "assistant", "content": text}))


HOSTILE = {
    "deep JSON": b'{"choices":' + b"[" * 100_000,
    "deep closed JSON": b'{"choices":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "deep arguments": dumped(replaced(V1, ("choices", 0, "message", "function_call", "arguments"), "[" * 100_000)),
    "10 MB of text": with_text("а" * 5_000_000),
    "a megabyte of fences": with_text("```json\n" * 120_000),
    "a megabyte of <think>": with_text("<think>" * 150_000),
    "a megabyte of <img": with_text('<img src="' * 100_000),
    "a megabyte of braces": with_text("{" * 1_000_000),
    "20,000 choices": dumped({**V1, "choices": V1["choices"] * 20_000}),
    "a number of a megabyte": b'{"choices": [' + b"9" * 1_000_000 + b"]}",
}


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("case", list(HOSTILE))
@pytest.mark.parametrize("params", PARAM_SETS[:5], ids=["plain", "tools", "json", "schema", "stop"])
def test_hostile_answers(case, contract, params):
    began = time.monotonic()
    tracemalloc.start()
    try:
        answered(HOSTILE[case], contract, **params)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.monotonic() - began < 30, f"{time.monotonic() - began:.1f} s"
    assert peak < 40 * len(HOSTILE[case]) + 5_000_000, f"{peak / 2**20:.0f} MiB for {len(HOSTILE[case]) / 2**20:.1f}"
