"""The four places a setting may stand in, read but not judged: constructor, call, environment, ``.env``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..errors import InvalidRequestError
from . import environment as env
from .values import Overrides, Secret


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

    def variable(self, name: str) -> Found | None:
        """What the environment says, or else ``.env``."""
        return self.in_environ(name) or _first(name, self.dotenv, f" in {self.dotenv_path}")

    def in_environ(self, name: str) -> Found | None:
        return _first(name, self.environ)

    def find(self, name: str, called: Any = None, called_as: str = "") -> Found | None:
        given = self.constructor(name)
        if given is None and called:
            given = Found(called, f"{called_as} of the call")
        return given or self.variable(name)


def _first(name: str, values: Mapping[str, str], suffix: str = "") -> Found | None:
    """The first of the setting's variables that has a value."""
    return next((Found(values[name], name + suffix) for name in env.VARIABLES[name] if name in values), None)


def take_levels(overrides: Overrides, call: Call, taken: env.Snapshot, dotenv: env.DotEnv) -> Levels:
    """Read both variable sources. A ``.env`` that cannot be read is told, not raised: it may not be needed."""
    environ = env.decode(taken)
    try:
        return Levels(overrides, call, environ, env.read(dotenv), dotenv.path)
    except InvalidRequestError as error:
        return Levels(overrides, call, environ, {}, dotenv.path, error)
