"""Putting the levels together, highest first: constructor, call, environment, ``.env``, defaults."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ..errors import GigaChatError, InvalidRequestError
from . import environment as env
from . import parsing as read
from .levels import Call, Found, Levels, take_levels
from .proof import find_proof
from .values import (
    DEFAULT_AUTH_URL,
    DEFAULT_BASE_URL,
    DEFAULT_SCOPE,
    Overrides,
    Secret,
    Settings,
    SettingSource,
)

# LiteLLM (1.106) fills this in when nobody gave an api_base, so as a call's value it says nothing.
LITELLM_DEFAULT_BASE = "https://gigachat.devices.sberbank.ru/api/v1"


def _secret(value: str | Secret, where: str) -> Secret:
    return value if isinstance(value, Secret) else Secret(value)


def _file(value: Any, where: str) -> str:
    return str(value)


def _base(value: Any, where: str) -> str:
    return read.read_url(value, where, base=True)


# Setting -> (reader, default). In the order in which `doctor` shows them.
_READERS: dict[str, tuple[Callable[[Any, str], Any], Any]] = {
    "scope": (read.read_scope, DEFAULT_SCOPE),
    "base_url": (_base, DEFAULT_BASE_URL),
    "chat_v2_url": (read.read_url, None),
    "auth_url": (read.read_url, DEFAULT_AUTH_URL),
    "verify": (read.read_bool, True),
    "ca_bundle_file": (_file, None),
    "cert_file": (_file, None),
    "key_file": (_file, None),
    "key_file_password": (_secret, None),
    "api_version": (read.read_version, None),
    "max_concurrency": (read.read_count, None),
    "limit_url": (_secret, None),
}


def _find(levels: Levels, name: str) -> Found | None:
    call = levels.call
    if name == "base_url":
        return levels.find(name, _called_base(call), "api_base")
    if name == "chat_v2_url" and _called_base(call) and not levels.constructor("base_url"):
        return levels.constructor(name)  # the environment's v2 address belongs to the environment's host
    if name == "scope":
        return levels.find(name, call.scope, "scope")
    if name == "api_version":
        return levels.find(name, call.api_version, "api_version")
    return levels.find(name)


def _called_base(call: Call) -> str | None:
    base = read.text_of(call.api_base)
    return None if base is None or base.rstrip("/") == LITELLM_DEFAULT_BASE else base


def _value(levels: Levels, name: str) -> tuple[Any, str]:
    reader, default = _READERS[name]
    found = _find(levels, name)
    return (default, "default") if found is None else (reader(found.value, found.source), found.source)


@lru_cache(maxsize=2048)
def _build(overrides: Overrides, call: Call, taken: env.Snapshot, dotenv: env.DotEnv) -> Settings:
    levels = take_levels(overrides, call, taken, dotenv)
    if levels.dotenv_problem is not None and dotenv.explicit:
        raise levels.dotenv_problem
    proof, _ = find_proof(levels)
    values = {name: _value(levels, name)[0] for name in _READERS}
    client_id = call.client_id if overrides.client_id is None else overrides.client_id
    return Settings(**proof, **values, client_id=read.text_of(client_id))


def wrap_key(api_key: str | None) -> Secret | None:
    if api_key is not None and not isinstance(api_key, str):
        raise InvalidRequestError("api_key", f"must be a string, not {type(api_key).__name__}")
    text = env.clean(api_key)
    return Secret(text) if text else None


def resolve_call(overrides: Overrides, call: Call) -> Settings:
    for name, value in (("api_base", call.api_base), ("api_version", call.api_version), ("scope", call.scope)):
        if value is not None and not isinstance(value, str):
            raise InvalidRequestError(name, f"must be a string, not {type(value).__name__}")
    return _build(overrides, call, env.snapshot(), env.locate(overrides.env_file))


# --- doctor ------------------------------------------------------------------------------------------


def explain_settings(overrides: Overrides) -> list[SettingSource]:
    dotenv = env.locate(overrides.env_file)
    levels = take_levels(overrides, Call(), env.snapshot(), dotenv)
    source = "env_file of the constructor" if dotenv.explicit else "search from the working directory"
    env_file = SettingSource("env_file", dotenv.path or "none found", source, str(levels.dotenv_problem or ""))
    return [env_file, *_explain_proof(levels), *(_explain_one(levels, name) for name in _READERS)]


def _explain_proof(levels: Levels) -> list[SettingSource]:
    try:
        proof, source = find_proof(levels)
    except GigaChatError as error:
        return [SettingSource("credentials", "not usable", "looked up everywhere", str(error))]
    mode = Settings(**proof).auth_mode
    shown = {name: value for name, value in proof.items() if name != "user"}
    value = ", ".join(f"{name} {item}" for name, item in shown.items()) or "client certificate"
    return [SettingSource("auth_mode", mode, source), SettingSource("credentials", value, source)]


def _explain_one(levels: Levels, name: str) -> SettingSource:
    try:
        value, source = _value(levels, name)
    except GigaChatError as error:
        found = _find(levels, name)
        return SettingSource(name, "not usable", found.source if found else "", str(error))
    return SettingSource(name, "-" if value is None else str(value), source)
