"""What the snippets of the READMEs may change is put back."""

from __future__ import annotations

import logging

import litellm
import pytest
from readme_parts import READMES


@pytest.fixture(params=READMES, ids=lambda path: path.name)
def readme(request):
    return request.param


@pytest.fixture
def as_found(monkeypatch):
    """LiteLLM's provider map and our logger's level, whatever the snippet does to them."""
    monkeypatch.setattr(litellm, "custom_provider_map", list(litellm.custom_provider_map))
    level = logging.getLogger("litellm_gigachat_provider").level
    yield
    logging.getLogger("litellm_gigachat_provider").setLevel(level)
