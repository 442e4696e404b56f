"""A server that plays what a test tells it, and the environment of a user of it."""

from __future__ import annotations

import pytest
from callers import point_at
from h2script import serving_h2_script
from loopback import serving
from secure import write_ca

from litellm_gigachat_provider.transport.client import close_all


@pytest.fixture
def server(monkeypatch):
    with serving() as made:
        point_at(monkeypatch, f"http://127.0.0.1:{made.port}/v1")
        yield made
        close_all()


@pytest.fixture
def h2(monkeypatch, tmp_path):
    """The same over TLS and HTTP/2."""
    with serving_h2_script() as made:
        point_at(monkeypatch, f"https://localhost:{made.port}/v1", CA_BUNDLE_FILE=write_ca(tmp_path / "ca.pem"))
        yield made
        close_all()
