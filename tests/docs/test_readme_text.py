"""Both READMEs say the same, their tables agree with the code, and what they point to exists."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from readme_parts import ENGLISH, ROOT, RUSSIAN, blocks, generated, headings, links, prose, rows
from readme_tables import tables

from litellm_gigachat_provider.cli import COMMANDS
from litellm_gigachat_provider.commands.assistants import ASSISTANTS
from litellm_gigachat_provider.settings import DEFAULT_AUTH_URL, DEFAULT_BASE_URL, DEFAULT_SCOPE, Overrides
from litellm_gigachat_provider.settings.environment import VARIABLES

_VARIABLE = re.compile(r"\b(?:GIGACHAT|LITELLM)_[A-Z0-9_]*[A-Z0-9]\b")
_SCOPES = {"GIGACHAT_API_PERS", "GIGACHAT_API_B2B", "GIGACHAT_API_CORP"}
_FROM_VARIABLES = {"auth_header_name": "auth_header", "auth_header_value": "auth_header"}
_DEFAULTS = {
    "scope": f"`{DEFAULT_SCOPE}`",
    "base_url": f"`{DEFAULT_BASE_URL}`",
    "auth_url": f"`{DEFAULT_AUTH_URL}`",
    "verify": "`true`",
    "api_version": "`v1`",
}
# The first two lines that a newcomer runs; .ci/run takes them from the first line that has these words.
_COMMANDS = {
    "litellm-gigachat demo": 'pip install -e ".[sandbox]" && litellm-gigachat demo',
    "&& pytest": 'pip install -e ".[dev]" && pytest',
}


@pytest.mark.parametrize("words", _COMMANDS)
def test_the_two_commands_stand_word_for_word(readme, words):
    lines = readme.read_text(encoding="utf-8").splitlines()
    assert next(line for line in lines if words in line) == _COMMANDS[words]
    assert any(_COMMANDS[words] + "\n" == block.text for block in blocks(readme))


def test_the_same_code_in_both_languages():
    english = [(block.language, block.text, block.needs) for block in blocks(ENGLISH)]
    assert [(block.language, block.text, block.needs) for block in blocks(RUSSIAN)] == english


def test_the_same_structure_in_both_languages():
    assert [heading.level for heading in headings(RUSSIAN)] == [heading.level for heading in headings(ENGLISH)]


def test_the_same_words_in_code_spans_of_each_section():
    """What stands between backticks is code: a translation leaves it alone."""
    english, russian = _spans_by_section(ENGLISH), _spans_by_section(RUSSIAN)
    for (title, in_english), (_, in_russian) in zip(english, russian, strict=True):
        assert in_russian == in_english, title


def _spans_by_section(path):
    sections, title = [], ""
    found: set[str] = set()
    for line in prose(path).splitlines():
        if line.startswith("#"):
            sections.append((title, found))
            title, found = line, set()
        found |= set(re.findall(r"`([^`]+)`", line))
    return [*sections, (title, found)]


def test_generated_tables_are_fresh(readme):
    fresh = tables("en" if readme == ENGLISH else "ru")
    assert generated(readme) == fresh, "run: python tests/docs/readme_tables.py"


def test_every_setting_is_in_the_table(readme):
    table = rows(readme, "constructor" if readme == ENGLISH else "конструктор")
    shown = [(cells[0].strip("`"), tuple(re.findall(r"`(\w+)`", cells[1]))) for cells in table]
    constructor = set(Overrides.__dataclass_fields__)
    expected = []
    for name, variables in VARIABLES.items():
        argument = _FROM_VARIABLES.get(name, name)
        expected.append((argument if argument in constructor else "–", variables))
    assert shown == expected


def test_defaults_of_settings(readme):
    table = rows(readme, "constructor" if readme == ENGLISH else "конструктор")
    shown = {cells[0].strip("`"): cells[2] for cells in table}
    assert {name: shown[name] for name in _DEFAULTS} == _DEFAULTS


def test_settings_without_a_variable_are_named(readme):
    text = prose(readme)
    for name in set(Overrides.__dataclass_fields__) - set(VARIABLES):
        assert f"`{name}`" in text, name


def _known_variables() -> set[str]:
    package = ROOT / "litellm_gigachat_provider"
    found = set(_SCOPES)
    for path in [*package.rglob("*.py"), *package.rglob("*.json")]:
        if "sandbox" not in path.relative_to(package).parts:
            found |= set(_VARIABLE.findall(path.read_text(encoding="utf-8")))
    return found


def test_every_variable_that_is_mentioned_exists(readme):
    assert set(_VARIABLE.findall(readme.read_text(encoding="utf-8"))) <= _known_variables()


def test_every_variable_of_the_code_is_documented(readme):
    wanted = {name for names in VARIABLES.values() for name in names}
    assert wanted <= set(_VARIABLE.findall(readme.read_text(encoding="utf-8")))


def test_env_example_has_every_variable_once_and_sets_none():
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = re.findall(r"^# ?([A-Z0-9_]+)=", text, re.MULTILINE)
    ours = [name for name in named if name.startswith("GIGACHAT_")]
    assert sorted(ours) == sorted({name for names in VARIABLES.values() for name in names})
    assert set(_VARIABLE.findall(text)) <= _known_variables()
    assert not re.findall(r"^[^#\s]", text, re.MULTILINE), "a copied file must not override anything by itself"


def test_every_command_is_in_the_table(readme):
    table = rows(readme, "command" if readme == ENGLISH else "команда")
    assert [cells[0] for cells in table] == [f"`litellm-gigachat {name}`" for name in COMMANDS]


def test_every_option_of_a_command_is_in_the_table(readme):
    import argparse

    table = rows(readme, "command" if readme == ENGLISH else "команда")
    for name, cells in zip(COMMANDS, table, strict=True):
        parser = argparse.ArgumentParser(add_help=False)
        import_module(f"litellm_gigachat_provider.commands.{name}").add_arguments(parser)
        options = {word for action in parser._actions for word in action.option_strings if word.startswith("--")}
        assert set(re.findall(r"`(--[\w-]+)`", cells[1])) == options, name


def test_links_lead_somewhere(readme):
    anchors = {f"#{heading.anchor}" for heading in headings(readme)}
    for target in links(readme):
        if target.startswith("#"):
            assert target in anchors, target
        elif not target.startswith("https://"):
            path, _, fragment = target.partition("#")
            assert (ROOT / path).exists(), target
            assert not fragment, "a fragment of another file is not checked here"


def test_the_contents_lead_to_every_section(readme):
    """They stand before the first section; what a newcomer looks for is one click away."""
    contents = readme.read_text(encoding="utf-8").partition("\n## ")[0]
    found = re.findall(r"\]\(#([^)]+)\)", contents)
    sections = [heading for heading in headings(readme) if heading.level == 2]
    skipped = {"licence", "лицензия", "three-ways-to-use-it", "три-способа-использования"}
    assert {section.anchor for section in sections} - set(found) == skipped & {section.anchor for section in sections}
    assert {assistant.title.lower().replace(" ", "-") for assistant in ASSISTANTS.values()} <= set(found)


def test_every_example_is_linked(readme):
    examples = ROOT / "examples"
    existing = {f"examples/{path.name}" for path in examples.glob("*.py")}
    assert existing | {"examples/proxy/config.yaml", "examples/proxy/Dockerfile"} <= set(links(readme))
