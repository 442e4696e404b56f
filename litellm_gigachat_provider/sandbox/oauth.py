"""Accounts, authorization keys and tokens: who may ask, and until when."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .rules.refusal import EXPIRED, UNAUTHORIZED, OAuthRefusal, Refusal

SCOPES: Final = ("GIGACHAT_API_PERS", "GIGACHAT_API_B2B", "GIGACHAT_API_CORP")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_JWE_PARTS: Final = (342, 22, 700, 43)  # lengths of the parts after the header; the whole is near 1.2 k characters


@dataclass(frozen=True)
class Account:
    """A project: its key pair and the scope it was sold with."""

    client_id: str
    client_secret: str
    scope: str

    @property
    def credentials(self) -> str:
        """The authorization key as users paste it: base64 of ``id:secret``."""
        return base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()


def account(number: int, scope: str) -> Account:
    """The ``number``-th fake account: the same in every sandbox, and plainly no real key."""
    return Account(str(uuid.UUID(int=2 * number)), str(uuid.UUID(int=2 * number + 1)), scope)


def fingerprint(secret: str) -> str:
    return "sha256:" + hashlib.sha256(secret.encode()).hexdigest()[:16]


@dataclass
class Token:
    value: str
    account: Account
    expires: float  # Unix seconds


class TokenOffice:
    """Issues and checks tokens. ``clock`` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._accounts: dict[str, Account] = {}
        self._users: dict[str, tuple[str, Account]] = {}
        self._tokens: dict[str, Token] = {}
        self._request_ids: set[str] = set()
        self._issued = 0

    def add(self, new: Account) -> Account:
        self._accounts[new.client_id] = new
        return new

    def add_user(self, user: str, password: str, owner: Account) -> None:
        self._users[user] = (password, owner)

    def reset(self) -> None:
        self._tokens.clear()
        self._request_ids.clear()

    def issue(self, owner: Account, ttl: float) -> Token:
        self._issued += 1
        token = Token(_jwe(f"{owner.client_id}/{owner.scope}/{self._issued}"), owner, self._clock() + ttl)
        self._tokens[token.value] = token
        return token

    def revoke(self) -> None:
        """All tokens become unknown: 401 ``Unauthorized``."""
        self._tokens.clear()

    def expire(self) -> None:
        """All tokens are past their time: 401 ``Token has expired``."""
        for token in self._tokens.values():
            token.expires = self._clock() - 1

    def bearer(self, authorization: str | None) -> Account:
        """The account of ``Authorization: Bearer …``; 401 otherwise."""
        scheme, _, value = (authorization or "").partition(" ")
        token = self._tokens.get(value.strip())
        if scheme != "Bearer" or token is None:
            raise Refusal(401, UNAUTHORIZED)
        if token.expires <= self._clock():
            raise Refusal(401, EXPIRED)
        return token.account

    def key(self, authorization: str | None, request_id: str | None, scope: str | None) -> Account:
        """The account an OAuth request may get a token for; codes 1, 4, 5, 6, 7 as observed."""
        client_id, secret = _basic(authorization)
        self._check_request_id(request_id)
        if not scope:
            raise OAuthRefusal(400, 5, "scope is empty")
        if scope not in SCOPES:
            raise OAuthRefusal(400, 1, "scope data format invalid")
        owner = self._accounts.get(client_id)
        if owner is None or owner.client_secret != secret:
            raise OAuthRefusal(401, 6, "credentials doesn't match db data")
        if owner.scope != scope:
            raise OAuthRefusal(400, 7, "scope from db not fully includes consumed scope")
        return owner

    def user(self, authorization: str | None) -> Account:
        """The account of a user and password."""
        try:
            name, password = _basic(authorization)
        except OAuthRefusal as refusal:
            raise Refusal(401, UNAUTHORIZED, refusal.message) from refusal
        known = self._users.get(name)
        if known is None or known[0] != password:
            raise Refusal(401, UNAUTHORIZED, "wrong user or password")
        return known[1]

    def _check_request_id(self, request_id: str | None) -> None:
        # The text of this refusal was never published; what matters is the 400.
        if request_id is None or not _UUID.fullmatch(request_id):
            raise OAuthRefusal(400, 2, "RqUID header is missing or is not a uuid")
        if request_id in self._request_ids:
            raise OAuthRefusal(400, 2, "RqUID has been used already")
        self._request_ids.add(request_id)


def _basic(authorization: str | None) -> tuple[str, str]:
    scheme, _, value = (authorization or "").partition(" ")
    try:
        if scheme != "Basic":
            raise ValueError(scheme)
        name, colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
        if not colon:
            raise ValueError("no colon")
    except (ValueError, binascii.Error) as error:
        raise OAuthRefusal(400, 4, "Can't decode 'Authorization' header") from error
    return name, secret


def _jwe(seed: str) -> str:
    """Five dot-joined parts like the real token: opaque, about 1.2 k characters, the same for the same seed."""
    header = json.dumps({"cty": "jwt", "enc": "A256CBC-HS512", "alg": "RSA-OAEP-256"})
    parts = [base64.urlsafe_b64encode(header.encode()).decode().rstrip("=")]
    for number, length in enumerate(_JWE_PARTS):
        raw = hashlib.shake_256(f"{seed}/{number}".encode()).digest(length)
        parts.append(base64.urlsafe_b64encode(raw).decode()[:length])
    return ".".join(parts)
