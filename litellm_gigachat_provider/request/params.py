"""The one table of all parameters: LiteLLM's and OpenAI's for chat, and GigaChat's own.

``sent`` goes out under its own meaning, ``mapped`` under another name or shape, ``emulated`` is done
by this package, ``accepted`` changes nothing and is taken silently, ``refused`` has no counterpart:
UnsupportedParamsError, or left out with ``drop_params``. The README's table is rendered from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["sent", "mapped", "emulated", "accepted", "refused"]


@dataclass(frozen=True, slots=True)
class Param:
    """``v1`` and ``v2`` are the names on the wire, empty where nothing is sent; ``own``: GigaChat's own."""

    name: str
    kind: Kind
    v1: str
    v2: str
    note: str
    own: bool = False


_NEUTRAL = "only the neutral value is taken"
_O = "model_options"

_TABLE: tuple[Param, ...] = (
    Param("messages", "mapped", "messages", "messages", "roles, parts, calls and results by GigaChat's history rules"),
    Param("model", "sent", "model", "model", "without the prefix `gigachat/`"),
    Param("temperature", "mapped", "temperature", f"{_O}.temperature", "0 becomes `top_p: 0`; above 2 is cut to 2"),
    Param("top_p", "sent", "top_p", f"{_O}.top_p", "0 to 1"),
    Param("max_tokens", "sent", "max_tokens", f"{_O}.max_tokens", "at least 1; at most the model's longest answer"),
    Param("max_completion_tokens", "mapped", "max_tokens", f"{_O}.max_tokens", "wins over `max_tokens`, same bounds"),
    Param("n", "emulated", "", "", "1 to 128, by parallel requests; the prompt is counted once"),
    Param("stop", "emulated", "", "", "exactly, and it ends the generation; up to 64 strings"),
    Param("stream", "sent", "stream", "stream", ""),
    Param("stream_options", "accepted", "", "", "usage always comes; LiteLLM shows it as asked"),
    Param("tools", "mapped", "functions", "tools", "schemas simplified, refused names aliased and restored"),
    Param("tool_choice", "mapped", "function_call", "tool_config", "`required` with several tools is emulated"),
    Param("functions", "mapped", "functions", "tools", "legacy; answered with `function_call`"),
    Param("function_call", "mapped", "function_call", "tool_config", "legacy; `auto` alone switches built-ins on"),
    Param("parallel_tool_calls", "emulated", "", "", "`false` keeps the first of several calls; v1 never has more"),
    Param(
        "response_format", "mapped", "response_format", f"{_O}.response_format",
        "native where the model takes it, else a forced function; `json_object` by instruction; `regex` on v2",
    ),
    Param(
        "reasoning_effort", "mapped", "reasoning_effort", f"{_O}.reasoning.effort",
        "low, medium, high; `minimal` is low, `xhigh` and `max` are high, `none` and `disable` are left out; "
        "refused for models that do not reason",
    ),
    Param(
        "thinking", "mapped", "reasoning_effort", f"{_O}.reasoning.effort",
        "by its budget: 2048 medium, 4096 high; refused for models that do not reason",
    ),
    Param("prompt_cache_key", "mapped", "X-Session-ID", "X-Session-ID", "header; context cache affinity"),
    Param("user", "accepted", "", "", "part of the session id, never sent"),
    Param("metadata", "accepted", "", "", "`session_id` in it makes the session id"),
    Param("store", "accepted", "", "", "nothing is stored; see `storage`"),
    Param("safety_identifier", "accepted", "", "", "not sent"),
    Param("prompt_cache_retention", "accepted", "", "", "GigaChat keeps its cache as it likes"),
    Param("prediction", "accepted", "", "", "a hint for speed; the answer is the same"),
    Param("include_server_side_tool_invocations", "accepted", "", "", "changes nothing"),
    Param("extra_headers", "sent", "headers", "headers", "`X-Session-ID`, `X-Request-ID`, `X-Client-ID`"),
    Param("modalities", "accepted", "", "", 'only `["text"]`'),
    Param("service_tier", "refused", "", "", f"{_NEUTRAL}: `auto` or `default`"),
    Param("verbosity", "refused", "", "", f"{_NEUTRAL}: `medium`"),
    Param("seed", "refused", "", "", ""),
    Param("presence_penalty", "refused", "", "", f"{_NEUTRAL}: 0; see `repetition_penalty`"),
    Param("frequency_penalty", "refused", "", "", f"{_NEUTRAL}: 0; see `repetition_penalty`"),
    Param("logit_bias", "refused", "", "", f"{_NEUTRAL}: empty"),
    Param("logprobs", "mapped", "", f"{_O}.top_logprobs", "v2 only, by agreement with GigaChat"),
    Param("top_logprobs", "mapped", "", f"{_O}.top_logprobs", "v2 only, 1 to 5"),
    Param("audio", "refused", "", "", "GigaChat does not speak"),
    Param("web_search_options", "mapped", "", "tools.web_search", "v2 only"),
    Param("context_management", "refused", "", "", ""),
    Param("extra_body", "sent", "*", "*", "known names are checked as usual, unknown ones sent as they are"),
    # --- GigaChat's own
    Param("repetition_penalty", "sent", "repetition_penalty", f"{_O}.repetition_penalty", "above 0, 1 neutral", True),
    Param("update_interval", "sent", "update_interval", f"{_O}.update_interval", "seconds between chunks", True),
    Param("profanity_check", "sent", "profanity_check", "disable_filter", "false switches the filter off", True),
    Param("flags", "sent", "flags", "flags", "feature flags, by agreement", True),
    Param("storage", "sent", "storage", "storage", "threads kept by GigaChat; `thread_id` comes back", True),
    Param("function_ranker", "sent", "function_ranker", "ranker_options", "`{enabled, top_n}`", True),
    Param("ranker_options", "mapped", "function_ranker", "ranker_options", "v2's word for `function_ranker`", True),
    Param("disable_filter", "mapped", "profanity_check", "disable_filter", "v2's word, inverse", True),
    Param("filter_config", "sent", "", "filter_config", "v2 only", True),
    Param("preset", "sent", "", f"{_O}.preset", "v2 only", True),
    Param("unnormalized_history", "sent", "", f"{_O}.unnormalized_history", "v2 only", True),
    Param("user_info", "sent", "", "user_info", "v2 only; `{timezone}`", True),
    Param("assistant_id", "sent", "", "assistant_id", "v2 only; on v1 inside `storage`", True),
    Param("tools_state_id", "sent", "", "tools_state_id", "v2 only", True),
    Param("session_id", "mapped", "X-Session-ID", "X-Session-ID", "header, sent as it is", True),
    Param("gigachat_structured", "accepted", "", "", "`native` or `function`: how `response_format` is met", True),
    Param("gigachat_session_affinity", "accepted", "", "", "false: no derived `X-Session-ID`", True),
    Param(
        "gigachat_delete_files", "accepted", "", "", "true: files uploaded for this call are deleted after it", True
    ),
    Param("gigachat_scope", "accepted", "", "", "the account's scope", True),
)  # fmt: skip

PARAMS: dict[str, Param] = {param.name: param for param in _TABLE}

# What LiteLLM's gate must let through: refused names too, so that our own message is seen.
CHAT_PARAMS: tuple[str, ...] = tuple(p.name for p in _TABLE if not p.own and p.name not in ("messages", "model"))

EMBEDDING_PARAMS: tuple[str, ...] = ("encoding_format", "dimensions", "user")

# Words of LiteLLM itself that may stand among the parameters. They mean nothing to GigaChat.
HOUSEKEEPING = frozenset(
    {
        "max_retries", "num_retries", "timeout", "request_timeout", "stream_timeout", "force_timeout", "base_url",
        "api_base", "api_key", "api_version", "api_type", "organization", "custom_llm_provider", "drop_params",
        "allowed_openai_params", "additional_drop_params", "headers", "default_headers", "deployment_id",
        "model_list", "shared_session", "client", "acompletion", "model_info", "caching", "cache", "tags",
        "mock_response", "fallbacks", "verbose", "logger_fn", "no-log", "enable_json_schema_validation",
        "client_id", "base_model", "region_name", "user_continue_message", "assistant_continue_message", "id",
    }
)  # fmt: skip
_HOUSEKEEPING_PREFIXES = ("litellm_", "_")


def is_housekeeping(name: str) -> bool:
    return name in HOUSEKEEPING or name.startswith(_HOUSEKEEPING_PREFIXES)


def render_table() -> str:
    """The table as Markdown, GigaChat's own options last."""
    lines = ["| parameter | what happens | GigaChat v1 | GigaChat v2 | note |", "|---|---|---|---|---|"]
    for own in (False, True):
        for p in _TABLE:
            if p.own is own:
                v1, v2 = (f"`{wire}`" if wire else "–" for wire in (p.v1, p.v2))
                lines.append(f"| `{p.name}` | {p.kind} | {v1} | {v2} | {p.note} |")
    return "\n".join(lines) + "\n"
