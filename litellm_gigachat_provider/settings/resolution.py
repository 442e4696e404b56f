"""Putting the levels together: constructor, call, environment, ``.env``, defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from ..errors import CredentialsError, GigaChatError, InvalidRequestError
from . import (
    DEFAULT_AUTH_URL,
    DEFAULT_BASE_URL,
    DEFAULT_SCOPE,
    Overrides,
    Secret,
    Settings,
    SettingSource,
)
from . import environment as env
from . import parsing as read

# LiteLLM (1.106) fills this in when nobody gave an api_base, so as a call's value it says nothing.
LITELLM_DEFAULT_BASE = "https://gigachat.devices.sberbank.ru/api/v1"

_LOOKED_UP = (
    "GIGACHAT_CREDENTIALS, GIGACHAT_AUTH_KEY, GIGACHAT_API_KEY, GIGACHAT_CLIENT_ID with GIGACHAT_CLIENT_SECRET, "
    "GIGACHAT_ACCESS_TOKEN, GIGACHAT_USER with GIGACHAT_PASSWORD, GIGACHAT_AUTH_HEADER_NAME with "
    "GIGACHAT_AUTH_HEADER_VALUE, GIGACHAT_CERT_FILE"
)


class Found(NamedTuple):
    """A raw value and, in words for people, where it stood."""

    value: Any
    source: str


class Call(NamedTuple):
    """What LiteLLM handed over with one call. The key is wrapped, so that no frame shows it."""

    api_key: Secret | None = None
    api_base: str | None = None
    api_version: str | None = None
    scope: str | None = None
    client_id: str | None = None


@dataclass(frozen=True)
class Levels:
    """The four places a setting may stand in, highest first."""

    overrides: Overrides
    call: Call
    environ: Mapping[str, str] = field(repr=False)
    dotenv: Mapping[str, str] = field(repr=False)
    dotenv_path: str | None = None
    dotenv_problem: InvalidRequestError | None = None

    def constructor(self, name: str) -> Found | None:
        value = getattr(self.overrides, name, None)
        return None if value is None or value == "" else Found(value, f"{name} of the constructor")

    def variables(self, *names: str) -> Iterator[Found]:
        """Values of these settings in the environment, then in ``.env``."""
        for values, suffix in ((self.environ, ""), (self.dotenv, f" in {self.dotenv_path}")):
            for variable in (variable for name in names for variable in env.VARIABLES[name]):
                if variable in values:
                    yield Found(values[variable], variable + suffix)

    def find(self, name: str, called: Any = None, called_as: str = "") -> Found | None:
        given = self.constructor(name)
        if given is None and called:
            given = Found(called, f"{called_as} of the call")
        return given or next(self.variables(name), None)


def take_levels(overrides: Overrides, call: Call, taken: env.Snapshot, dotenv: env.DotEnv) -> Levels:
    """Read both variable sources. A ``.env`` nobody named and nobody needs may be unreadable."""
    values: Mapping[str, str] = {}
    problem: InvalidRequestError | None = None
    try:
        values = env.read(dotenv)
    except InvalidRequestError as error:
        if dotenv.explicit:
            raise
        problem = error
    return Levels(overrides, call, env.decode(taken), values, dotenv.path, problem)


# --- who we are --------------------------------------------------------------------------------------

Proof = dict[str, Any]  # the credential fields of Settings


def find_proof(levels: Levels) -> tuple[Proof, str]:
    """The credentials of the highest level that has any, and where they stood.

    A level is taken as a whole: a call's ``api_key`` must not be outdone by another mode in the environment,
    nor mixed with it. The environment may be completed by ``.env`` (id here, secret there), never the reverse.
    """
    for attempt in (_from_constructor, _from_call, _from_environ, _from_both):
        proof, source = attempt(levels)
        if proof:
            return proof, source
    if levels.find("cert_file"):
        return {}, "client certificate"
    if levels.dotenv_problem is not None:
        raise levels.dotenv_problem
    raise CredentialsError(
        f"no GigaChat credential: neither api_key nor any of {_LOOKED_UP} is set (in the environment or .env); "
        f"{read.WHERE_KEYS_COME_FROM} into GIGACHAT_CREDENTIALS"
    )


def _from_constructor(levels: Levels) -> tuple[Proof, str]:
    given = levels.overrides
    values: dict[str, Any] = {
        "access_token": given.access_token, "credentials": given.credentials, "user": given.user,
        "password": given.password,
    }  # fmt: skip
    if given.auth_header is not None:
        values["auth_header_name"], values["auth_header_value"] = given.auth_header
    return _proof({name: Found(value, f"{name} of the constructor") for name, value in values.items() if value})


def _from_call(levels: Levels) -> tuple[Proof, str]:
    key = levels.call.api_key
    return _proof({"credentials": Found(key, "api_key")}) if key else ({}, "")


def _from_environ(levels: Levels) -> tuple[Proof, str]:
    return _from_variables([(levels.environ, "")])


def _from_both(levels: Levels) -> tuple[Proof, str]:
    return _from_variables([(levels.environ, ""), (levels.dotenv, f" in {levels.dotenv_path}")])


_PROOF_NAMES = (
    "credentials", "oauth_client_id", "oauth_client_secret", "access_token", "user", "password", "auth_header_name",
    "auth_header_value",
)  # fmt: skip


def _from_variables(sources: list[tuple[Mapping[str, str], str]]) -> tuple[Proof, str]:
    found: dict[str, Found] = {}
    for values, suffix in sources:
        for name in _PROOF_NAMES:
            variable = next((variable for variable in env.VARIABLES[name] if variable in values), None)
            if variable is not None:
                found.setdefault(name, Found(Secret(values[variable]), variable + suffix))
    return _proof(found)


def _reveal(found: Found) -> str:
    value = found.value
    return value.reveal() if isinstance(value, Secret) else str(value)


def _proof(found: Mapping[str, Found]) -> tuple[Proof, str]:
    """The fields one level yields, in the official SDK's order: ready token, key, user and password, header.

    A ready token keeps a key (or user and password) beside it, to be renewed with when it is refused.
    """
    proof: Proof = {}
    sources: list[str] = []
    key, pair = found.get("credentials"), (found.get("oauth_client_id"), found.get("oauth_client_secret"))
    token, user, password = found.get("access_token"), found.get("user"), found.get("password")
    if token:
        proof["access_token"] = Secret(read.read_token(_reveal(token), token.source))
        sources.append(token.source)
    if key and read.looks_like_token(_reveal(key)):
        proof.setdefault("access_token", Secret(read.read_token(_reveal(key), key.source)))
        sources.append(f"{key.source} (a ready token)")
        key = None
    if key:
        proof["credentials"] = Secret(read.read_key(_reveal(key), key.source))
        sources.append(key.source)
    elif pair[0] and pair[1]:
        names = f"{pair[0].source} and {pair[1].source}"
        proof["credentials"] = Secret(read.read_pair(_reveal(pair[0]), _reveal(pair[1]), names))
        sources.append(names)
    elif user and password:
        proof["user"], proof["password"] = _reveal(user), Secret(_reveal(password))
        sources.append(f"{user.source} and {password.source}")
    name, value = found.get("auth_header_name"), found.get("auth_header_value")
    if not proof and name and value:
        header, _ = read.read_header(_reveal(name), _reveal(value), name.source)
        proof["auth_header"] = (header, Secret(_reveal(value).strip()))
        sources.append(f"{name.source} and {value.source}")
    return proof, ", ".join(sources)


# --- everything else ---------------------------------------------------------------------------------


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
    proof, _ = find_proof(levels)
    values = {name: _value(levels, name)[0] for name in _READERS}
    client_id = call.client_id if overrides.client_id is None else overrides.client_id
    return Settings(**proof, **values, client_id=read.text_of(client_id))


@lru_cache(maxsize=1024)
def _wrapped(api_key: str) -> Secret | None:
    text = env.clean(api_key)
    return Secret(text) if text else None


def wrap_key(api_key: str | None) -> Secret | None:
    if api_key is not None and not isinstance(api_key, str):
        raise InvalidRequestError("api_key", f"must be a string, not {type(api_key).__name__}")
    return _wrapped(api_key) if api_key else None


def resolve_cached(
    overrides: Overrides,
    api_key: Secret | None,
    api_base: str | None,
    api_version: str | None,
    scope: str | None,
    client_id: str | None,
) -> Settings:
    for name, value in (("api_base", api_base), ("api_version", api_version), ("scope", scope)):
        if value is not None and not isinstance(value, str):
            raise InvalidRequestError(name, f"must be a string, not {type(value).__name__}")
    call = Call(api_key, api_base or None, api_version or None, scope or None, client_id or None)
    return _build(overrides, call, env.snapshot(), env.locate(overrides.env_file))


# --- doctor ------------------------------------------------------------------------------------------


def explain_settings(overrides: Overrides) -> list[SettingSource]:
    lines: list[SettingSource] = []
    dotenv = env.locate(overrides.env_file)
    try:
        levels = take_levels(overrides, Call(), env.snapshot(), dotenv)
    except InvalidRequestError as error:
        lines.append(SettingSource("env_file", str(dotenv.path), "env_file of the constructor", str(error)))
        levels = Levels(overrides, Call(), env.decode(env.snapshot()), {})
    else:
        problem = str(levels.dotenv_problem or "")
        lines.append(
            SettingSource("env_file", dotenv.path or "none found", "search from the working directory", problem)
        )
    lines.extend(_explain_proof(levels))
    lines.extend(_explain_one(levels, name) for name in _READERS)
    return lines


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
