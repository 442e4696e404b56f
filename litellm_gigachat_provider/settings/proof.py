"""Who we are: the credentials of the highest level that has any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import CredentialsError
from . import parsing as read
from .levels import Found, Levels
from .values import Overrides, Secret

_LOOKED_UP = (
    "GIGACHAT_CREDENTIALS, GIGACHAT_AUTH_KEY, GIGACHAT_API_KEY, GIGACHAT_CLIENT_ID with GIGACHAT_CLIENT_SECRET, "
    "GIGACHAT_ACCESS_TOKEN, GIGACHAT_USER with GIGACHAT_PASSWORD, GIGACHAT_AUTH_HEADER_NAME with "
    "GIGACHAT_AUTH_HEADER_VALUE, GIGACHAT_CERT_FILE"
)

Proof = dict[str, Any]  # the credential fields of Settings


def find_proof(levels: Levels) -> tuple[Proof, str]:
    """The credentials of the highest level that has any, and where they stood.

    A level is taken as a whole: a call's ``api_key`` must not be outdone by another mode in the environment,
    nor mixed with it. The environment may be completed by ``.env`` (id here, secret there), never the reverse.
    """
    key = levels.call.api_key
    for found in (
        _in_constructor(levels.overrides),
        {"credentials": Found(key, "api_key")} if key else {},
        _in_variables(levels.in_environ),
        _in_variables(levels.variable),
    ):
        proof, source = _proof(found)
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


def _in_constructor(given: Overrides) -> dict[str, Found]:
    values: dict[str, Any] = {
        "access_token": given.access_token, "credentials": given.credentials, "user": given.user,
        "password": given.password,
    }  # fmt: skip
    if given.auth_header is not None:
        values["auth_header_name"], values["auth_header_value"] = given.auth_header
    return {name: Found(value, f"{name} of the constructor") for name, value in values.items() if value}


_PROOF_NAMES = (
    "credentials", "oauth_client_id", "oauth_client_secret", "access_token", "user", "password", "auth_header_name",
    "auth_header_value",
)  # fmt: skip


def _in_variables(look_up: Callable[[str], Found | None]) -> dict[str, Found]:
    return {name: Found(Secret(found.value), found.source) for name in _PROOF_NAMES if (found := look_up(name))}


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
