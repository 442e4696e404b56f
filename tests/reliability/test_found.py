"""Defects that the runs of this folder have found, each by name."""

from __future__ import annotations

import sys
import types

import pytest

from litellm_gigachat_provider.transport import failures


@pytest.mark.parametrize("name", ["httpcore", "aiohttp"])
def test_a_library_half_imported_by_another_thread_breaks_no_error_handling(name, monkeypatch):
    """The token's thread was importing httpcore when the caller's time ran out: AttributeError instead of Timeout."""
    monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    assert TimeoutError in failures.network_errors()
