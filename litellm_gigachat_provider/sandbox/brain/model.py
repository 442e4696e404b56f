"""The model: the same question always gets the same answer, and a function is called when the prompt asks for it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from . import asking, patterns, prose, words
from .arguments import Filler
from .pictures import jpeg

_ENOUGH: Final = 2
_SUMMARY: Final = re.compile(r"[^.\n]{,200}")  # what a description begins with says what the function is for
_DRAW: Final = ("draw", "picture", "нарису", "изобраз", "картинк", "paint", "illustrat")


@dataclass
class Call:
    name: str
    arguments: dict[str, Any]


@dataclass
class Said:
    """One message, whatever the contract: text, files by (name, bytes), calls made or results given."""

    role: Literal["system", "user", "assistant", "result"]
    text: str = ""
    calls: list[Call] = field(default_factory=list)
    results: list[tuple[str, Any]] = field(default_factory=list)
    files: list[tuple[str, int]] = field(default_factory=list)


@dataclass
class Question:
    messages: list[Said]
    functions: Sequence[Mapping[str, Any]] = ()
    mode: Literal["none", "auto", "forced"] = "auto"
    forced: str | None = None
    built_ins: frozenset[str] = frozenset()  # those switched on, by their v2 names
    forced_built_in: str | None = None
    format: Mapping[str, Any] | None = None
    effort: str | None = None
    parallel: bool = False  # v2: several calls in one answer

    @property
    def turn(self) -> list[Said]:
        """The messages since the user last spoke, the user's included."""
        for at in range(len(self.messages) - 1, -1, -1):
            if self.messages[at].role == "user":
                return self.messages[at:]
        return self.messages

    @property
    def prompt(self) -> str:
        spoken = [said for said in self.messages if said.role == "user"]
        return spoken[-1].text if spoken else (self.messages[0].text if self.messages else "")

    @property
    def told(self) -> str:
        """What the functions answered since the model last wrote a text of its own."""
        pairs: list[tuple[str, Any]] = []
        for said in self.messages:
            if said.role == "assistant" and not said.calls:
                pairs = []
            pairs += said.results
        return prose.results(pairs)

    @property
    def system(self) -> str:
        return self.messages[0].text if self.messages and self.messages[0].role == "system" else ""


@dataclass
class Reply:
    text: str = ""
    calls: list[Call] = field(default_factory=list)
    reasoning: str = ""
    built_in: str | None = None  # the server-side tool that ran
    picture: bytes | None = None
    sources: dict[str, dict[str, str]] = field(default_factory=dict)


def reply(question: Question, *, never_call: bool = False, arguments: Mapping[str, Any] | None = None) -> Reply:
    """The answer before limits and finish reasons are applied."""
    answer = _answer(question, never_call=never_call)
    if arguments is not None:
        for call in answer.calls:
            call.arguments = dict(arguments)
    if question.effort:
        answer.reasoning = prose.reasoning(question.prompt, question.effort)
    return answer


def _answer(question: Question, *, never_call: bool) -> Reply:
    if question.mode == "forced" and question.forced:
        return Reply(calls=_forced(question))
    built_in = _built_in(question)
    if built_in is not None:
        return built_in
    if question.mode == "auto" and question.functions and not never_call:
        calls = _wanted(question)
        if calls:
            return Reply(calls=calls)
    return Reply(text=_text(question))


def _forced(question: Question) -> list[Call]:
    function = next((item for item in question.functions if item["name"] == question.forced), None)
    if function is None:
        return [Call(question.forced or "", {})]
    calls = _expand(function, question.prompt, question.told)
    return calls if question.parallel else calls[:1]


# -- functions


def _wanted(question: Question) -> list[Call]:
    """The calls the prompt asks for and this turn has not made yet: all at once, or the next one."""
    asked = asking.request(question.prompt, [item["name"] for item in question.functions])
    made = [(call.name, call.arguments) for said in question.turn for call in said.calls]
    ranked = _ranked(question.functions, asked, first_hop=not made)
    planned = [call for function in ranked for call in _expand(function, asked, question.told)]
    open_calls = [call for call in planned if not _already(call, made)]
    return open_calls if question.parallel else open_calls[:1]


def _already(call: Call, made: Sequence[tuple[str, Any]]) -> bool:
    return any(name == call.name and (arguments == call.arguments) for name, arguments in made) or (
        # Arguments that came from elsewhere (a test's own history) still count as this call's answer.
        sum(name == call.name for name, _ in made) > 0
        and not any(name == call.name and arguments.keys() == call.arguments.keys() for name, arguments in made)
    )


def _ranked(functions: Sequence[Mapping[str, Any]], asked: str, *, first_hop: bool) -> list[Mapping[str, Any]]:
    """Functions the prompt names, in the prompt's order; without any, the best match by description."""
    plain = asking.spoken(asked)
    prompt = words.words(plain)
    named = [item for item in functions if _by_name(item, prompt, plain) and _fillable(item, asked)]
    if named:
        return sorted(named, key=lambda item: _position(item, asked))
    if not first_hop:
        return []
    harmless = [item for item in functions if asking.orders(item["name"], plain) is None and _fillable(item, asked)]
    scored = [(_score(item, prompt), -number, item) for number, item in enumerate(harmless)]
    best = max(scored, key=lambda entry: entry[:2], default=None)
    return [best[2]] if best is not None and best[0] >= _ENOUGH else []


def _by_name(function: Mapping[str, Any], prompt: Sequence[str], text: str) -> bool:
    name = function["name"]
    if asking.names_it(name, text):
        return True
    ordered = asking.orders(name, text)
    return ordered if ordered is not None else bool(words.mentioned(words.words(name), prompt))


def _fillable(function: Mapping[str, Any], asked: str) -> bool:
    """Whether the prompt has the commands and paths that the function wants."""
    filler, schema = Filler(asked, function.get("parameters")), function.get("parameters", {})
    filler.fill(schema)
    return not filler.made_up


def _position(function: Mapping[str, Any], text: str) -> int:
    lower = text.lower()
    at = lower.find(function["name"].lower())
    if at >= 0:
        return at
    own = words.words(function["name"])
    for word in words.words(text):
        if any(words.kin(word, mine) for mine in own):
            return lower.find(word)
    return len(lower)


def _score(function: Mapping[str, Any], prompt: Sequence[str]) -> int:
    examples = " ".join(item["request"] for item in function.get("few_shot_examples", []))
    parameters = function.get("parameters", {}).get("properties", {})
    summary = _SUMMARY.match(function.get("description", ""))
    described = words.words(f"{summary.group() if summary else ''} {examples}")
    return len(words.mentioned(set(described), prompt)) + len(
        words.mentioned(set(words.words(" ".join(parameters))), prompt)
    )


def _expand(function: Mapping[str, Any], prompt: str, told: str) -> list[Call]:
    """One call, or one for each of several names when a single required string wants them ("in Moscow and London")."""
    name, schema = function["name"], function.get("parameters", {})
    required = schema.get("required", [])
    strings = [key for key in required if schema.get("properties", {}).get(key, {}).get("type") == "string"]
    enum = schema.get("properties", {}).get(strings[0], {}).get("enum") if strings else None
    targets = words.names(prompt) or words.quoted(prompt)
    call = Call(name, Filler(prompt, schema, told).fill(schema) if schema else {})
    if len(required) != 1 or len(strings) != 1 or enum or len(targets) < 2 or not prose.joins(prompt, targets):
        return [call]
    if call.arguments.get(strings[0]) not in targets:
        return [call]  # the whole sentence is wanted, as in a search query
    return [Call(name, {**call.arguments, strings[0]: target}) for target in targets]


# -- built-ins and text


def _built_in(question: Question) -> Reply | None:
    prompt = question.prompt
    forced = question.forced_built_in
    if question.mode == "none" or question.turn[-1].role == "result":
        return None
    if "image_generate" in question.built_ins and (forced == "image_generate" or prose.starts_any(prompt, _DRAW)):
        return _picture(prompt)
    if forced in question.built_ins and forced is not None:
        return _tool_text(forced, prompt)
    for tool in ("url_content_extraction", "code_interpreter", "web_search"):
        if tool in question.built_ins and prose.asks_tool(tool, prompt):
            return _tool_text(tool, prompt)
    return None


def _picture(prompt: str) -> Reply:
    return Reply(text=prose.caption(prompt), built_in="image_generate", picture=jpeg(prompt))


def _tool_text(tool: str, prompt: str) -> Reply:
    if tool == "web_search":
        return Reply(
            text=f"{prose.echo(prompt)} [sources=[1]]",
            built_in=tool,
            sources={"1": {"url": "https://example.com/article", "title": "Example article"}},
        )
    return Reply(text=prose.echo(prompt), built_in=tool)


def _text(question: Question) -> str:
    kind = (question.format or {}).get("type")
    if kind == "json_schema" and question.format is not None:
        schema = question.format["schema"]
        return json.dumps(Filler(question.prompt, schema).fill(schema), ensure_ascii=False, indent=4)
    if kind == "regex" and question.format is not None:
        return patterns.example(question.format["regex"], question.prompt)
    results = [pair for said in question.turn for pair in said.results]
    asked_json = prose.asks_json(question.system, question.prompt)
    if results and not asked_json:
        return prose.results(results)
    if asked_json:
        return prose.json_text(question.system, question.prompt, results)
    files = [file for said in question.turn for file in said.files]
    return prose.text(question.prompt, files)
