"""What the checks of ``doctor`` take and give."""

from __future__ import annotations

import base64
import getpass
import re
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit

from ..errors import GigaChatError
from ..settings import Settings, resolve
from ..settings import environment as env
from ..settings.parsing import decode_key
from .output import shortened

OK, WARN, FAIL, SKIP = "OK", "WARN", "FAIL", "-"
_SECRET_SETTINGS = (
    "credentials", "oauth_client_id", "oauth_client_secret", "access_token", "user", "password", "auth_header_value",
    "key_file_password",
)  # fmt: skip
_SHORTEST = 4  # characters; replacing shorter values would mangle ordinary words


@dataclass(frozen=True)
class Check:
    """One finding. ``rows`` are a table under it; ``data`` is more of it for ``--json``."""

    status: str
    detail: str
    remedy: str = ""
    headers: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    data: Any = None
    blocked: bool = False

    def as_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {"status": "SKIP" if self.status == SKIP else self.status, "detail": self.detail}
        if self.remedy:
            found["remedy"] = self.remedy
        if self.rows:
            names = [header.lower() for header in self.headers]
            found["rows"] = [dict(zip(names, row, strict=True)) for row in self.rows]
        if self.data is not None:
            found["data"] = self.data
        return found


class Patient:
    """What is examined, and what one check leaves for the next."""

    def __init__(self, model: str, timeout: float) -> None:
        self.model = model
        self.timeout = timeout
        self.probes: dict[str, Any] = {}

    @cached_property
    def resolved(self) -> Settings | GigaChatError:
        try:
            return resolve()
        except GigaChatError as error:
            return error

    @property
    def settings(self) -> Settings:
        """Only for checks that need the settings in order."""
        assert isinstance(self.resolved, Settings)
        return self.resolved

    @cached_property
    def variables(self) -> dict[str, str]:
        """The known variables with a value: the environment's, then those of ``.env``."""
        found = dict(env.decode(env.snapshot()))
        try:
            dotenv = env.read(env.locate(None))
        except GigaChatError:
            dotenv = {}
        return {**dotenv, **found}

    @cached_property
    def _secrets(self) -> list[str]:
        return sorted({text for text in self._secret_texts() if len(text) >= _SHORTEST}, key=len, reverse=True)

    def _secret_texts(self) -> Iterator[str]:
        """Every spelling in which a secret could turn up in an error text of the network."""
        names = [name for setting in _SECRET_SETTINGS for name in env.VARIABLES[setting]]
        for value in (self.variables[name] for name in names if name in self.variables):
            yield value
            yield max(value.split(), key=len)  # without a pasted "Basic " before it
            yield base64.b64encode(value.encode("utf-8", "surrogateescape")).decode()
            pair = decode_key(value) or (value if ":" in value else None)
            if pair is not None:
                yield pair
                yield from pair.split(":", 1)
                yield base64.b64encode(pair.encode("utf-8", "surrogateescape")).decode()
        for proxy in urllib.request.getproxies().values():
            try:
                parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
            except ValueError:
                continue
            for login in (parts.username, parts.password):
                if login:
                    yield from (login, unquote(login))

    @cached_property
    def _user(self) -> re.Pattern[str] | None:
        """The account's name, where it is a word of its own. ``root`` says nothing about anyone."""
        try:
            name = getpass.getuser()
        except (OSError, KeyError, ImportError):
            return None
        if len(name) < _SHORTEST or name == "root":
            return None
        return re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])")

    def clean(self, check: Check) -> Check:
        """The same finding, fit for the public whatever an error text quoted."""
        return replace(
            check,
            detail=self._text(check.detail),
            remedy=self._text(check.remedy),
            rows=[[self._any(value) for value in row] for row in check.rows],
            data=self._any(check.data),
        )

    def _any(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return {key: self._any(item) for key, item in value.items()}
        return [self._any(item) for item in value] if isinstance(value, (list, tuple)) else value

    def _text(self, text: str) -> str:
        text = shortened(text)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return self._user.sub("***", text) if self._user is not None else text
