"""Neutral shapes between LiteLLM's world and GigaChat's wire. Plain data, no behaviour worth naming.

``ChatRequest`` is what the caller asked for, understood once and independent of the contract; ``contracts`` writes
it as a body. ``Answer`` and ``Delta`` are what came back, independent of the contract; ``bridge`` writes them as
LiteLLM's objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Contract = Literal["v1", "v2"]
Kind = Literal["image", "document", "audio"]  # of files a message may carry


# --- what the caller asked for -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file the request refers to. Uploaded by ``files`` before the body is written.

    Exactly one of ``data`` (bytes), ``url`` (http/https, fetched by us) and ``file_id`` (already at
    GigaChat) is set. ``key`` identifies the content inside one request: equal keys, equal file.
    ``kind`` is what its type or name says, or, where ``sure`` is False, only the part it stands in: then what its
    server says decides.
    """

    key: str
    kind: Kind
    data: bytes | None = None
    url: str | None = None
    file_id: str | None = None
    mime: str | None = None
    filename: str | None = None
    where: str = ""  # path in the caller's input, for error texts: messages[1].content[2]
    sure: bool = True


# The turns are not frozen: a conversation has hundreds, and a frozen one takes three times as long to make.


@dataclass(slots=True)
class Call:
    """One function call of an assistant turn, as it stands in history. ``arguments`` is an object."""

    id: str
    name: str  # GigaChat's name for the function (already aliased)
    arguments: Mapping[str, Any]
    state_id: str | None = None


@dataclass(slots=True)
class SystemTurn:
    text: str


@dataclass(slots=True)
class UserTurn:
    text: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(slots=True)
class AssistantTurn:
    text: str
    calls: tuple[Call, ...] = ()
    state_id: str | None = None  # of a turn without calls in which a built-in function took part


@dataclass(slots=True)
class ResultTurn:
    """The result of one call: ``result`` is a JSON object, ``text`` the same as JSON if it is known.

    Follows its AssistantTurn directly.
    """

    call: Call
    result: Mapping[str, Any]
    text: str | None = None


Turn = SystemTurn | UserTurn | AssistantTurn | ResultTurn


@dataclass(frozen=True, slots=True)
class Function:
    """A function in GigaChat's shape. ``builtin`` functions go out by bare name (v1) or own element (v2)."""

    name: str
    description: str | None
    parameters: Mapping[str, Any]
    few_shot_examples: Sequence[Any] | None = None
    return_parameters: Mapping[str, Any] | None = None
    builtin: bool = False
    options: Mapping[str, Any] | None = None  # v2 built-ins: {"type": "actual_info_web_search"}


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """``mode``: ``auto``, ``none`` or ``forced`` (then ``name`` is the GigaChat name)."""

    mode: Literal["auto", "none", "forced"]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Structured:
    """How a ``response_format`` is met.

    ``mode``: ``native`` (sent as response_format), ``function`` (forced function ``function``, or
    offered beside the user's tools), ``prompt`` (json_object: an instruction), ``regex`` (native).
    ``schema`` is the caller's own JSON schema (for checking), None for json_object; ``wire`` the same with
    every ``$ref`` inlined, as the service takes it (``native`` only).
    """

    mode: Literal["native", "function", "prompt", "regex"]
    schema: Mapping[str, Any] | None = None
    strict: bool = False
    function: str | None = None
    regex: str | None = None
    wire: Mapping[str, Any] | None = None
    wrap: str | None = None  # mode "function", root not an object: the argument that holds the value


@dataclass(frozen=True, slots=True)
class RequiredCall:
    """Emulation of ``tool_choice="required"`` with several tools: what is forced if ``auto`` brings no call.

    ``chooser`` stands for all of ``tools``; ``selector`` is its argument that names the chosen one.
    """

    chooser: Function
    selector: str
    tools: tuple[Function, ...]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    model: str
    turns: tuple[Turn, ...]
    functions: tuple[Function, ...] = ()
    tool_choice: ToolChoice | None = None
    options: Mapping[str, Any] = field(default_factory=dict)  # sampling and GigaChat's own, canonical names
    stream: bool = False
    names: Mapping[str, str] = field(default_factory=dict)  # GigaChat name -> the caller's name (aliased ones only)
    structured: Structured | None = None
    required: RequiredCall | None = None
    stop: tuple[str, ...] = ()
    n: int = 1
    legacy_functions: bool = False  # asked with functions/function_call: answer with function_call
    parallel_tool_calls: bool = True
    extra_body: Mapping[str, Any] = field(default_factory=dict)  # unknown keys: under, never over, ours
    notes: tuple[str, ...] = ()  # what was changed in the caller's words, one sentence each, for the debug log

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """Every attachment of every user turn, in order, doubles included."""
        return tuple(a for t in self.turns if isinstance(t, UserTurn) for a in t.attachments)


# --- what came back --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of the answer in OpenAI's terms. ``name`` is the caller's name, ``arguments`` JSON text."""

    id: str
    name: str
    arguments: str
    index: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """OpenAI's convention: ``prompt_tokens`` is gross, ``cached_tokens`` is inside it."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
        )


@dataclass(frozen=True, slots=True)
class MediaRef:
    """A file the model made: fetch it from ``/files/{file_id}/content``."""

    file_id: str
    kind: Literal["image", "video", "model3d", "file"] = "image"
    mime: str | None = None


@dataclass(slots=True)
class Answer:
    """One choice of a plain answer."""

    content: str | None = None
    reasoning: str | None = None
    tool_calls: list[ToolCall] = field(default_factory=list)
    finish_reason: str = "stop"  # OpenAI's
    raw_finish_reason: str | None = None  # GigaChat's
    usage: Usage = field(default_factory=Usage)
    served_model: str | None = None
    created: int | None = None
    state_id: str | None = None
    media: list[MediaRef] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)  # thread_id, message_id and keys we do not know


@dataclass(slots=True)
class Delta:
    """A step of a streamed answer. Fields that are None or empty say nothing.

    The last delta of a stream carries ``finish_reason``; ``usage`` comes with it or before it.
    """

    content: str | None = None
    reasoning: str | None = None
    tool_calls: list[ToolCall] = field(default_factory=list)  # whole calls, ``index`` set
    finish_reason: str | None = None
    raw_finish_reason: str | None = None
    usage: Usage | None = None
    state_id: str | None = None
    served_model: str | None = None
    created: int | None = None
    media: list[MediaRef] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The answer does not yet hold what was asked for: ask once more, forcing this function.

    ``said`` is what stays of the answer: its usage, to be added, and the words and files beside the call to come.
    """

    function: Function
    said: Answer
