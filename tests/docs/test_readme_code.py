"""Every code block of README.md runs against the sandbox; one that needs more is at least read.

The blocks of README.ru.md are the same, which ``test_readme_text`` sees to.
"""

from __future__ import annotations

import argparse
import configparser
import importlib.util
import json
import re
import shlex
import shutil
import subprocess
from importlib import import_module

import pytest
from readme_parts import ENGLISH, ROOT, blocks, blocks_below, prose

from litellm_gigachat_provider import cli
from litellm_gigachat_provider.commands.assistants import ASSISTANTS, Values, filled

_BLOCKS = blocks(ENGLISH)
_SERVERS = ("proxy", "sandbox")  # run until they are stopped: only their arguments are read
SNIPPETS = {"sh": "bash", "txt": "text", "json": "json", "toml": "toml", "yaml": "yaml"}  # language by file name
_KNOWN_NEEDS = {"", "credentials", "running proxy", "langchain_litellm"}


def _of(language):
    return [pytest.param(block, id=f"line{block.line}") for block in _BLOCKS if block.language == language]


def test_languages_and_needs_are_known():
    assert {block.language for block in _BLOCKS} <= {"python", "ini", *SNIPPETS.values()}
    assert {block.needs for block in _BLOCKS} <= _KNOWN_NEEDS


@pytest.mark.parametrize("block", _of("python"))
def test_python(block, gigachat_sandbox, as_found, capsys):
    code = compile(block.text, f"README.md:{block.line}", "exec")
    if block.needs in ("credentials", "running proxy"):
        return
    if block.needs and importlib.util.find_spec(block.needs) is None:
        pytest.skip(f"{block.needs} is not installed")
    namespace = {"__name__": "__readme__"}
    exec(code, namespace)
    for name, test in list(namespace.items()):
        if name.startswith("test_"):
            gigachat_sandbox.clear()
            test(gigachat_sandbox)
    assert [record.refusal for record in gigachat_sandbox.refused] == []
    if "print(" in block.text:
        assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("block", _of("bash"))
def test_shell_syntax(block):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    subprocess.run([bash, "-n"], input=block.text, text=True, check=True, timeout=20)


def _lines(block):
    """The commands; one goes on while a quotation is open."""
    lines, command = [], ""
    for line in block.text.splitlines():
        command += line
        if command.count("'") % 2 == 0:
            lines.append(command.strip())
            command = ""
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("block", _of("bash"))
def test_shell(block, gigachat_sandbox, monkeypatch, capsys):
    """``export`` takes effect in the lines after it, except for the key; our own commands run in this process."""
    for line in [part for whole in _lines(block) for part in whole.split(" && ")]:
        words = shlex.split(line)
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            if not value.startswith("<"):
                monkeypatch.setenv(name, value)
        elif words[0] == "unset":
            monkeypatch.delenv(words[1], raising=False)
        elif words[0] == "pip":
            _check_install(words)
        elif words[0] == "litellm-gigachat":
            _run(words[1:], monkeypatch, run=not block.needs)
        else:
            assert words[0] in ("pytest", "curl", "cline"), f"nothing here knows how to check: {line}"


def _check_install(words):
    assert words[1:3] == ["install", "-e"]
    extra = re.fullmatch(r"\.\[(\w+)\]", words[3])
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert extra is not None
    assert re.search(rf"^{extra[1]} = \[", project, re.MULTILINE), words[3]


def _run(words, monkeypatch, *, run):
    if words[0] in _SERVERS or not run:
        monkeypatch.setattr(import_module(f"litellm_gigachat_provider.commands.{words[0]}"), "run", lambda _: 0)
    assert cli.main(words) == 0


@pytest.mark.parametrize("block", _of("yaml"))
def test_yaml(block):
    yaml = pytest.importorskip("yaml")
    assert isinstance(yaml.safe_load(block.text), dict)


@pytest.mark.parametrize("block", _of("json"))
def test_json(block):
    assert isinstance(json.loads(block.text), dict)


@pytest.mark.parametrize("block", _of("toml"))
def test_toml(block):
    tomllib = pytest.importorskip("tomllib")
    assert tomllib.loads(block.text)


@pytest.mark.parametrize("name", ASSISTANTS)
def test_snippets_of_assistants(readme, name):
    """What the proxy prints with ``--for`` and what ``.ci/assistants`` and ``.ci/webui`` run with."""
    assistant = ASSISTANTS[name]
    expected = [(SNIPPETS[item.file.rpartition(".")[2]], filled(item, Values())) for item in assistant.snippets]
    shown = [(block.language, block.text) for block in blocks_below(readme, f"### {assistant.title}")]
    assert [block for block in shown if "litellm-gigachat proxy" not in block[1]] == expected
    places = [item.place for item in assistant.snippets if item.place.startswith("~/")]
    assert set(places) <= set(re.findall(r"`([^`]+)`", prose(readme)))


@pytest.mark.parametrize("block", _of("ini"))
def test_ini(block):
    """A systemd unit; what it starts is one of our commands, with arguments that it takes."""
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str
    unit.read_string(block.text)
    program, *words = shlex.split(unit["Service"]["ExecStart"])
    assert program.endswith("/litellm-gigachat")
    _parse(words)


def _parse(words):
    parser = argparse.ArgumentParser()
    import_module(f"litellm_gigachat_provider.commands.{words[0]}").add_arguments(parser)
    parser.parse_args(words[1:])


def test_the_proxy_configuration_is_part_of_the_example():
    yaml = pytest.importorskip("yaml")
    example = yaml.safe_load((ROOT / "examples/proxy/config.yaml").read_text(encoding="utf-8"))
    shown = next(yaml.safe_load(b.text) for b in _BLOCKS if b.language == "yaml" and "model_list" in b.text)
    assert all(model in example["model_list"] for model in shown["model_list"])
    assert shown["litellm_settings"].items() <= example["litellm_settings"].items()


def test_the_proxy_models_are_those_of_the_example():
    yaml = pytest.importorskip("yaml")
    from readme_parts import rows

    example = yaml.safe_load((ROOT / "examples/proxy/config.yaml").read_text(encoding="utf-8"))
    known = {item["model_name"]: item["litellm_params"]["model"] for item in example["model_list"]}
    shown = {cells[0].strip("`"): f"gigachat/{cells[1]}" for cells in rows(ENGLISH, "model of the proxy")}
    assert shown == known
