"""Everything here runs over both contracts, and the sandbox must not have refused anything."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def both_contracts_and_nothing_refused(gigachat_sandbox, contract):
    yield
    assert [record.refusal for record in gigachat_sandbox.refused] == []
