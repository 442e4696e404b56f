"""What a test may turn: lasting settings (:class:`Knobs`) and one-off failures (:class:`Fault`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

FaultKind = Literal["status", "empty", "truncated", "error200", "close", "reset", "stall", "drip"]
Where = Literal[
    "any", "oauth", "token", "chat", "embeddings", "files", "models", "count", "balance", "batches", "other"
]


@dataclass
class StreamKnobs:
    """How an event stream is written. ``…_after`` count the events already sent; None means never."""

    chunk_delay: float = 0.0  # seconds before each event
    cut_after: int | None = None  # connection closed without an end
    reset_after: int | None = None  # connection reset (RST)
    end_after: int | None = None  # a clean end of the body, too early
    stall_after: int | None = None  # nothing more, connection stays open
    error_after: int | None = None  # `error_event` instead of the rest
    error_event: Mapping[str, Any] | None = None  # None: a 500 as the contract writes it
    no_done: bool = False  # v1 without `data: [DONE]`
    double_done: bool = False
    crlf: bool = False
    comments: bool = False  # `: keep-alive` between events
    unknown_events: bool = False  # an `event: ping` with a payload nobody knows
    split_data_lines: bool = False  # one event's JSON over several `data:` lines
    split_utf8: bool = False  # the first multi-byte character of each event cut in two network writes
    no_space: bool = False  # `data:{…}`
    bom: bool = False
    buffered: bool = False  # everything in one write, as observed over HTTP/1.1
    single_event: bool = False  # the whole answer with its finish in one event
    call_with_finish: bool = False  # v1: function_call and finish_reason in one event
    as_json: bool = False  # a 200 that is no event stream at all


@dataclass
class Knobs:
    """All of them may change while the server runs; ``Sandbox.reset()`` puts the defaults back."""

    strict_fields: bool = True
    token_ttl: float = 1800.0  # seconds
    oauth_delay: float = 0.0
    chat_delay: float = 0.0  # before the first byte of any chat answer
    exp_in_ms: bool = False  # POST /token answers seconds, as recorded; some installs answer milliseconds
    expires_in_seconds: bool = False  # OAuth's expires_at as one documentation sample shows it
    accept_without_auth: bool = False  # a gateway that trusts the client certificate
    fixed_header: tuple[str, str] | None = None  # accepted instead of a token
    max_generations: int | None = None  # running at once per credential; personal accounts have 1
    max_batch: int | None = None  # texts per embeddings call
    max_body_bytes: int | None = None
    context_tokens: int | None = None  # instead of the model's own window
    models_without_functions: Collection[str] = ()
    missing_models: Collection[str] = ()  # known elsewhere, not on this host
    v2_available: bool = True  # False: 404 with a proxy's HTML page
    v2_missing_status: int = 404
    unavailable_tools: Collection[str] = ()  # v2 built-ins known but not licensed: 422
    finish_reason: str | None = None  # overrides: blacklist, length, error, …
    function_call_id: bool = False
    template_cached: int = 2  # tokens of the chat template, reported as cached even for a first prompt
    v2_calls_in: Literal["delta", "done", "both"] = "done"
    think_tags: bool = False  # reasoning as <think>…</think> at the start of content
    json_fence: bool = False  # JSON answers inside a Markdown fence
    balance_forbidden: bool = False  # pay-as-you-go accounts: 403
    batches_forbidden: bool = False  # other scopes than CORP: 403
    batch_seconds: float = 0.0  # from a batch's creation to its end, by the sandbox's clock (Sandbox.advance)
    never_call: bool = False  # the model ignores the functions unless one is forced
    arguments: Mapping[str, Any] | None = None  # the arguments of the next calls, whatever the schema says
    answer: str | None = None  # the text of the next answers, whatever was asked
    stream: StreamKnobs = field(default_factory=StreamKnobs)


@dataclass
class Fault:
    """One scripted failure, used up after ``times`` matching requests."""

    where: Where = "any"
    kind: FaultKind = "status"
    status: int = 429
    body: Any = None  # str or bytes sent as they are, anything else as JSON; None: the usual body of `status`
    headers: Mapping[str, str] = field(default_factory=dict)
    html: bool = False
    times: int = 1
    skip: int = 0  # matching requests that pass unharmed before
    delay: float = 0.0  # seconds before anything is sent
    drip: float = 0.05  # seconds between the bytes of a "drip"
