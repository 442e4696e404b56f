"""Every parameter: its kind in the table, its values, and what stands in the body of both contracts."""

from __future__ import annotations

import inspect
import json

import litellm
import pytest
from litellm import constants
from request_helpers import HELLO, body, read

from litellm_gigachat_provider.errors import InvalidRequestError, UnsupportedParamError
from litellm_gigachat_provider.request import options
from litellm_gigachat_provider.request.params import CHAT_PARAMS, HOUSEKEEPING, PARAMS, is_housekeeping, render_table

NAN, INF = float("nan"), float("inf")


def extra(contract="v1", **params):
    """What ``params`` add to the body."""
    found = body(contract=contract, **params)
    del found["messages"]
    found.pop("model", None)
    return found


SENT = [
    # parameters, v1, v2
    ({"temperature": 0.5}, {"temperature": 0.5}, {"model_options": {"temperature": 0.5}}),
    ({"temperature": 1}, {"temperature": 1}, {"model_options": {"temperature": 1}}),
    ({"temperature": 0}, {"top_p": 0}, {"model_options": {"top_p": 0}}),
    ({"temperature": 0.0, "top_p": 0.9}, {"top_p": 0}, {"model_options": {"top_p": 0}}),
    ({"top_p": 0.9, "temperature": 0}, {"top_p": 0}, {"model_options": {"top_p": 0}}),
    ({"temperature": 7}, {"temperature": 2}, {"model_options": {"temperature": 2}}),
    ({"top_p": 0}, {"top_p": 0}, {"model_options": {"top_p": 0}}),
    ({"max_tokens": 5}, {"max_tokens": 5}, {"model_options": {"max_tokens": 5}}),
    ({"max_tokens": 5.0}, {"max_tokens": 5}, {"model_options": {"max_tokens": 5}}),
    ({"max_completion_tokens": 5}, {"max_tokens": 5}, {"model_options": {"max_tokens": 5}}),
    ({"max_completion_tokens": 5, "max_tokens": 9}, {"max_tokens": 5}, {"model_options": {"max_tokens": 5}}),
    ({"max_tokens": 9, "max_completion_tokens": 5}, {"max_tokens": 5}, {"model_options": {"max_tokens": 5}}),
    ({"stream": True}, {"stream": True}, {"stream": True}),
    ({"stream": False}, {}, {}),
    ({"stream_options": {"include_usage": True}}, {}, {}),
    ({"n": 3, "stop": ["a", "b"]}, {}, {}),
    ({"reasoning_effort": "high"}, {"reasoning_effort": "high"}, {"model_options": {"reasoning": {"effort": "high"}}}),
    ({"reasoning_effort": "minimal"}, {"reasoning_effort": "low"}, {"model_options": {"reasoning": {"effort": "low"}}}),
    ({"reasoning_effort": "xhigh"}, {"reasoning_effort": "high"}, {"model_options": {"reasoning": {"effort": "high"}}}),
    (
        {"reasoning_effort": {"effort": "low"}},
        {"reasoning_effort": "low"},
        {"model_options": {"reasoning": {"effort": "low"}}},
    ),
    ({"reasoning_effort": "none"}, {}, {}),
    (
        {"thinking": {"type": "enabled", "budget_tokens": 2048}},
        {"reasoning_effort": "medium"},
        {"model_options": {"reasoning": {"effort": "medium"}}},
    ),
    ({"thinking": {"type": "disabled"}}, {}, {}),
    ({"repetition_penalty": 1.1}, {"repetition_penalty": 1.1}, {"model_options": {"repetition_penalty": 1.1}}),
    ({"update_interval": 0.5}, {}, {}),
    (
        {"update_interval": 0.5, "stream": True},
        {"update_interval": 0.5, "stream": True},
        {"model_options": {"update_interval": 0.5}, "stream": True},
    ),
    ({"profanity_check": False}, {"profanity_check": False}, {"disable_filter": True}),
    ({"disable_filter": True}, {"profanity_check": False}, {"disable_filter": True}),
    ({"flags": ["a"]}, {"flags": ["a"]}, {"flags": ["a"]}),
    ({"storage": {"limit": 3}}, {"storage": {"limit": 3}}, {"storage": {"limit": 3}}),
    ({"storage": True}, {"storage": {"is_stateful": True}}, {"storage": {}}),
    ({"storage": False}, {}, {}),
    (
        {"function_ranker": {"enabled": True, "top_n": 2}},
        {"function_ranker": {"enabled": True, "top_n": 2}},
        {"ranker_options": {"enabled": True, "top_n": 2}},
    ),
    (
        {"ranker_options": {"enabled": True}},
        {"function_ranker": {"enabled": True}},
        {"ranker_options": {"enabled": True}},
    ),
    ({"presence_penalty": 0, "frequency_penalty": 0.0, "logit_bias": {}, "logprobs": False, "top_logprobs": 0}, {}, {}),
    ({"service_tier": "auto", "verbosity": "medium", "modalities": ["text"]}, {}, {}),
    (
        {
            "user": "u",
            "metadata": {"a": "b"},
            "store": True,
            "parallel_tool_calls": False,
            "prediction": {"type": "content"},
        },
        {},
        {},
    ),
    (
        {"max_retries": 0, "litellm_trace_id": "t", "_internal": 1, "extra_headers": {"a": "b"}, "session_id": "s"},
        {},
        {},
    ),
    ({"seed": None, "temperature": None, "unknown_name": None}, {}, {}),
    ({"extra_body": {"profanity_check": False}}, {"profanity_check": False}, {"disable_filter": True}),
    (
        {"extra_body": {"temperature": 0.1}, "temperature": 0.9},
        {"temperature": 0.9},
        {"model_options": {"temperature": 0.9}},
    ),
    (
        {"extra_body": {"temperature": 0.1}, "temperature": None},
        {"temperature": 0.1},
        {"model_options": {"temperature": 0.1}},
    ),
    ({"extra_body": {"new_option": [1]}}, {"new_option": [1]}, {"new_option": [1]}),
]


@pytest.mark.parametrize(("params", "v1", "v2"), SENT, ids=lambda value: json.dumps(value)[:60])
def test_sent(params, v1, v2):
    assert extra("v1", **params) == v1
    assert extra("v2", **params) == v2


V2_ONLY = [
    ({"preset": "p"}, {"model_options": {"preset": "p"}}),
    ({"unnormalized_history": True}, {"model_options": {"unnormalized_history": True}}),
    ({"user_info": {"timezone": "Europe/Moscow"}}, {"user_info": {"timezone": "Europe/Moscow"}}),
    (
        {"filter_config": {"request_content": {"neuro": False}}},
        {"filter_config": {"request_content": {"neuro": False}}},
    ),
    ({"tools_state_id": "x"}, {"tools_state_id": "x"}),
    ({"assistant_id": "x"}, {"assistant_id": "x"}),
    ({"logprobs": True}, {"model_options": {"top_logprobs": 1}}),
    ({"logprobs": True, "top_logprobs": 3}, {"model_options": {"top_logprobs": 3}}),
]


@pytest.mark.parametrize(("params", "v2"), V2_ONLY)
def test_what_only_v2_knows(params, v2):
    assert extra("v2", **params) == v2
    with pytest.raises(UnsupportedParamError, match='api_version="v2"'):
        read(**params)
    assert extra("v1", drop=True, **params) == {}


def test_a_thread_or_an_assistant_has_its_own_model():
    assert "model" not in body(contract="v2", storage={"thread_id": "t"})
    assert "model" not in body(contract="v2", assistant_id="a")
    found = body(contract="v2", storage={"assistant_id": "a", "is_stateful": True})
    assert found["assistant_id"] == "a"
    assert found["storage"] == {}


def test_extra_body_joins_model_options():
    found = body(contract="v2", temperature=0.5, extra_body={"model_options": {"temperature": 0.1, "new": 1}})
    assert found["model_options"] == {"temperature": 0.5, "new": 1}


UNSUPPORTED = [
    ("seed", 5), ("presence_penalty", 0.5), ("frequency_penalty", -1), ("logit_bias", {"1": 2}), ("logprobs", True),
    ("top_logprobs", 2), ("audio", {"voice": "x"}), ("modalities", ["text", "audio"]), ("service_tier", "flex"),
    ("verbosity", "high"), ("reasoning_effort", "extreme"), ("context_management", [{}]),
    ("something_else", 1), ("top_k", 5), ("function_ranker", {"odd": 1}), ("storage", {"odd": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), UNSUPPORTED)
def test_unsupported_unless_dropped(name, value):
    with pytest.raises(UnsupportedParamError) as caught:
        read(**{name: value})
    assert caught.value.field.startswith(name)
    assert "drop_params" in str(caught.value) or "Use" in str(caught.value) or "extra_body" in str(caught.value)
    assert not {name} & set(extra(drop=True, **{name: value})) or extra(drop=True, **{name: value})[name] == {}


INVALID = [
    ("temperature", -0.1), ("temperature", "0.5"), ("temperature", True), ("temperature", NAN), ("temperature", INF),
    ("temperature", 10**400), ("top_p", 1.1), ("top_p", -0.1), ("top_p", False), ("max_tokens", 0), ("max_tokens", -1),
    ("max_tokens", 1.5), ("max_tokens", True), ("max_tokens", "5"), ("max_tokens", NAN), ("max_tokens", 2**40),
    ("max_completion_tokens", 0), ("n", 0), ("n", 129), ("n", 1.5), ("n", True), ("stop", ""), ("stop", ["a", ""]),
    ("stop", 5), ("stop", [5]), ("stop", [str(i) for i in range(65)]), ("stop", "\ud800"), ("stream", "yes"),
    ("stream_options", True), ("stream_options", {"include_usage": 1}), ("parallel_tool_calls", "no"),
    ("logprobs", "yes"), ("top_logprobs", -1), ("repetition_penalty", 0), ("repetition_penalty", "1"),
    ("update_interval", -1), ("profanity_check", 0), ("flags", "a"), ("flags", [1]), ("storage", "x"),
    ("storage", {"limit": "3"}), ("function_ranker", True), ("function_ranker", {"top_n": 0}), ("extra_body", "x"),
    ("extra_body", {"messages": []}), ("extra_body", {"model": "x"}), ("extra_body", {"temperature": -1}),
    ("modalities", "text"), ("presence_penalty", "0"), ("thinking", "yes"), ("metadata_free", {1, 2}),
    ("gigachat_session_affinity", "no"), ("web_search_options", True),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), INVALID)
def test_values_that_are_refused(name, value):
    with pytest.raises(InvalidRequestError) as caught:
        read(**{name: value})
    assert caught.value.field.startswith((name, "temperature"))


def test_stop_and_n_are_kept_for_the_answer():
    request = read(stop=["a", "b", "a"], n=3, stream=True)
    assert (request.stop, request.n, request.stream) == (("a", "b"), 3, True)
    assert read(stop="x").stop == ("x",)
    assert read(stop=[]).stop == ()


def test_every_parameter_of_litellm_stands_in_the_table():
    signature = set(inspect.signature(litellm.completion).parameters) - {"kwargs"}
    openai = set(constants.OPENAI_CHAT_COMPLETION_PARAMS) | set(constants.DEFAULT_CHAT_COMPLETION_PARAM_VALUES)
    missing = sorted(name for name in signature | openai if name not in PARAMS and not is_housekeeping(name))
    assert missing == []


def test_the_table_and_the_code_agree():
    assert set(options._READERS) <= set(PARAMS)
    assert not HOUSEKEEPING & set(PARAMS)
    assert set(CHAT_PARAMS) == {name for name, param in PARAMS.items() if not param.own} - {"messages", "model"}
    for name, param in PARAMS.items():
        assert param.name == name
        assert (param.kind in ("sent", "mapped")) == bool(param.v1 or param.v2), name


def test_the_rendered_table_has_a_row_for_each():
    rows = render_table().splitlines()
    assert rows[0].startswith("| parameter |")
    assert len(rows) == len(PARAMS) + 2
    assert all(row.count("|") == 6 for row in rows)


def test_the_smallest_body():
    assert body() == {"model": "GigaChat-2-Max", "messages": HELLO}
    assert body(contract="v2") == {
        "model": "GigaChat-2-Max",
        "messages": [{"role": "user", "content": [{"text": "Hello"}]}],
    }


# --- what a model is known to do ------------------------------------------------------------------

EFFORTS = [
    ("reasoning_effort", "high"), ("reasoning_effort", {"effort": "low"}), ("thinking", {"type": "enabled"}),
    ("extra_body", {"reasoning_effort": "low"}),
]  # fmt: skip


@pytest.mark.parametrize("contract", ["v1", "v2"])
@pytest.mark.parametrize(("name", "value"), EFFORTS)
@pytest.mark.parametrize("model", ["GigaChat-2", "GigaChat", "GigaChat-2-Pro-preview"])
def test_effort_to_a_model_without_reasoning(model, name, value, contract):
    word = "reasoning_effort" if name == "extra_body" else name
    with pytest.raises(UnsupportedParamError, match=f"^{word}: {model} does not reason.*GigaChat-2-Max"):
        read(model=model, contract=contract, **{name: value})
    assert body(model=model, contract=contract, drop=True, **{name: value}) == body(model=model, contract=contract)


@pytest.mark.parametrize(
    "model", ["GigaChat-2-Max", "GigaChat-3-Ultra", "GigaChat-2-Reasoning", "GigaChat-4", "GigaChat-3-X", "glm-5"]
)
def test_effort_to_a_model_that_reasons_or_is_not_known(model):
    assert body(model=model, reasoning_effort="high")["reasoning_effort"] == "high"


def test_no_effort_is_none_for_any_model():
    for given in ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}):
        assert body(model="GigaChat-2", **given) == body(model="GigaChat-2")


@pytest.mark.parametrize(
    "given",
    [
        {"max_tokens": 8193},
        {"max_completion_tokens": 10**6},
        {"max_tokens": 5, "max_completion_tokens": 10**6},
        {"extra_body": {"max_tokens": 32000}},
    ],
)
@pytest.mark.parametrize("model", ["GigaChat-2-Max", "GigaChat-2-preview"])
def test_more_than_the_longest_answer_is_sent_as_that(given, model):
    request = read(model=model, **given)
    assert request.options == {"max_tokens": 8192}
    (note,) = request.notes
    assert note.startswith("max_tokens ")
    assert note.endswith(f" sent as 8192, the longest answer of {model}")
    assert body(model=model, contract="v2", **given)["model_options"] == {"max_tokens": 8192}


@pytest.mark.parametrize(("model", "asked"), [("GigaChat-2-Max", 8192), ("GigaChat-3-Ultra", 10**6), ("glm-5", 10**6)])
def test_what_a_model_may_be_able_to_is_sent(model, asked):
    request = read(model=model, max_tokens=asked)
    assert (request.options, request.notes) == ({"max_tokens": asked}, ())
