"""Fixtures for everyone who installs litellm-gigachat-provider: a local GigaChat for each test.

A module of its own beside the package, because pytest loads it in every run of everybody who has the package
installed: importing the package would import LiteLLM, four seconds and a try to download a price list.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from litellm_gigachat_provider.sandbox.server import Sandbox

_PREFIX = "GIGACHAT_"


def _start(*, tls: bool) -> Sandbox:
    try:
        from litellm_gigachat_provider.sandbox.server import Sandbox

        return Sandbox(tls=tls).start()
    except ModuleNotFoundError as error:
        raise pytest.UsageError(
            f"the gigachat_sandbox fixtures need {error.name}, which comes with the sandbox extra: "
            "pip install 'litellm-gigachat-provider[sandbox]'"
        ) from error


@pytest.fixture(scope="session")
def _gigachat_sandbox_server() -> Iterator[Sandbox]:
    sandbox = _start(tls=False)
    yield sandbox
    sandbox.stop()


@pytest.fixture(scope="session")
def _gigachat_sandbox_tls_server() -> Iterator[Sandbox]:
    sandbox = _start(tls=True)
    yield sandbox
    sandbox.stop()


def _point_at(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Fresh state, and an environment in which only the sandbox's variables of this family are set."""
    sandbox.reset(new_key=True)
    for name in [name for name in os.environ if name.startswith(_PREFIX)]:
        monkeypatch.delenv(name)
    for name, value in sandbox.env.items():
        monkeypatch.setenv(name, value)
    return sandbox


@pytest.fixture
def gigachat_sandbox(_gigachat_sandbox_server: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A local GigaChat over plain HTTP; ``gigachat/…`` calls of the test reach it. See ``Sandbox`` for what it has."""
    return _point_at(_gigachat_sandbox_server, monkeypatch)


@pytest.fixture
def gigachat_sandbox_tls(_gigachat_sandbox_tls_server: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The same over HTTPS with HTTP/2; its throw-away CA is in ``GIGACHAT_CA_BUNDLE_FILE``."""
    return _point_at(_gigachat_sandbox_tls_server, monkeypatch)
