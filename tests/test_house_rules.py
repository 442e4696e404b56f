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


@pytest.mark.parametrize("module", MODULES)
def test_who_catches_everything_says_why_on_that_line(module):
    text = (ROOT / module).read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler) and caught(node) in ("everything", "BaseException", "Exception"):
            assert "  # " in text.splitlines()[node.lineno - 1], f"{module}:{node.lineno}"


# What LiteLLM offers under no public name; the bridge alone may know it.
PRIVATE_NAMES_OF_LITELLM = {
    "_hidden_params",  # response headers, cost and model id of an answer
    "_custom_providers",
    "_complete_gigachat",
    "_request_token_sync",
    "_request_token_async",
    "_runtime_registered_model_cost",
    "_invalidate_model_cost_lowercase_map",
}


def private(name: object) -> bool:
    return isinstance(name, str) and name.isidentifier() and name.startswith("_") and name.strip("_") != ""


def private_names(tree: ast.AST) -> tuple[set[str], dict[str, int]]:
    """The private names that a module gives, and those that it uses as attributes or words -> line."""
    own: set[str] = set()
    used: dict[str, int] = {}
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                own.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                own.add(name)
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                own.add(name)
            case ast.Attribute(attr=name) | ast.Constant(value=name):
                used[name] = node.lineno
            case ast.ImportFrom(level=0, names=names):
                used |= {alias.name: node.lineno for alias in names}
    return own, {name: line for name, line in used.items() if private(name) and not name.startswith("__")}


@pytest.mark.parametrize("module", MODULES)
def test_no_private_name_of_a_library_is_used(module):
    own, used = private_names(ast.parse((ROOT / module).read_text(encoding="utf-8")))
    allowed = PRIVATE_NAMES_OF_LITELLM if module.startswith("bridge/") else set()
    foreign = {name: line for name, line in used.items() if name not in own | allowed | OUR_WORDS}
    assert not foreign, f"{module}: {foreign}"


# Words of ours that begin like a private name: suffixes, and the mark on what this package put into LiteLLM.
OUR_WORDS = {"_20", "_greedy", "_effort_from", "_max_completion_tokens", "_litellm_gigachat_provider"}


def test_the_search_for_private_names_finds_them():
    own, used = private_names(
        ast.parse("import httpx\nclient._pool.x\ngetattr(client, '_state')\nself._mine = self._mine")
    )
    assert set(used) - own == {"_pool", "_state"}
