"""What needs no generation: tokens, models, balance, files, checks of texts and functions.

Each function takes the settings of :class:`litellm_gigachat_provider.GigaChatLLM` (``credentials``, ``scope``,
``base_url``, ``client_id``, ``timeout`` in seconds, …) and reads the rest from the environment and ``.env``. All answer
with plain dicts and lists of them, keys as the service sends them, and raise ``litellm.exceptions`` classes: an id that
the service does not know is ``NotFoundError``. Names follow the official SDK; the ``a…`` twins are the same for a task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from .bridge.exceptions import to_litellm
from .contracts.body_common import function_to_wire
from .errors import BadAnswerError, GigaChatError, InvalidRequestError
from .files import files
from .flows.flow import Do, Flow, arun, run
from .request.gate import Gate
from .request.tool_cache import read_tools
from .settings import Overrides, resolve
from .settings.timeouts import seconds
from .transport.client import Transport, transport_for
from .transport.replies import Reply

T = TypeVar("T")
DEFAULT_MODEL = "GigaChat-2-Max"
CHECKER = "GigaCheckClassification"
DEFAULT_TIMEOUT = 60.0  # seconds; none of these calls generates anything


def count_tokens(texts: str | Sequence[str], model: str = DEFAULT_MODEL, **settings: Any) -> list[dict[str, int]]:
    """``[{"tokens": 2, "characters": 10}, …]``, one entry a text, in order; one text alone gives a list of one.

    Raw text is counted: a chat adds a few tokens for every message.
    """
    return _done(_count(texts, model, settings), model)


async def acount_tokens(
    texts: str | Sequence[str], model: str = DEFAULT_MODEL, **settings: Any
) -> list[dict[str, int]]:
    """:func:`count_tokens` for a task."""
    return await _adone(_count(texts, model, settings), model)


def list_models(**settings: Any) -> list[dict[str, Any]]:
    """The models this host answers for: ``[{"id": "GigaChat-2", "type": "chat", "owned_by": …, …}, …]``."""
    return _done(_models(settings), "")


async def alist_models(**settings: Any) -> list[dict[str, Any]]:
    """:func:`list_models` for a task."""
    return await _adone(_models(settings), "")


def get_model(model: str, **settings: Any) -> dict[str, Any]:
    """One model as this host describes it: ``{"id": "GigaChat-2", "type": "chat", "owned_by": …, …}``."""
    return _done(_model(model, settings), model)


async def aget_model(model: str, **settings: Any) -> dict[str, Any]:
    """:func:`get_model` for a task."""
    return await _adone(_model(model, settings), model)


def balance(**settings: Any) -> list[dict[str, Any]]:
    """Tokens left in the account's packages: ``[{"usage": "GigaChat", "value": 900000}, …]``.

    An account that pays as it goes has no packages: the service answers 403 and ``PermissionDeniedError`` says so.
    """
    return _done(_balance(settings), "")


async def abalance(**settings: Any) -> list[dict[str, Any]]:
    """:func:`balance` for a task."""
    return await _adone(_balance(settings), "")


def get_files(**settings: Any) -> list[dict[str, Any]]:
    """The files the account keeps at GigaChat under this ``client_id`` (``X-Client-ID``), or under none.

    ``[{"id", "filename", "bytes", "created_at": <Unix seconds>, "purpose", "access_policy", …}, …]``
    """
    return _done(_files(settings), "")


async def aget_files(**settings: Any) -> list[dict[str, Any]]:
    """:func:`get_files` for a task."""
    return await _adone(_files(settings), "")


def get_file(file_id: str, **settings: Any) -> dict[str, Any]:
    """What :func:`get_files` says of one file."""
    return _done(_file(file_id, settings), "")


async def aget_file(file_id: str, **settings: Any) -> dict[str, Any]:
    """:func:`get_file` for a task."""
    return await _adone(_file(file_id, settings), "")


def get_file_content(file_id: str, **settings: Any) -> bytes:
    """The bytes of a file, uploaded or generated (a picture that the model drew, the results of a batch)."""
    return _done(_content(file_id, settings), "")


async def aget_file_content(file_id: str, **settings: Any) -> bytes:
    """:func:`get_file_content` for a task."""
    return await _adone(_content(file_id, settings), "")


def delete_file(file_id: str, **settings: Any) -> dict[str, Any]:
    """Delete a file for good: ``{"id": …, "deleted": True, …}``. A second time it is ``NotFoundError``."""
    return _done(_delete(file_id, settings), "")


async def adelete_file(file_id: str, **settings: Any) -> dict[str, Any]:
    """:func:`delete_file` for a task."""
    return await _adone(_delete(file_id, settings), "")


def check_ai(text: str, model: str = CHECKER, **settings: Any) -> dict[str, Any]:
    """Whether a model wrote this: ``{"category": "ai" | "human" | "mixed", "characters", "tokens", "ai_intervals"}``.

    For Russian text of 20 words and more; most accounts outside the scope CORP get ``PermissionDeniedError``.
    ``model``: "GigaCheckClassification", or "GigaCheckDetection", which fills ``ai_intervals`` (``[[1, 120], …]``).
    """
    return _done(_check_ai(text, model, settings), model)


async def acheck_ai(text: str, model: str = CHECKER, **settings: Any) -> dict[str, Any]:
    """:func:`check_ai` for a task."""
    return await _adone(_check_ai(text, model, settings), model)


def validate_function(
    function: Mapping[str, Any] | Sequence[Mapping[str, Any]], **settings: Any
) -> list[dict[str, Any]]:
    """What GigaChat says of tools, after the mapping that they get in a call: one entry a function, in order.

    ``function`` is one tool or a list of them, in any form a call takes (OpenAI's, Anthropic's, GigaChat's own).
    ``[{"name": <yours>, "function": <as sent>, "message", "errors": [{"description", "schema_location"}], "warnings"},
    …]``; ``errors`` is empty for a valid one. Built-in functions are listed, but there is nothing in them to check.
    """
    return _done(_validate(function, settings), "")


async def avalidate_function(
    function: Mapping[str, Any] | Sequence[Mapping[str, Any]], **settings: Any
) -> list[dict[str, Any]]:
    """:func:`validate_function` for a task."""
    return await _adone(_validate(function, settings), "")


# --- the calls, once for both ways -------------------------------------------------------------------


def _count(texts: str | Sequence[str], model: str, settings: Mapping[str, Any]) -> Flow[list[dict[str, int]]]:
    given = [texts] if isinstance(texts, str) else list(texts)
    if not given or not all(isinstance(text, str) for text in given):
        raise InvalidRequestError("texts", "must be a string or a list of strings with at least one in it")
    body = {"model": model.removeprefix("gigachat/"), "input": given}
    data = yield from _ask(settings, "POST", "tokens/count", "tokens", body)
    rows = _rows(data, "tokens/count")
    if len(rows) != len(given):
        raise BadAnswerError(f"GigaChat counted {len(rows)} texts of {len(given)}")
    return [{"tokens": _number(row, "tokens"), "characters": _number(row, "characters")} for row in rows]


def _models(settings: Mapping[str, Any]) -> Flow[list[dict[str, Any]]]:
    data = yield from _ask(settings, "GET", "models", "models")
    return [dict(row) for row in _rows(_inside(data, "data"), "models") if isinstance(row.get("id"), str)]


def _model(model: str, settings: Mapping[str, Any]) -> Flow[dict[str, Any]]:
    name = files.path_segment(model.removeprefix("gigachat/"), "model")
    return _record((yield from _ask(settings, "GET", f"models/{name}", "models")), "models")


def _balance(settings: Mapping[str, Any]) -> Flow[list[dict[str, Any]]]:
    data = yield from _ask(settings, "GET", "balance", "balance")
    return [dict(row) for row in _rows(_inside(data, "balance"), "balance")]


def _files(settings: Mapping[str, Any]) -> Flow[list[dict[str, Any]]]:
    data = yield from _ask(settings, "GET", "files", "files")
    return [dict(row) for row in _rows(_inside(data, "data"), "files")]


def _file(file_id: str, settings: Mapping[str, Any]) -> Flow[dict[str, Any]]:
    return _record((yield from _ask(settings, "GET", f"files/{files.path_segment(file_id)}", "files")), "files")


def _content(file_id: str, settings: Mapping[str, Any]) -> Flow[bytes]:
    transport, timeout = _way(settings)
    data, _ = yield Do(files.download, transport, file_id, timeout=timeout)
    return data  # type: ignore[no-any-return]


def _delete(file_id: str, settings: Mapping[str, Any]) -> Flow[dict[str, Any]]:
    transport, timeout = _way(settings)
    reply: Reply = yield Do(files.delete, transport, file_id, timeout=timeout)
    return _record(reply.json(), "files")


def _check_ai(text: str, model: str, settings: Mapping[str, Any]) -> Flow[dict[str, Any]]:
    if not isinstance(text, str) or not text.strip():
        raise InvalidRequestError("text", "must be a string with words in it")
    body = {"model": model.removeprefix("gigachat/"), "input": text}
    return _record((yield from _ask(settings, "POST", "ai/check", "ai_check", body)), "ai/check")


def _validate(function: Any, settings: Mapping[str, Any]) -> Flow[list[dict[str, Any]]]:
    listed = [function] if isinstance(function, Mapping) else function
    if not listed:
        raise InvalidRequestError("function", "must be a tool or a list of tools")
    v2 = resolve(Overrides(**settings)).api_version in {"v2", "auto"}
    tools, _ = read_tools({"tools": listed}, (), Gate("v2" if v2 else "v1"))
    found = []
    for name, mapped in tools.by_name.items():
        sent = function_to_wire(mapped)
        verdict: Any = {"message": "GigaChat's own function", "errors": [], "warnings": []}
        if not mapped.builtin:
            verdict = yield from _ask(settings, "POST", "functions/validate", "account", sent)
        found.append({"name": name, "function": sent, **_record(verdict, "functions/validate")})
    return found


def _way(settings: Mapping[str, Any]) -> tuple[Transport, float]:
    overrides = Overrides(**settings)
    return transport_for(resolve(overrides)), seconds(overrides.timeout, DEFAULT_TIMEOUT)


def _ask(settings: Mapping[str, Any], method: str, path: str, where: str, body: Any = None) -> Flow[Any]:
    transport, timeout = _way(settings)
    url = transport.settings.url(path)
    reply: Reply = yield Do(transport.arequest, method, url, json=body, timeout=timeout, where=where)
    return reply.json()


def _inside(data: Any, key: str) -> Any:
    return data.get(key) if isinstance(data, Mapping) else None


def _record(data: Any, what: str) -> dict[str, Any]:
    return dict(_rows([data], what)[0])


def _rows(data: Any, what: str) -> list[Mapping[str, Any]]:
    if not isinstance(data, list) or not all(isinstance(row, Mapping) for row in data):
        raise BadAnswerError(f"GigaChat's answer to {what} has another shape than documented")
    return data


def _number(row: Mapping[str, Any], key: str) -> int:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadAnswerError(f"GigaChat's answer to tokens/count has no number in {key!r}")
    return int(value)


def _done(flow: Flow[T], model: str) -> T:
    try:
        return run(flow)
    except GigaChatError as error:
        raise to_litellm(error, model) from error


async def _adone(flow: Flow[T], model: str) -> T:
    try:
        return await arun(flow)
    except GigaChatError as error:
        raise to_litellm(error, model) from error
