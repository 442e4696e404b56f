"""Turning what a person typed or pasted into a usable value, or into one sentence that says what is wrong.

No message here quotes a value that may be a secret.
"""

from __future__ import annotations

import base64
import re
from typing import Any, Literal
from urllib.parse import urlsplit

from ..errors import CredentialsError, InvalidRequestError
from .guard import HEADER_NAME

WHERE_KEYS_COME_FROM = (
    "create a GigaChat API project at https://developers.sber.ru and copy its authorization key ('Authorization key', "
    "«Ключ авторизации»)"
)

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
_SCHEME = re.compile(r"(?:proxy-)?(?:authorization\s*:\s*)?(?:basic|bearer)\s+|authorization\s*:\s*", re.IGNORECASE)
_VISIBLE = re.compile(r"[\x21-\x7e]+\Z")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_SCOPE = re.compile(r"[A-Za-z0-9_.:-]+(?: [A-Za-z0-9_.:-]+)*\Z")
_SHORT_SCOPES = frozenset({"PERS", "B2B", "CORP"})
_LOOPBACK = re.compile(r"localhost\Z|127(?:\.\d{1,3}){3}\Z|::1\Z|.+\.localhost\Z", re.IGNORECASE)
_PASTED_PATH = re.compile(r"/(?:chat/completions|embeddings|models|files|token)/*\Z")


def read_bool(value: bool | str, where: str) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise InvalidRequestError(
        where, "is neither true nor false", "Write true or false (1, 0, yes, no, on, off work too)"
    )


def read_count(value: int | str, where: str) -> int | None:
    """A positive number; 0 means unlimited."""
    try:
        count = int(str(value).strip())
    except ValueError:
        count = -1
    if count < 0:
        raise InvalidRequestError(
            where, "is not a whole number of 0 or more", "Write how many calls may run at once; 0 means unlimited"
        )
    return count or None


def read_version(value: str, where: str) -> Literal["v1", "v2", "auto"]:
    word = str(value).strip().lower()
    if word in {"v1", "1"}:
        return "v1"
    if word in {"v2", "2"}:
        return "v2"
    if word == "auto":
        return "auto"
    raise InvalidRequestError(where, "is not a contract of GigaChat", "Write v1, v2 or auto")


def read_scope(value: str, where: str) -> str:
    """``PERS``, ``B2B`` and ``CORP`` stand for the long names; others go as they are (the service knows best)."""
    text = _SPACE.sub(" ", str(value).strip())
    if text.upper() in _SHORT_SCOPES:
        return f"GIGACHAT_API_{text.upper()}"
    if not _SCOPE.match(text):
        raise InvalidRequestError(
            where,
            "is not a scope",
            "Write GIGACHAT_API_PERS, GIGACHAT_API_B2B or GIGACHAT_API_CORP (or PERS, B2B, CORP)",
        )
    return text.upper() if text.upper().startswith("GIGACHAT_API_") else text


def read_url(value: str, where: str, *, base: bool = False) -> str:
    """An address without a trailing slash; for a ``base`` also without a pasted method name.

    Plain http is for loopback only: the token (or the key) would travel in clear.
    """
    text = str(value).strip()
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme.lower() not in {"http", "https"} or not host or not _VISIBLE.match(text):
        raise InvalidRequestError(where, "is not an address", "Write it in full, e.g. https://api.giga.chat/v1")
    if "@" in parts.netloc:
        raise InvalidRequestError(where, "has a user or password in it", "Use GIGACHAT_USER and GIGACHAT_PASSWORD")
    if parts.fragment or (base and parts.query):
        raise InvalidRequestError(where, "has a query or a fragment", "Write only scheme, host and path")
    if parts.scheme.lower() == "http" and not _LOOPBACK.match(host):
        raise InvalidRequestError(
            where,
            f"is plain http to {host}: keys and tokens would travel in clear",
            "Use https (http is for localhost only)",
        )
    path = parts.path.rstrip("/")
    path = _PASTED_PATH.sub("", path).rstrip("/") if base else path
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{path}{query}"


def _bare(value: str) -> str:
    return _SCHEME.sub("", value.strip(), count=1) if _SCHEME.match(value.strip()) else value.strip()


def looks_like_token(value: str) -> bool:
    """A JWT or JWE: base64url of ``{"``, and dots. An authorization key has no dots."""
    text = _bare(value)
    return text.startswith("eyJ") and "." in text


def decode_key(value: str) -> str | None:
    """``client_id:client_secret`` inside a base64 key, or None. Missing padding and the URL alphabet are tolerated."""
    text = value.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        pair = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8")
    except ValueError:
        return None
    name, colon, secret = pair.partition(":")
    return pair if colon and name and secret and pair.isprintable() else None


def _encoded(pair: str) -> str:
    return base64.b64encode(pair.encode()).decode("ascii")


def read_key(value: str, where: str) -> str:
    """The authorization key as the OAuth server wants it: base64 of ``client_id:client_secret``, encoded once."""
    text = _SPACE.sub("", _bare(value))
    if text.isascii() and ":" in text and not text.lower().startswith(("http:", "https:")):
        name, _, secret = text.partition(":")
        if name and secret:
            return _encoded(text)
    pair = decode_key(text) if text.isascii() else None
    if pair is not None:
        return _encoded(pair)
    raise CredentialsError(f"{where} {_what_it_is(text)}; {WHERE_KEYS_COME_FROM}")


def _what_it_is(text: str) -> str:
    if text.lower().startswith(("sk-", "sk_", "gsk_", "xai-")):
        return "holds another provider's key, not GigaChat's"
    if text.lower().startswith(("http:", "https:")):
        return "holds an address, not a key"
    if UUID.match(text):
        return (
            "holds a bare id (a Client ID or a Client Secret), not the authorization key made of both: "
            "set GIGACHAT_CLIENT_ID and GIGACHAT_CLIENT_SECRET, or use the authorization key"
        )
    return (
        "is not a GigaChat authorization key, which is base64 of 'client_id:client_secret', about 100 characters long"
    )


def read_pair(client_id: str, client_secret: str, where: str) -> str:
    """An authorization key from id and secret; a whole key pasted in place of the secret is recognised."""
    for text in (client_id, client_secret):
        if not _VISIBLE.match(text):
            raise CredentialsError(
                f"{where} have characters that cannot be part of a client id or secret; {WHERE_KEYS_COME_FROM}"
            )
    pair = decode_key(client_secret)
    if pair is not None and pair.split(":", 1)[0].lower() == client_id.lower():
        return _encoded(pair)
    return _encoded(f"{client_id}:{client_secret}")


def read_token(value: str, where: str) -> str:
    """A ready access token, fit for a header."""
    text = _bare(value)
    pair = decode_key(text) if "." not in text else None
    if pair is not None and UUID.match(pair.split(":", 1)[0]):
        raise CredentialsError(
            f"{where} holds an authorization key, not an access token: set it as GIGACHAT_CREDENTIALS"
        )
    if not _VISIBLE.match(text):
        raise CredentialsError(f"{where} has characters that an access token cannot have; paste it again, in one line")
    return text


def read_header(name: str, value: str, where: str) -> tuple[str, str]:
    if not HEADER_NAME.match(name.strip()):
        raise InvalidRequestError(where, "is not a header name", "Write a name such as X-Client-Id")
    text = value.strip()
    if not text or not text.isascii() or not text.isprintable():
        raise CredentialsError(f"{where}: the header's value is empty or has characters that HTTP does not allow")
    return name.strip(), text


def text_of(value: Any) -> str | None:
    """A constructor or call value as text; an empty one counts as not given."""
    text = str(value).strip() if value is not None else ""
    return text or None
