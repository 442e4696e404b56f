"""``tools`` and legacy ``functions`` -> GigaChat's functions.

Taken are OpenAI's tools (nested and flat), legacy functions, Anthropic's ``input_schema`` tools, and
GigaChat's own words for its built-in functions: a bare ``{"name": "text2image"}`` is the built-in, the
same name with parameters is the caller's own function and gets an alias.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import InvalidRequestError, UnsupportedParamError
from ..types import Function
from . import plain, values
from .gate import USE_V2, Gate
from .names import RESERVED, Names, is_legal
from .schemas import schema

# word -> (name on v1, name on v2); None: that contract has no such function; "": it needs no mention.
_BUILTINS: dict[str, tuple[str | None, str | None]] = {
    "text2image": ("text2image", "image_generate"),
    "image_generate": ("text2image", "image_generate"),
    "image_generation": ("text2image", "image_generate"),
    "text2model3d": ("text2model3d", "model_3d_generate"),
    "model_3d_generate": ("text2model3d", "model_3d_generate"),
    "get_file_content": ("get_file_content", ""),
    "web_search": (None, "web_search"),
    "web_search_preview": (None, "web_search"),
    "code_interpreter": (None, "code_interpreter"),
    "code_execution": (None, "code_interpreter"),
    "url_content_extraction": (None, "url_content_extraction"),
    "web_fetch": (None, "url_content_extraction"),
}
_DATED = tuple(f"{word}_20" for word in _BUILTINS)  # web_search_preview_2025_03_11, web_search_20250305
_DEFAULT_OPTIONS: dict[str, dict[str, Any]] = {"web_search": {"type": "actual_info_web_search"}}
_OPTIONS: dict[str, dict[str, Callable[[Any, str], Any]]] = {
    "web_search": {"type": values.text, "indexes": values.texts, "flags": values.texts},
}
# Words that narrow what the tool may do: leaving them out would not be what the caller asked for.
_NARROWING = ("filters", "allowed_domains", "blocked_domains")
# How Anthropic's own service handles a tool: LiteLLM writes what it does not know of one into its ``parameters``,
# older versions also the tool's ``type``.
_NO_SCHEMA = frozenset({"defer_loading", "allowed_callers", "input_examples", "cache_control", "eager_input_streaming"})
_CUSTOM = ("type", "custom")


@dataclass(slots=True)
class Tool:
    """One tool as the caller gave it: ``name`` is the caller's, ``spec`` None for a built-in.

    With neither ``spec`` nor ``builtin`` it is one that ``drop_params`` left out.
    """

    name: str
    where: str
    spec: Mapping[str, Any] | None = None
    builtin: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class ToolSet:
    """``by_name`` holds the caller's names; ``functions`` GigaChat's, in the caller's order."""

    functions: tuple[Function, ...] = ()
    by_name: dict[str, Function] = field(default_factory=dict)
    legacy: bool = False


def collect(params: Mapping[str, Any], gate: Gate) -> list[Tool]:
    """The caller's tools without their schemas being read, so that names can be settled first."""
    found: list[Tool] = []
    for word in ("tools", "functions"):
        listed = params.get(word)
        if listed is None:
            continue
        if isinstance(listed, (str, Mapping)) or not isinstance(listed, Sequence):
            raise InvalidRequestError(word, "must be a list")
        for index, item in enumerate(listed):
            found.extend(_tools(item, f"{word}[{index}]", gate))
    options = params.get("web_search_options")
    if options is not None and not any(tool.builtin == "web_search" for tool in found):
        _web_search_options(options, found, gate)
    kept = [tool for tool in found if tool.spec is not None or tool.builtin]
    if found and not kept:
        # Whatever drop_params says: the model would answer from memory as if it had searched.
        tool = found[0]
        remedy = 'Use api_version="v2".' if builtin_word(tool.name, Gate("v2")) else "Give function tools."
        problem = f"asks for {tool.name[:60]}, which GigaChat's {gate.contract} lacks, and no other tool is left"
        raise UnsupportedParamError(tool.where, problem, remedy)
    return kept


def build(tools: Sequence[Tool], names: Names, *, legacy: bool) -> ToolSet:
    """The functions of ``tools``, their names aliased by ``names``."""
    built = ToolSet(legacy=legacy)
    functions: list[Function] = []
    for tool in tools:
        function = _builtin(tool) if tool.spec is None else _function(tool, tool.spec, names.wire(tool.name))
        earlier = built.by_name.get(tool.name)
        if earlier is not None or any(function.builtin and function.name == f.name for f in functions):
            if earlier is not None and earlier != function:
                raise InvalidRequestError(tool.where, f"defines {tool.name[:80]!r} a second time, and differently")
            built.by_name.setdefault(tool.name, function)
            continue
        built.by_name[tool.name] = function
        functions.append(function)
    built.functions = tuple(functions)
    return built


def caller_names(tools: Iterable[Tool]) -> list[str]:
    return [tool.name for tool in tools if tool.spec is not None]


def all_legal(tools: Iterable[Tool]) -> bool:
    return all(is_legal(name) for name in caller_names(tools))


def builtin_word(word: str, gate: Gate) -> str | None:
    """GigaChat's name, on this contract, of the built-in that ``word`` means; None where there is none."""
    entry = _BUILTINS.get(word)
    if entry is None:
        stem = next((dated[:-3] for dated in _DATED if word.startswith(dated)), None)
        entry = _BUILTINS[stem] if stem else (None, None)
    return entry[0] if gate.contract == "v1" else entry[1]


def _tools(item: Any, where: str, gate: Gate) -> list[Tool]:
    item = plain.mapping(item, where, "a tool object")
    kind = item.get("type")
    function = item.get("function")
    if function is not None and kind in (None, "function"):
        spec = plain.mapping(function, f"{where}.function", "an object with name and parameters")
        outer = {word: item[word] for word in ("few_shot_examples", "return_parameters") if word in item}
        return [_named({**outer, **spec} if outer else spec, f"{where}.function", gate)]
    if isinstance(item.get("name"), str) and (kind in (None, "function", "custom") or "input_schema" in item):
        return [_named(item, where, gate)]
    if kind is None:
        return _own_shape(item, where, gate)
    if not isinstance(kind, str):
        raise InvalidRequestError(f"{where}.type", "must be a string")
    return _builtin_tool(kind, item, where, gate)


def _named(spec: Mapping[str, Any], where: str, gate: Gate) -> Tool:
    name = spec.get("name")
    if not isinstance(name, str) or not name.strip():
        raise InvalidRequestError(f"{where}.name", "must be the function's name")
    plain.check_text(name, f"{where}.name")
    if name in RESERVED and all(spec.get(word) is None for word in ("parameters", "input_schema", "description")):
        found = _builtin_tool(name, {}, where, gate)
        if found and found[0].builtin:
            return found[0]
    for word in ("parameters", "input_schema"):
        given = spec.get(word)
        if isinstance(given, Mapping) and (not _NO_SCHEMA.isdisjoint(given) or given.get("type") == "custom"):
            spec = {**spec, word: {k: v for k, v in given.items() if k not in _NO_SCHEMA and (k, v) != _CUSTOM}}
    return Tool(name, where, spec)


def _own_shape(item: Mapping[str, Any], where: str, gate: Gate) -> list[Tool]:
    """GigaChat v2's own elements: ``{"web_search": {...}}``, ``{"functions": {"specifications": [...]}}``."""
    if not item:
        raise InvalidRequestError(where, "is an empty tool", 'Give {"type": "function", "function": {"name": ...}}.')
    found: list[Tool] = []
    for word, value in item.items():
        if word == "functions" and isinstance(value, Mapping) and isinstance(value.get("specifications"), list):
            at = f"{where}.functions.specifications"
            for index, spec in enumerate(value["specifications"]):
                found.append(_named(plain.mapping(spec, f"{at}[{index}]", "a function"), f"{at}[{index}]", gate))
        elif word in _BUILTINS and isinstance(value, Mapping):
            found.extend(_builtin_tool(word, item, where, gate))
        else:
            raise InvalidRequestError(where, "is no tool", 'Give {"type": "function", "function": {"name": ...}}.')
    return found


def _builtin_tool(kind: str, item: Mapping[str, Any], where: str, gate: Gate) -> list[Tool]:
    name = builtin_word(kind, gate)
    if name is None:
        problem = f"tools of type {kind[:60]!r} do not exist in GigaChat's {gate.contract}"
        known = Gate("v2") if gate.contract == "v1" else gate
        remedy = USE_V2 if builtin_word(kind, known) is not None else "Use function tools, or set drop_params=True."
        gate.unsupported(where, problem, remedy)
        return [Tool(kind, where)]
    if not name:
        return []
    for word in _NARROWING:
        if item.get(word):
            gate.unsupported(f"{where}.{word}", "GigaChat's search cannot be narrowed this way")
    return [Tool(kind, where, builtin=name, options=_own_options(kind, name, item, where, gate))]


def _own_options(kind: str, name: str, item: Mapping[str, Any], where: str, gate: Gate) -> dict[str, Any]:
    """GigaChat's options of a built-in, beside ``type`` or inside ``{"web_search": {...}}``; only search has any."""
    known = _OPTIONS.get(name, {})
    inner = item.get(kind)
    own = dict(inner) if isinstance(inner, Mapping) else {}
    for word in own.keys() - known.keys():
        gate.unsupported(f"{where}.{kind}.{word}", "is not an option of this tool")
    own = {**{word: item[word] for word in known if word in item and word != "type"}, **own}
    options = {word: check(own[word], f"{where}.{word}") for word, check in known.items() if own.get(word) is not None}
    return {**_DEFAULT_OPTIONS.get(name, {}), **options}


def _web_search_options(options: Any, found: list[Tool], gate: Gate) -> None:
    if not isinstance(options, Mapping):
        raise InvalidRequestError("web_search_options", "must be an object")
    found.extend(_builtin_tool("web_search", options, "web_search_options", gate))


def _builtin(tool: Tool) -> Function:
    assert tool.builtin is not None
    return Function(tool.builtin, None, {}, builtin=True, options=tool.options or None)


def _function(tool: Tool, spec: Mapping[str, Any], wire: str) -> Function:
    where = tool.where
    description = spec.get("description")
    if description is not None and not isinstance(description, str):
        raise InvalidRequestError(f"{where}.description", "must be a string")
    if description:
        plain.check_text(description, f"{where}.description")
    word = "parameters" if spec.get("parameters") is not None else "input_schema"
    returned = spec.get("return_parameters")
    return Function(
        name=wire,
        description=description or None,
        parameters=schema.parameters(spec.get(word), f"{where}.{word}"),
        few_shot_examples=_examples(spec.get("few_shot_examples"), f"{where}.few_shot_examples"),
        return_parameters=None if returned is None else schema.parameters(returned, f"{where}.return_parameters"),
    )


def _examples(value: Any, where: str) -> Sequence[Any] | None:
    """``[{"request": text, "params": {...}}]``, the service's own shape."""
    if value is None:
        return None
    if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
        raise InvalidRequestError(where, "must be a list")
    for index, item in enumerate(value):
        fits = isinstance(item, Mapping) and isinstance(item.get("request"), str)
        if not fits or not isinstance(item.get("params"), Mapping):
            raise InvalidRequestError(f"{where}[{index}]", 'must be {"request": text, "params": {...}}')
    copied = plain.copy(list(value), where)
    assert isinstance(copied, list)
    return copied or None
