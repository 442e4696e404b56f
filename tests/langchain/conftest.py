"""LangChain over the sandbox. Where its two packages (in the dev extra) are missing, nothing is collected."""

from __future__ import annotations

import importlib.util

import pytest
from small_files import by_url

if not all(importlib.util.find_spec(name) for name in ("langchain_litellm", "langchain_tests")):
    collect_ignore_glob = ["test_*.py"]


def pytest_collection_modifyitems(items):
    for item in items:
        if item.originalname == "test_init_time":  # the suite's benchmark of a constructor asserts no time
            item.add_marker(pytest.mark.benchmark(max_time=0.05))


@pytest.fixture(autouse=True)
def nothing_leaves_and_nothing_is_refused(gigachat_sandbox, monkeypatch):
    """The standard suite downloads a picture, a PDF and a sound: local ones stand in for them."""
    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    monkeypatch.setenv("LANGCHAIN_TRACING_V2", "false")
    from langchain_tests.integration_tests import chat_models

    monkeypatch.setattr(chat_models.httpx, "get", by_url)
    monkeypatch.setattr(chat_models, "_get_base64_from_url", lambda url: by_url(url).base64)
    yield
    assert [record.refusal for record in gigachat_sandbox.refused] == []
