"""What needs no generation: counting tokens, the models of this host, the balance of the account.

Each function takes the settings of :class:`litellm_gigachat_provider.GigaChatLLM` (``credentials``, ``scope``,
``base_url``, ``timeout`` in seconds, …) and reads the rest from the environment and ``.env``. All answer with
plain lists of dicts and raise ``litellm.exceptions`` classes; the ``a…`` twins are the same for a task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from .bridge.exceptions import to_litellm
from .errors import BadAnswerError, GigaChatError, InvalidRequestError
from .flows.flow import Do, Flow, arun, run
from .settings import Overrides, resolve
from .settings.timeouts import seconds
from .transport.client import transport_for
from .transport.replies import Reply

T = TypeVar("T")
DEFAULT_MODEL = "GigaChat-2-Max"
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


def balance(**settings: Any) -> list[dict[str, Any]]:
    """Tokens left in the account's packages: ``[{"usage": "GigaChat", "value": 900000}, …]``.

    An account that pays as it goes has no packages: the service answers 403 and ``PermissionDeniedError`` says so.
    """
    return _done(_balance(settings), "")


async def abalance(**settings: Any) -> list[dict[str, Any]]:
    """:func:`balance` for a task."""
    return await _adone(_balance(settings), "")


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


def _balance(settings: Mapping[str, Any]) -> Flow[list[dict[str, Any]]]:
    data = yield from _ask(settings, "GET", "balance", "balance")
    return [dict(row) for row in _rows(_inside(data, "balance"), "balance")]


def _ask(settings: Mapping[str, Any], method: str, path: str, where: str, body: Any = None) -> Flow[Any]:
    overrides = Overrides(**settings)
    resolved = resolve(overrides)
    transport = transport_for(resolved)
    reply: Reply = yield Do(
        transport.arequest,
        method,
        resolved.url(path),
        json=body,
        timeout=seconds(overrides.timeout, DEFAULT_TIMEOUT),
        where=where,
    )
    return reply.json()


def _inside(data: Any, key: str) -> Any:
    return data.get(key) if isinstance(data, Mapping) else None


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
