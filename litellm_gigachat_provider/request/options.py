"""Sampling and GigaChat's own options: read from the caller's parameters, checked, under canonical names.

Canonical names are those of v1 (``repetition_penalty``, ``profanity_check``, ``function_ranker``) and,
for what only v2 knows, those of v2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..errors import InvalidRequestError
from ..models import Model
from . import values
from .gate import USE_V2, Gate
from .params import PARAMS, is_housekeeping

MAX_STOPS = 64
MAX_N = 128
_EFFORTS = {
    "low": "low", "medium": "medium", "high": "high", "minimal": "low", "xhigh": "high", "max": "high",
    "none": None, "disable": None, "disabled": None,
}  # fmt: skip
_Options = dict[str, Any]
_Check = Callable[[Any, str], Any]
_Reader = Callable[[Any, str, Gate, _Options], None]


def read_options(params: Mapping[str, Any], gate: Gate) -> _Options:
    """The canonical options of ``params``. Parameters that are None say nothing."""
    options: _Options = {}
    for name, value in params.items():
        if value is None:
            continue
        reader = _READERS.get(name)
        if reader is not None:
            known = PARAMS[name]
            if gate.contract == "v1" and known.own and not known.v1 and known.v2:
                gate.unsupported(name, "exists in GigaChat's v2 contract only", USE_V2)
                continue
            reader(value, name, gate, options)
        elif name not in PARAMS and not is_housekeeping(name):
            gate.unsupported(
                name, "is not a parameter of GigaChat", "Put it into extra_body to send it as it is, or leave it out."
            )
    _log_probabilities(params, gate, options)
    return options


def fit(options: _Options, model: str, known: Model, gate: Gate) -> tuple[str, ...]:
    """Fit the options to what ``model`` is known to do; the sentences say what was changed, for the debug log."""
    asked_as = options.pop("_effort_from", None)
    if asked_as is not None and not known.reasoning:
        remedy = "Use GigaChat-2-Max or GigaChat-3-Ultra, leave it out, or set drop_params=True."
        gate.unsupported(asked_as, f"{model} does not reason", remedy)
        del options["reasoning_effort"]
    asked, longest = options.get("max_tokens"), known.max_output
    if asked is None or longest is None or asked <= longest:
        return ()
    options["max_tokens"] = longest
    return (f"max_tokens {asked} sent as {longest}, the longest answer of {model}",)


def read_stop(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    found = [value] if isinstance(value, str) else list(values.texts(value, "stop"))
    if len(found) > MAX_STOPS:
        raise InvalidRequestError("stop", f"has {len(found)} strings", f"Give {MAX_STOPS} at most.")
    return tuple(dict.fromkeys(values.text(item, "stop") for item in found))


def read_n(value: Any) -> int:
    return 1 if value is None else values.integer(value, "n", low=1, high=MAX_N)


# --- sampling ------------------------------------------------------------------------------------------


def _temperature(value: Any, where: str, gate: Gate, options: _Options) -> None:
    found = _not_negative(value, where)
    if found == 0:
        # 0 is out of GigaChat's range; top_p 0 is its greedy decoding, and wins over a top_p that was given
        options["top_p"] = 0
    else:
        options["temperature"] = min(found, 2)


def _top_p(value: Any, where: str, gate: Gate, options: _Options) -> None:
    found = values.number(value, where)
    if not 0 <= found <= 1:
        raise InvalidRequestError(where, f"must be between 0 and 1, but is {found}")
    options.setdefault("top_p", found)


def _max_tokens(value: Any, where: str, gate: Gate, options: _Options) -> None:
    options.setdefault("max_tokens", _count(value, where))


def _max_completion_tokens(value: Any, where: str, gate: Gate, options: _Options) -> None:
    options["max_tokens"] = _count(value, where)  # wins over max_tokens


def _effort(value: Any, where: str, gate: Gate, options: _Options) -> None:
    if isinstance(value, Mapping):  # OpenAI's Responses: {"effort": "high", "summary": "auto"}
        value = value.get("effort")
        if value is None:
            return
    if not isinstance(value, str) or value not in _EFFORTS:
        gate.unsupported(
            where, f"{str(value)[:40]!r} has no counterpart", "Use low, medium or high, or set drop_params=True."
        )
        return
    effort = _EFFORTS[value]
    if effort is not None:
        options["reasoning_effort"], options["_effort_from"] = effort, where


def _thinking(value: Any, where: str, gate: Gate, options: _Options) -> None:
    """Anthropic's ``{"type": "enabled", "budget_tokens": n}``, by the steps LiteLLM itself uses."""
    holder = values.record(value, where)
    if holder.get("type") == "disabled" or "reasoning_effort" in options:
        return
    budget = values.integer(holder.get("budget_tokens", 1024), f"{where}.budget_tokens", low=0)
    options["reasoning_effort"] = "high" if budget >= 4096 else "medium" if budget >= 2048 else "low"
    options["_effort_from"] = where


def _log_probabilities(params: Mapping[str, Any], gate: Gate, options: _Options) -> None:
    asked, top = params.get("logprobs"), params.get("top_logprobs")
    if isinstance(asked, int) and not isinstance(asked, bool):
        asked, top = asked > 0, top if top is not None else asked  # the text completion API gives a number
    wanted = asked is not None and values.boolean(asked, "logprobs")
    number = 0 if top is None else values.integer(top, "top_logprobs", low=0, high=20)
    if not wanted and number == 0:
        return
    word = "logprobs" if wanted else "top_logprobs"
    if gate.contract == "v1":
        gate.unsupported(word, "GigaChat's v1 contract gives no log probabilities", USE_V2)
    elif number > 5:
        gate.unsupported("top_logprobs", f"GigaChat gives 5 at most, not {number}")
    else:
        options["top_logprobs"] = max(number, 1)


# --- GigaChat's own ------------------------------------------------------------------------------------


def _disable_filter(value: Any, where: str, gate: Gate, options: _Options) -> None:
    options.setdefault("profanity_check", not values.boolean(value, where))


def _record(value: Any, where: str, gate: Gate, options: _Options) -> None:
    options[where] = _shaped(value, where, where, gate)


def _storage(value: Any, where: str, gate: Gate, options: _Options) -> None:
    if value is False:
        return
    found = {} if value is True else _shaped(value, where, "storage", gate)
    if gate.contract == "v1" and value is True:
        found["is_stateful"] = True
    options[where] = found


def _ranker(value: Any, where: str, gate: Gate, options: _Options) -> None:
    options["function_ranker"] = _shaped(value, where, f"ranker {gate.contract}", gate)


def _shaped(value: Any, where: str, shape: str, gate: Gate) -> dict[str, Any]:
    """An object whose keys are all known: the service ignores what it does not know, which helps nobody."""
    checks = _SHAPES[shape]
    found: dict[str, Any] = {}
    for name, inner in values.record(value, where).items():
        if name not in checks:
            gate.unsupported(f"{where}.{name[:60]}", f"is not known; known are {', '.join(checks)}")
        elif inner is not None:
            found[name] = checks[name](inner, f"{where}.{name}")
    return found


# --- accepted and refused --------------------------------------------------------------------------------


def _stream_options(value: Any, where: str, gate: Gate, options: _Options) -> None:
    holder = values.record(value, where)
    if holder.get("include_usage") is not None:
        values.boolean(holder["include_usage"], f"{where}.include_usage")


def _modalities(value: Any, where: str, gate: Gate, options: _Options) -> None:
    for item in values.texts(value, where):
        if item != "text":
            gate.unsupported(where, f"GigaChat's chat gives text, not {item[:40]!r}", 'Use ["text"].')


def _neutral(*allowed: Any) -> _Reader:
    def read(value: Any, where: str, gate: Gate, options: _Options) -> None:
        if not any(value == item and isinstance(value, bool) == isinstance(item, bool) for item in allowed):
            gate.unsupported(where, f"GigaChat has no counterpart for {where}={str(value)[:60]!r}")

    return read


def _penalty(value: Any, where: str, gate: Gate, options: _Options) -> None:
    if values.number(value, where) != 0:
        gate.unsupported(where, "GigaChat has no counterpart", "Use repetition_penalty, or set drop_params=True.")


# --- single values, and what reads each parameter ----------------------------------------------------------


def _not_negative(value: Any, where: str) -> float:
    found = values.number(value, where)
    if found < 0:
        raise InvalidRequestError(where, f"must not be negative, but is {found}")
    return found


def _positive(value: Any, where: str) -> float:
    found = values.number(value, where)
    if found <= 0:
        raise InvalidRequestError(where, f"must be above 0, but is {found}", "1 is neutral.")
    return found


_count = partial(values.integer, low=1)


def _kept(check: _Check) -> _Reader:
    def read(value: Any, where: str, gate: Gate, options: _Options) -> None:
        options[where] = check(value, where)

    return read


def _checked(check: _Check) -> _Reader:
    """Means nothing to the body, or is read elsewhere."""

    def read(value: Any, where: str, gate: Gate, options: _Options) -> None:
        check(value, where)

    return read


_V1_RANKER: dict[str, _Check] = {"enabled": values.boolean, "top_n": _count}
_SHAPES: dict[str, dict[str, _Check]] = {
    "storage": {
        "is_stateful": values.boolean,
        "limit": _count,
        "assistant_id": values.text,
        "thread_id": values.text,
        "metadata": values.record,
    },
    "ranker v1": _V1_RANKER,
    "ranker v2": {**_V1_RANKER, "embeddings_model": values.text},
    "user_info": {"timezone": values.text},
    "filter_config": {"request_content": values.record, "response_content": values.record},
}
_READERS: dict[str, _Reader] = {
    "temperature": _temperature,
    "top_p": _top_p,
    "max_tokens": _max_tokens,
    "max_completion_tokens": _max_completion_tokens,
    "repetition_penalty": _kept(_positive),
    "update_interval": _kept(_not_negative),
    "reasoning_effort": _effort,
    "thinking": _thinking,
    "profanity_check": _kept(values.boolean),
    "disable_filter": _disable_filter,
    "unnormalized_history": _kept(values.boolean),
    "flags": _kept(values.texts),
    "storage": _storage,
    "function_ranker": _ranker,
    "ranker_options": _ranker,
    "filter_config": _record,
    "user_info": _record,
    "preset": _kept(values.text),
    "assistant_id": _kept(values.text),
    "tools_state_id": _kept(values.text),
    "gigachat_structured": _checked(partial(values.one_of, allowed=("native", "function"))),
    "gigachat_session_affinity": _checked(values.boolean),
    "stream": _checked(values.boolean),
    "stream_options": _stream_options,
    "parallel_tool_calls": _checked(values.boolean),
    "modalities": _modalities,
    "seed": _neutral(),
    "audio": _neutral(),
    "context_management": _neutral([], {}),
    "service_tier": _neutral("auto", "default", ""),
    "verbosity": _neutral("medium"),
    "logit_bias": _neutral({}),
    "presence_penalty": _penalty,
    "frequency_penalty": _penalty,
}
