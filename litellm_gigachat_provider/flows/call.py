"""From LiteLLM's keyword arguments to one :class:`Call`: settings, headers, time limit, parameters."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import InvalidRequestError
from ..models import Model, find
from ..request.session import session_id
from ..settings import Overrides, Settings, refuse_redirects, resolve
from ..settings.timeouts import seconds
from ..transport.client import Transport, transport_for
from ..types import Contract

# What says how the call is made, not what its body holds: read here, so it must not stay behind in extra_body.
_CALL_WORDS = frozenset(
    {
        "api_version", "gigachat_scope", "gigachat_delete_files", "gigachat_session_affinity", "session_id",
        "prompt_cache_key", "metadata", "user",
    }
)  # fmt: skip


@dataclass(slots=True)
class Call:
    """One call of the user. ``params`` are the caller's, with what belongs to transport and settings taken out."""

    model: str
    params: dict[str, Any]
    settings: Settings
    transport: Transport
    headers: dict[str, str]
    deadline: float  # time.monotonic() seconds
    timeout: float  # seconds
    drop_params: bool
    messages: Any = None
    client: Any = None
    logging: Any = None
    delete_files: bool = False

    @property
    def info(self) -> Model:
        return find(self.model)

    def remaining(self) -> float:
        """Seconds left of the whole call; never below a millisecond, so that the limit fails as a timeout."""
        return max(0.001, self.deadline - time.monotonic())

    def contract(self) -> Contract:
        """Which contract to speak first; ``auto`` is settled by the chat flow."""
        return "v2" if self.settings.api_version in {"v2", "auto"} else "v1"

    def chat_url(self, contract: Contract) -> str:
        return self.settings.v2_chat_url if contract == "v2" else self.settings.url("chat/completions")


def prepare(overrides: Overrides, kwargs: Mapping[str, Any], *, drop_params: bool = False) -> Call:
    """Read what LiteLLM handed over. Raises ``InvalidRequestError`` or ``CredentialsError`` before any network."""
    params = dict(kwargs.get("optional_params") or {})
    litellm_params: Mapping[str, Any] = kwargs.get("litellm_params") or {}
    # of pictures and embeddings LiteLLM hands the headers on as a parameter
    given: Mapping[str, Any] = (kwargs["headers"] if "headers" in kwargs else params.get("extra_headers")) or {}
    refuse_redirects(params, given, litellm_params)
    _lift(params)
    headers = {str(key): str(value) for key, value in given.items()}
    client_id = next((value for key, value in headers.items() if key.lower() == "x-client-id"), None)
    settings = resolve(
        overrides,
        api_key=_own_key(kwargs.get("api_key")),
        api_base=kwargs.get("api_base"),
        api_version=params.pop("api_version", None) or litellm_params.get("api_version"),
        scope=params.pop("gigachat_scope", None) or params.pop("scope", None) or litellm_params.get("gigachat_scope"),
        client_id=client_id,
    )
    if settings.auth_header is not None:
        refuse_redirects({}, given, settings=settings)  # its name is known only now
    if settings.client_id and settings.client_id != client_id:  # the constructor's wins, and it is the tenant's mark
        headers = {key: value for key, value in headers.items() if key.lower() != "x-client-id"}
        headers["X-Client-ID"] = settings.client_id
    timeout = seconds(overrides.timeout if overrides.timeout is not None else kwargs.get("timeout"))
    messages = kwargs.get("messages")
    session = session_id(headers, params, litellm_params, messages, settings.tenant_digest)
    if session is not None:
        headers.setdefault("X-Session-ID", session)
    return Call(
        model=kwargs["model"],
        params=params,
        settings=settings,
        transport=transport_for(settings),
        headers=headers,
        deadline=time.monotonic() + timeout,
        timeout=timeout,
        drop_params=drop_params or bool(litellm_params.get("drop_params")),
        messages=messages,
        client=kwargs.get("client"),
        logging=kwargs.get("logging_obj"),
        delete_files=_delete_files(params),
    )


def _own_key(api_key: str | None) -> str | None:
    """None where LiteLLM took the key from the environment itself: there our own order of precedence holds."""
    if api_key and api_key in (os.environ.get("GIGACHAT_API_KEY"), os.environ.get("GIGACHAT_CREDENTIALS")):
        return None
    return api_key


def _lift(params: dict[str, Any]) -> None:
    """Words of the call out of ``extra_body``, where OpenAI's SDK has callers put them; a plain parameter wins."""
    extra = params.get("extra_body")
    if not isinstance(extra, Mapping) or _CALL_WORDS.isdisjoint(extra):
        return
    params["extra_body"] = {key: value for key, value in extra.items() if key not in _CALL_WORDS}
    for word in _CALL_WORDS.intersection(extra):
        if params.get(word) is None:
            params[word] = extra[word]


def _delete_files(params: dict[str, Any]) -> bool:
    """Taken out of ``params``: an order to this package, not a word of the wire."""
    wanted = params.pop("gigachat_delete_files", None)
    if wanted is not None and not isinstance(wanted, bool):
        raise InvalidRequestError("gigachat_delete_files", f"{wanted!r} is not true or false")
    return bool(wanted)


def as_v1(call: Call) -> Call:
    """The same call on the v1 contract."""
    return replace(call, settings=replace(call.settings, api_version="v1"))
