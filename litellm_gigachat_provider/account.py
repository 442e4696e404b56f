"""What needs no generation: tokens, models, balance, files, checks of texts and functions.

Each function takes the settings of :class:`litellm_gigachat_provider.GigaChatLLM` (``credentials``, ``scope``,
``base_url``, ``client_id``, ``timeout`` in seconds, …) and reads the rest from the environment and ``.env``. All answer
with plain dicts and lists of them, keys as the service sends them, and raise ``litellm.exceptions`` classes: an id that
the service does not know is ``NotFoundError``. Names follow the official SDK; the ``a…`` twins are the same for a task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .contracts.body_common import function_to_wire
from .errors import BadAnswerError, InvalidRequestError
from .files import files
from .flows.doors import blocking, for_task
from .flows.flow import Do, Flow
from .request.gate import Gate
from .request.tool_cache import read_tools
from .settings import Overrides, resolve
from .settings.timeouts import seconds
from .transport.client import Transport, transport_for
from .transport.replies import Reply

DEFAULT_MODEL = "GigaChat-2-Max"
CHECKER = "GigaCheckClassification"
DEFAULT_TIMEOUT = 60.0  # seconds; none of these calls generates anything


@blocking
def count_tokens(texts: str | Sequence[str], model: str = DEFAULT_MODEL, **settings: Any) -> Flow[list[dict[str, int]]]:
    """``[{"tokens": 2, "characters": 10}, …]``, one entry a text, in order; one text alone gives a list of one.

    Raw text is counted: a chat adds a few tokens for every message.
    """
    given = [texts] if isinstance(texts, str) else list(texts)
    if not given or not all(isinstance(text, str) for text in given):
        raise InvalidRequestError("texts", "must be a string or a list of strings with at least one in it")
    body = {"model": model.removeprefix("gigachat/"), "input": given}
    data = yield from _ask(settings, "POST", "tokens/count", "tokens", body)
    rows = _rows(data, "tokens/count")
    if len(rows) != len(given):
        raise BadAnswerError(f"GigaChat counted {len(rows)} texts of {len(given)}")
    return [{"tokens": _number(row, "tokens"), "characters": _number(row, "characters")} for row in rows]


@blocking
def list_models(**settings: Any) -> Flow[list[dict[str, Any]]]:
    """The models this host answers for: ``[{"id": "GigaChat-2", "type": "chat", "owned_by": …, …}, …]``."""
    rows = yield from _listed(settings, "models", "data")
    return [row for row in rows if isinstance(row.get("id"), str)]


@blocking
def get_model(model: str, **settings: Any) -> Flow[dict[str, Any]]:
    """One model as this host describes it: ``{"id": "GigaChat-2", "type": "chat", "owned_by": …, …}``."""
    name = files.path_segment(model.removeprefix("gigachat/"), "model")
    return _record((yield from _ask(settings, "GET", f"models/{name}", "models")), "models")


@blocking
def balance(**settings: Any) -> Flow[list[dict[str, Any]]]:
    """Tokens left in the account's packages: ``[{"usage": "GigaChat", "value": 900000}, …]``.

    An account that pays as it goes has no packages: the service answers 403 and ``PermissionDeniedError`` says so.
    """
    return (yield from _listed(settings, "balance", "balance"))


@blocking
def get_files(**settings: Any) -> Flow[list[dict[str, Any]]]:
    """The files the account keeps at GigaChat under this ``client_id`` (``X-Client-ID``), or under none.

    ``[{"id", "filename", "bytes", "created_at": <Unix seconds>, "purpose", "access_policy", …}, …]``
    """
    return (yield from _listed(settings, "files", "data"))


@blocking
def get_file(file_id: str, **settings: Any) -> Flow[dict[str, Any]]:
    """What :func:`get_files` says of one file."""
    return _record((yield from _ask(settings, "GET", f"files/{files.path_segment(file_id)}", "files")), "files")


@blocking
def get_file_content(file_id: str, **settings: Any) -> Flow[bytes]:
    """The bytes of a file, uploaded or generated (a picture that the model drew, the results of a batch)."""
    transport, timeout = _way(settings)
    data, _ = yield Do(files.download, transport, file_id, timeout=timeout)
    return data  # type: ignore[no-any-return]


@blocking
def delete_file(file_id: str, **settings: Any) -> Flow[dict[str, Any]]:
    """Delete a file for good: ``{"id": …, "deleted": True, …}``. A second time it is ``NotFoundError``."""
    transport, timeout = _way(settings)
    reply: Reply = yield Do(files.delete, transport, file_id, timeout=timeout)
    return _record(reply.json(), "files")


@blocking
def check_ai(text: str, model: str = CHECKER, **settings: Any) -> Flow[dict[str, Any]]:
    """Whether a model wrote this: ``{"category": "ai" | "human" | "mixed", "characters", "tokens", "ai_intervals"}``.

    For Russian text of 20 words and more; most accounts outside the scope CORP get ``PermissionDeniedError``.
    ``model``: "GigaCheckClassification", or "GigaCheckDetection", which fills ``ai_intervals`` (``[[1, 120], …]``).
    """
    if not isinstance(text, str) or not text.strip():
        raise InvalidRequestError("text", "must be a string with words in it")
    body = {"model": model.removeprefix("gigachat/"), "input": text}
    return _record((yield from _ask(settings, "POST", "ai/check", "ai_check", body)), "ai/check")


@blocking
def validate_function(
    function: Mapping[str, Any] | Sequence[Mapping[str, Any]], **settings: Any
) -> Flow[list[dict[str, Any]]]:
    """What GigaChat says of tools, after the mapping that they get in a call: one entry a function, in order.

    ``function`` is one tool or a list of them, in any form a call takes (OpenAI's, Anthropic's, GigaChat's own).
    ``[{"name": <yours>, "function": <as sent>, "message", "errors": [{"description", "schema_location"}], "warnings"},
    …]``; ``errors`` is empty for a valid one. Built-in functions are listed, but there is nothing in them to check.
    """
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


acount_tokens = for_task(count_tokens)
alist_models = for_task(list_models)
aget_model = for_task(get_model)
abalance = for_task(balance)
aget_files = for_task(get_files)
aget_file = for_task(get_file)
aget_file_content = for_task(get_file_content)
adelete_file = for_task(delete_file)
acheck_ai = for_task(check_ai)
avalidate_function = for_task(validate_function)


# --- what they share ---------------------------------------------------------------------------------


def _way(settings: Mapping[str, Any]) -> tuple[Transport, float]:
    overrides = Overrides(**settings)
    return transport_for(resolve(overrides)), seconds(overrides.timeout, DEFAULT_TIMEOUT)


def _ask(settings: Mapping[str, Any], method: str, path: str, where: str, body: Any = None) -> Flow[Any]:
    transport, timeout = _way(settings)
    url = transport.settings.url(path)
    reply: Reply = yield Do(transport.arequest, method, url, json=body, timeout=timeout, where=where)
    return reply.json()


def _listed(settings: Mapping[str, Any], path: str, key: str) -> Flow[list[dict[str, Any]]]:
    """The rows that ``GET path`` has under ``key``."""
    data = yield from _ask(settings, "GET", path, path)
    rows = data.get(key) if isinstance(data, Mapping) else None
    return [dict(row) for row in _rows(rows, path)]


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
