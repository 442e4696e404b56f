"""The console command as a function."""

from __future__ import annotations

import io
import sys

import pytest

from litellm_gigachat_provider import cli


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def run(capsys, monkeypatch):
    """``run("models", "--json")`` -> (exit code, output, errors); ``stdin=`` is what is piped in."""

    def run(*words, stdin=None):
        piped = Terminal() if stdin is None else io.TextIOWrapper(io.BytesIO(stdin.encode()))
        monkeypatch.setattr(sys, "stdin", piped)
        code = cli.main(words)
        out, err = capsys.readouterr()
        return code, out, err

    return run
