"""The values themselves: a secret, the settings of a call, what the constructor was given."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NoReturn

import httpx

from .timeouts import plain

ApiVersion = Literal["v1", "v2", "auto"]
AuthMode = Literal["header", "token", "key", "password", "mtls"]

DEFAULT_BASE_URL = "https://api.giga.chat/v1"
DEFAULT_AUTH_URL = "https://ngw.devices.sberbank.ru:9443/api/v2/oauth"
DEFAULT_SCOPE = "GIGACHAT_API_PERS"

_LAST_VERSION = re.compile(r"/v\d+$")


class Secret:
    """A string that does not show itself: ``repr``, ``str`` and ``format`` give a SHA-256 fingerprint.

    Equality and hash go by the whole digest, so a Secret can be part of a cache key. Call :meth:`reveal`
    only inside the expression that needs the value, so that no local variable ever holds it.
    """

    __slots__ = ("_value", "digest")

    digest: str
    """SHA-256 of the value, 64 hexadecimal digits."""

    def __init__(self, value: str) -> None:
        self._value = value
        self.digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return f"Secret(sha256:{self.digest[:8]})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: Any) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: hand the settings over in the environment instead")


def as_secret(value: str | Secret | None) -> Secret | None:
    return value if value is None or isinstance(value, Secret) else Secret(value)


@dataclass(frozen=True)
class Settings:
    """Everything a call needs to know about its destination. Hashable; secrets count by their digest.

    ``base_url`` is the v1 base without a trailing slash; ``client_id`` is the end user's ``X-Client-ID``,
    which GigaChat makes part of file ownership and which is therefore part of the tenant.
    """

    credentials: Secret | None = None
    access_token: Secret | None = None
    user: str | None = None
    password: Secret | None = None
    auth_header: tuple[str, Secret] | None = None
    scope: str = DEFAULT_SCOPE
    base_url: str = DEFAULT_BASE_URL
    chat_v2_url: str | None = None
    auth_url: str = DEFAULT_AUTH_URL
    verify: bool = True
    ca_bundle_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    key_file_password: Secret | None = None
    api_version: ApiVersion | None = None
    max_concurrency: int | None = None
    limit_url: Secret | None = None
    client_id: str | None = None

    def url(self, path: str) -> str:
        """``url("chat/completions")`` is the v1 address of that method."""
        return f"{self.base_url}/{path}"

    @cached_property
    def v2_chat_url(self) -> str:
        """Address of v2 chat: the trailing ``/vN`` of the base becomes ``/v2``, as the official SDK does it."""
        return self.chat_v2_url or f"{_LAST_VERSION.sub('', self.base_url)}/v2/chat/completions"

    @cached_property
    def auth_mode(self) -> AuthMode:
        """What proves who we are, in the official SDK's order; a fixed header before a bare client certificate."""
        if self.access_token:
            return "token"
        if self.credentials:
            return "key"
        if self.user and self.password:
            return "password"
        return "header" if self.auth_header else "mtls"

    @property
    def renewable(self) -> bool:
        """Whether a new token can be fetched when the present one is refused."""
        return bool(self.credentials or (self.user and self.password))

    @property
    def token_url(self) -> str:
        """Where tokens come from: OAuth for an authorization key, ``{base_url}/token`` for user and password."""
        return self.auth_url if self.credentials or not self.user else self.url("token")

    @cached_property
    def tls_key(self) -> Hashable:
        """The TLS identity: what is trusted and which certificate is shown."""
        return (self.verify, self.ca_bundle_file, self.cert_file, self.key_file, self.key_file_password)

    @cached_property
    def token_key(self) -> Hashable:
        """What a token belongs to. Base URL, end user and contract do not matter to it (but for ``/token``)."""
        proof = (self.access_token, self.credentials, self.user, self.password, self.auth_header)
        return (self.token_url, proof, self.scope, self.tls_key)

    @cached_property
    def tenant_key(self) -> Hashable:
        """Everything, the end user's id included: what a file id or a session belongs to."""
        return (self.token_key, self.base_url, self.chat_v2_url, self.auth_url, self.client_id)

    @cached_property
    def account(self) -> str:
        """Whose generations count together, as 64 hexadecimal digits: the same in every process."""
        header = self.auth_header[1] if self.auth_header else None
        proofs = (self.credentials, self.access_token, self.password, header)
        parts = [secret.digest if secret else "" for secret in proofs]
        parts += [self.user or "", self.cert_file or "", self.base_url]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @cached_property
    def tenant_digest(self) -> str:
        """One-way mark of the tenant, 64 hexadecimal digits: part of the ids of its conversations."""
        return hashlib.sha256(repr(self.tenant_key).encode()).hexdigest()


@dataclass(frozen=True)
class Overrides:
    """What ``GigaChatLLM(...)`` was given. ``None`` or an empty string means "not given here".

    ``credentials`` is the authorization key, or ``"client_id:client_secret"``. ``timeout`` is in seconds, a day
    at most; of an ``httpx.Timeout`` its ``read`` counts.
    ``env_file`` names the ``.env`` to read instead of the first one found from the working directory upward;
    ``env_file=False`` reads none.
    """

    credentials: str | Secret | None = None
    access_token: str | Secret | None = None
    user: str | None = None
    password: str | Secret | None = None
    auth_header: tuple[str, str | Secret] | None = None
    scope: str | None = None
    base_url: str | None = None
    chat_v2_url: str | None = None
    auth_url: str | None = None
    verify: bool | str | None = None
    ca_bundle_file: str | os.PathLike[str] | None = None
    cert_file: str | os.PathLike[str] | None = None
    key_file: str | os.PathLike[str] | None = None
    key_file_password: str | Secret | None = None
    api_version: str | None = None
    max_concurrency: int | str | None = None
    limit_url: str | Secret | None = None
    client_id: str | None = None
    timeout: float | httpx.Timeout | None = None
    env_file: str | os.PathLike[str] | Literal[False] | None = None

    def __post_init__(self) -> None:
        for name in ("credentials", "access_token", "password", "key_file_password", "limit_url"):
            object.__setattr__(self, name, as_secret(getattr(self, name)))
        object.__setattr__(self, "timeout", plain(self.timeout))
        for name in ("ca_bundle_file", "cert_file", "key_file", "env_file"):
            value = getattr(self, name)
            if isinstance(value, os.PathLike):
                object.__setattr__(self, name, os.fspath(value))
        if self.auth_header is not None:
            name, value = self.auth_header
            object.__setattr__(self, "auth_header", (name, as_secret(value)))


NO_OVERRIDES = Overrides()


@dataclass(frozen=True)
class SettingSource:
    """One line of ``explain``: the setting, its value with secrets masked, its origin, what is wrong with it."""

    name: str
    value: str
    source: str
    problem: str = ""
