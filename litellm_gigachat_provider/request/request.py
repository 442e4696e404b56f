"""What a caller of LiteLLM asked for -> one ``ChatRequest``, independent of the contract's wire shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import InvalidRequestError
from ..models import Model, is_for
from ..types import ChatRequest, Contract, Function, Kind, ResultTurn, SystemTurn, ToolChoice, Turn, UserTurn
from . import structured, values
from .choice import Choice, read_choice
from .gate import Gate
from .messages import read_messages
from .options import fit, read_n, read_options, read_stop
from .params import PARAMS
from .tool_cache import read_tools

# In extra_body these would contradict the call itself.
_NOT_IN_EXTRA_BODY = ("messages", "model", "stream", "extra_body", "n")
_READS_DOCUMENTS = "get_file_content"


def read_chat(
    model: str,
    messages: Any,
    params: Mapping[str, Any],
    *,
    contract: Contract,
    model_info: Model,
    drop_params: bool = False,
    kinds: Mapping[str, Kind] | None = None,
) -> ChatRequest:
    """The request, checked. Raises InvalidRequestError (or UnsupportedParamError) before anything is sent.

    ``params`` are LiteLLM's optional parameters as they arrive, ``extra_body`` unmerged.
    ``kinds``: what files behind URLs turned out to be, by ``Attachment.key``, on a second reading.
    """
    if not is_for(model, "chat"):
        raise InvalidRequestError("model", f"{model} is a model for embeddings and cannot chat", "Use a GigaChat model")
    gate = Gate(contract, drop_params)
    params, extra = _merge_extra_body(params)
    options = read_options(params, gate)
    notes = fit(options, model, model_info, gate)
    built, names = read_tools(params, messages, gate)
    turns = read_messages(messages, names, sees=model_info.vision, kinds=kinds or {})
    files = [file for turn in turns if isinstance(turn, UserTurn) for file in turn.attachments]
    for file in files:
        if file.kind == "image" and file.sure and not model_info.vision:
            remedy = "Use GigaChat-2-Pro or GigaChat-2-Max."
            raise InvalidRequestError(file.where, f"{model} does not take images", remedy)
    choice = read_choice(params, built, names, gate)
    documents = contract == "v1" and any(file.kind == "document" for file in files)
    asked = params.get("response_format")
    plan: structured.Plan | None = None
    if asked is not None:
        offered = any(not function.builtin for function in choice.functions)
        alone = not offered and not any(isinstance(turn, ResultTurn) for turn in turns)
        plan = structured.plan(
            asked,
            names,
            gate,
            native=alone and (contract == "v2" or model_info.native_json),
            override=params.get("gigachat_structured"),
            beside=offered or (documents and (choice.choice is None or choice.choice.mode == "auto")),
        )
    if choice.required is not None:
        plan = None  # the answer is a call, which no format describes; an answering function would compete with it
    if plan is not None:
        choice = _with_structured(choice, plan)
        turns = _with_hint(turns, plan.hint)
    if documents:
        choice = _with_reader(choice)
    return ChatRequest(
        model=model,
        turns=turns,
        functions=choice.functions,
        tool_choice=choice.choice,
        options=options,
        stream=params.get("stream") is True,
        names=names.restored(),
        structured=plan.structured if plan is not None else None,
        required=choice.required,
        stop=read_stop(params.get("stop")),
        n=read_n(params.get("n")),
        legacy_functions=built.legacy,
        parallel_tool_calls=params.get("parallel_tool_calls") is not False,
        extra_body=extra,
        notes=notes,
    )


def _merge_extra_body(params: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Known names of ``extra_body`` join the parameters (a plain parameter wins); the rest is sent as it is."""
    body = params.get("extra_body")
    if body is None:
        return params, {}
    body = values.record(body, "extra_body")
    for name in _NOT_IN_EXTRA_BODY:
        if name in body:
            raise InvalidRequestError(f"extra_body.{name}", "cannot be overridden", f"Give {name} as a parameter.")
    known = {name: value for name, value in body.items() if name in PARAMS}
    given = {name: value for name, value in params.items() if value is not None or name not in known}
    return {**known, **given}, {name: value for name, value in body.items() if name not in PARAMS}


def _with_structured(choice: Choice, plan: structured.Plan) -> Choice:
    """The answering function forced, or offered beside the caller's own; a forced choice of theirs stays."""
    function = plan.function
    if function is None:
        return choice
    if not plan.beside:
        return Choice((*choice.functions, function), ToolChoice("forced", function.name))
    mode = choice.choice if choice.choice is not None and choice.choice.mode == "forced" else ToolChoice("auto")
    return Choice((*choice.functions, function), mode)


def _with_hint(turns: tuple[Turn, ...], hint: str) -> tuple[Turn, ...]:
    if not hint:
        return turns
    first = turns[0]
    if isinstance(first, SystemTurn):
        return (SystemTurn(f"{first.text}\n{hint}"), *turns[1:])
    return (SystemTurn(hint), *turns)


def _with_reader(choice: Choice) -> Choice:
    """v1 reads documents with a built-in function, which needs "auto", and beside other functions its bare name."""
    if choice.choice is not None and choice.choice.mode != "auto":
        return choice
    functions = choice.functions
    if functions and all(function.name != _READS_DOCUMENTS for function in functions):
        functions = (*functions, Function(_READS_DOCUMENTS, None, {}, builtin=True))
    return Choice(functions, ToolChoice("auto"), choice.required)
