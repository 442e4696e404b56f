"""Shared fixtures. No test reaches beyond this machine's loopback, and none needs a key."""

from __future__ import annotations

import gc
import os

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # before LiteLLM's first import

from collections import Counter

import hypothesis
import pytest
from ways import WAYS, call

from litellm_gigachat_provider.watch import counters

# A property that holds must not fail because the machine is busy.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")


@pytest.fixture(params=WAYS)
def ask(request):
    """``ask(messages, **kwargs)``: the same call in each of the four ways."""

    def run(messages="Привет!", **kwargs):
        return call(request.param, messages, **kwargs)

    run.way = request.param
    return run


@pytest.fixture(params=["v1", "v2"])
def contract(request, gigachat_sandbox, monkeypatch):
    """The same test over both contracts, switched as a user would."""
    monkeypatch.setenv("GIGACHAT_API_VERSION", request.param)
    return request.param


@pytest.fixture
def fresh_counters(monkeypatch):
    """What the network counts, from nought."""
    for name in ("requests", "errors", "streams", "files"):
        monkeypatch.setattr(counters, name, Counter())


def pytest_collection_finish():
    """What the imports made need not be looked through by every collection: LiteLLM's heap takes half a second."""
    gc.collect()
    gc.freeze()
