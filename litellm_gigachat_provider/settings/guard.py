"""The rule that keeps secrets home.

What decides where a key or token is sent, or how the peer is verified, comes only from the constructor, the
environment or ``.env``. A request that carries such a name is refused before anything is sent: on a LiteLLM
proxy every client may put any field into its request body, and LiteLLM hands them all to the provider.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..errors import InvalidRequestError

if TYPE_CHECKING:
    from .values import Settings

_REMEDY = "Set it in the environment (GIGACHAT_...) or in the GigaChatLLM constructor; a request cannot change it"

# Names after lower-casing, without a "gigachat_" prefix; compared without what separates their words.
_EXACT = frozenset(
    name.replace("_", "")
    for name in (
        "auth_url", "oauth_url", "token_url", "base_url", "chat_v2_url", "auth", "auth_mode", "env_file",
        "credentials", "credential", "auth_key", "authorization_key", "authorization", "access_token", "token",
        "bearer", "bearer_token", "client_id", "client_secret", "password", "passwd", "username",
        "user_password", "ca", "cafile", "capath", "cacert", "cacerts", "insecure", "trust_env", "trust_store",
        "truststore", "limit_url", "proxy", "proxies", "http_proxy", "https_proxy", "all_proxy", "no_proxy", "mounts",
    )
)  # fmt: skip
_PREFIXES = (
    "verify",
    "ssl_",
    "tls_",
    "ca_",
    "cert",
    "key_file",
    "keyfile",
    "client_cert",
    "client_key",
    "auth_header",
    "oauth_",
)
# Harmless in a body of OpenAI's making, a credential when spelt as ours.
_ONLY_PREFIXED = frozenset({"user", "api_key", "api_base", "key", "host", "url"})
# LiteLLM takes these two for itself (and the proxy refuses them in request bodies), so they only turn up nested.
_ONLY_NESTED = frozenset({"api_key", "api_base"})
_LITELLM_PARAMS = (
    "ssl_verify", "client_id", "client_secret", "gigachat_auth_url", "gigachat_access_token", "gigachat_credentials",
    "gigachat_verify_ssl_certs", "gigachat_base_url", "gigachat_ca_bundle_file",
)  # fmt: skip

_HEADERS = frozenset(
    {
        "authorization", "proxy-authorization", "host", "cookie", "content-length", "transfer-encoding",
        "connection", "upgrade", "te", "trailer", "keep-alive", "proxy-connection",
    }
)  # fmt: skip
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_BROKEN_VALUE = re.compile(r"[\r\n\0]")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_HEADER_FIELDS = ("extra_headers", "headers", "default_headers")


def _normal(name: str) -> tuple[str, bool]:
    """The name in its plain spelling, and whether it came with our prefix."""
    plain = _CAMEL.sub("_", name.strip()).lower().replace("-", "_").replace(".", "_").replace(" ", "_")
    for prefix in ("x_gigachat_", "gigachat_", "giga_chat_", "gigachat"):
        if plain.startswith(prefix) and len(plain) > len(prefix):
            return plain[len(prefix) :].strip("_"), True
    return plain.strip("_"), False


@lru_cache(maxsize=1024)
def _steers(name: str) -> bool:
    """Whether a field of this name would steer a secret or the verification."""
    plain, prefixed = _normal(name)
    return plain.replace("_", "") in _EXACT or plain.startswith(_PREFIXES) or (prefixed and plain in _ONLY_PREFIXED)


def refuse_redirects(
    params: Mapping[str, Any],
    headers: Mapping[str, Any] | None,
    litellm_params: Mapping[str, Any] | None = None,
    *,
    settings: Settings | None = None,
) -> None:
    """Raise ``InvalidRequestError`` when a request tries to steer a secret or weaken verification.

    ``params`` are LiteLLM's ``optional_params``, ``headers`` the merged request headers. ``None`` values count
    as absent: LiteLLM fills many names with them. With ``settings`` the fixed header's name is protected too.
    """
    own = settings.auth_header[0].lower() if settings is not None and settings.auth_header else ""
    if headers:
        _check_headers(headers, "extra_headers", own)
    _check_fields(params, "", own)
    if litellm_params:
        for name in _LITELLM_PARAMS:
            if litellm_params.get(name) is not None:
                raise _refusal(name)


def _check_fields(fields: Mapping[str, Any], path: str, own: str) -> None:
    for name, value in fields.items():
        if value is None or not isinstance(name, str):
            continue
        if name in _HEADER_FIELDS:
            if isinstance(value, Mapping):
                _check_headers(value, path + name, own)
        elif name == "extra_body":
            for where, nested in _nested(value, path + name):
                _check_fields(nested, where + ".", own)
        elif (_steers(name) if len(name) <= 64 else _steers.__wrapped__(name)) or (path and name in _ONLY_NESTED):
            raise _refusal(path + name)


def _nested(value: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """``extra_body``, and one inside it, without recursing into what the caller made cyclic."""
    seen: set[int] = set()
    while isinstance(value, Mapping) and id(value) not in seen:
        seen.add(id(value))
        inner = value.get("extra_body")
        yield path, {name: item for name, item in value.items() if name != "extra_body"}
        value, path = inner, f"{path}.extra_body"


def _check_headers(headers: Mapping[str, Any], path: str, own: str) -> None:
    for name, value in headers.items():
        plain = str(name).strip().lower().replace("_", "-")
        if plain in _HEADERS or (own and plain == own.replace("_", "-")):
            raise _refusal(f"{path}.{name}")
        if not HEADER_NAME.match(str(name)):
            raise InvalidRequestError(path, "a header name has characters that HTTP does not allow")
        if value is not None and _BROKEN_VALUE.search(str(value)):
            raise InvalidRequestError(f"{path}.{name}", "a header value has a line break or a null byte")


def _refusal(field: str) -> InvalidRequestError:
    shown = field if len(field) <= 80 else field[:80] + "…"
    return InvalidRequestError(
        shown, "a request may not decide where a credential goes or how the server is verified", _REMEDY
    )
