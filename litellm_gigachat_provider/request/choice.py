"""``tool_choice`` and ``function_call`` -> GigaChat's choice, and the emulation of "required".

GigaChat knows ``none``, ``auto`` and one forced function; there is no "required". With one function,
required is that function forced. With several, the request says ``auto`` and offers them as they are, which
nearly always gets a call. Only when it does not, a second request forces one function of our own whose arguments
are the choice and the arguments of the chosen function:

    {"tool": "<name>", "<name>": {...that function's parameters...}}

and its answer is unwrapped into the call of the chosen function; when that lacks its arguments, a third
request forces the chosen function itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import InvalidRequestError
from ..types import ChatRequest, Function, RequiredCall, ToolChoice
from .gate import Gate
from .names import Names
from .tools import ToolSet, builtin_word

_WORDS = {"auto": "auto", "none": "none", "required": "required", "any": "required"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What was decided. ``functions`` may be fewer than offered (none, allowed tools)."""

    functions: tuple[Function, ...]
    choice: ToolChoice | None = None
    required: RequiredCall | None = None


def read_choice(params: Mapping[str, Any], tools: ToolSet, names: Names, gate: Gate) -> Choice:
    for word in ("tool_choice", "function_call"):
        asked = params.get(word)
        if asked is not None:
            return _read(asked, word, tools, names, gate)
    return Choice(tools.functions)


def _read(asked: Any, where: str, tools: ToolSet, names: Names, gate: Gate) -> Choice:
    if isinstance(asked, str):
        mode = _WORDS.get(asked)
        if mode is None and asked in tools.by_name:  # LangChain's short form, passed on by langchain-litellm < 0.9
            return _named({"name": asked}, where, tools, gate)
        if mode is None:
            raise InvalidRequestError(where, f"{asked[:60]!r} is not known", f"Use one of {', '.join(_WORDS)}.")
        return _by_mode(mode, where, tools, names)
    if not isinstance(asked, Mapping):
        raise InvalidRequestError(where, "must be a string or an object")
    kind = asked.get("type")
    if kind == "allowed_tools":
        return _allowed(asked, where, tools, names, gate)
    if isinstance(kind, str) and kind in _WORDS:
        return _by_mode(_WORDS[kind], where, tools, names)
    return _named(asked, where, tools, gate)


def _by_mode(mode: str, where: str, tools: ToolSet, names: Names) -> Choice:
    if mode == "none":
        # offered functions would only cost tokens
        return Choice((), ToolChoice("none") if tools.functions else None)
    if mode == "auto":
        # Without functions "auto" would switch GigaChat's own ones on. In OpenAI's words that is not asked;
        # in GigaChat's own (function_call) it is how they are switched on.
        asked = bool(tools.functions) or where == "function_call"
        return Choice(tools.functions, ToolChoice("auto") if asked else None)
    return _required(where, tools.functions, names)


def _required(where: str, functions: Sequence[Function], names: Names) -> Choice:
    own = [function for function in functions if not function.builtin]
    candidates = own or list(functions)
    if not candidates:
        raise InvalidRequestError(where, "requires a call, but there are no tools", "Give tools.")
    if len(candidates) == 1:
        return Choice(tuple(functions), ToolChoice("forced", candidates[0].name))
    if not own:
        raise InvalidRequestError(where, "cannot require one of several built-in tools", "Name the one to use.")
    return Choice(tuple(functions), ToolChoice("auto"), _required_call(own, names))


def _required_call(functions: Sequence[Function], names: Names) -> RequiredCall:
    """The function of our own that stands for "one of these", and what unwraps its call."""
    offered = [function.name for function in functions]
    selector = "tool"
    while selector in offered:
        selector += "_"
    name = names.reserve("call_tool")
    listed = "; ".join(f"{f.name}: {f.description}" if f.description else f.name for f in functions)
    choice = {"type": "string", "enum": offered, "description": "Which tool to call"}
    properties: dict[str, Any] = {selector: choice}
    for function in functions:
        description = f"Arguments of {function.name}, given only if it is the chosen tool"
        properties[function.name] = {**function.parameters, "description": description}
    chooser = Function(
        name=name,
        description=f"Calls exactly one tool: name it in {selector!r} and give its arguments under its name. {listed}",
        parameters={"type": "object", "properties": properties, "required": [selector]},
    )
    return RequiredCall(chooser, selector, tuple(functions))


def forced(request: ChatRequest, function: Function) -> ChatRequest:
    """The same request, plain, with this one function offered and forced: it cannot go astray."""
    return replace(request, functions=(function,), tool_choice=ToolChoice("forced", function.name), stream=False)


def _allowed(asked: Mapping[str, Any], where: str, tools: ToolSet, names: Names, gate: Gate) -> Choice:
    """OpenAI's ``{"type": "allowed_tools", "mode": "auto"|"required", "tools": [...]}``: fewer are offered."""
    inner = asked.get("allowed_tools")
    holder = inner if isinstance(inner, Mapping) else asked
    listed = holder.get("tools")
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise InvalidRequestError(f"{where}.tools", "must be a list of tools")
    wanted = [_lookup(item, f"{where}.tools[{i}]", tools, gate).name for i, item in enumerate(listed)]
    functions = tuple(function for function in tools.functions if function.name in wanted)
    mode = holder.get("mode", "auto")
    if mode == "required":
        return _required(where, functions, names)
    if mode != "auto":
        raise InvalidRequestError(f"{where}.mode", f"{str(mode)[:40]!r} is not known", "Use auto or required.")
    return Choice(functions, ToolChoice("auto") if functions else None)


def _named(asked: Mapping[str, Any], where: str, tools: ToolSet, gate: Gate) -> Choice:
    return Choice(tools.functions, ToolChoice("forced", _lookup(asked, where, tools, gate).name))


def _lookup(asked: Any, where: str, tools: ToolSet, gate: Gate) -> Function:
    """The function that ``{"type": "function", "function": {"name"}}`` and its relatives name."""
    function = asked.get("function") if isinstance(asked, Mapping) else None
    holder = function if isinstance(function, Mapping) else asked
    name = holder.get("name") if isinstance(holder, Mapping) else None
    kind = asked.get("type") if isinstance(asked, Mapping) else None
    if name is None and isinstance(kind, str):
        name = kind  # {"type": "web_search"}: a tool that has no name of its own
    if not isinstance(name, str):
        raise InvalidRequestError(where, "must name a function", 'Use {"type": "function", "function": {"name": ...}}.')
    found = tools.by_name.get(name)
    if found is None:
        builtin = builtin_word(name, gate)
        found = next((f for f in tools.functions if f.builtin and f.name == builtin), None)
    if found is None:
        known = ", ".join(list(tools.by_name)[:20]) or "there are no tools"
        raise InvalidRequestError(where, f"names {name[:80]!r}, which is not among the tools", f"Known: {known}.")
    return found
