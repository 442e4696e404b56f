"""The four places a setting may stand in, read but not judged: constructor, call, environment, ``.env``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
