"""Rules of the house that a linter does not know."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import litellm_gigachat_provider

ROOT = Path(litellm_gigachat_provider.__file__).parent
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))


def caught(handler: ast.ExceptHandler) -> str:
    return "everything" if handler.type is None else ast.unparse(handler.type)


@pytest.mark.parametrize("module", MODULES)
def test_who_catches_everything_only_cleans_up_and_raises_it_again(module):
    """A cancelled task or Ctrl-C must give back its connection and slot, and must go on to be what it is."""
    for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler) and caught(node) in ("everything", "BaseException"):
            last = node.body[-1]
            assert isinstance(last, ast.Raise), f"{module}:{node.lineno}"
            assert last.exc is None, f"{module}:{node.lineno}"


def test_certificate_checks_are_switched_off_in_one_place():
    found = [
        f"{module}:{number}"
        for module in MODULES
        for number, line in enumerate((ROOT / module).read_text(encoding="utf-8").splitlines(), 1)
        if "CERT_NONE" in line or "check_hostname" in line or "verify=False" in line
    ]
    assert len(found) == 1, found
    assert found[0].startswith("transport/tls.py:")
