"""``litellm-gigachat proxy --for NAME``: what is to be pasted into NAME, with what this run offers."""

from __future__ import annotations

import argparse
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from litellm_gigachat_provider.commands import proxy
from litellm_gigachat_provider.commands.assistants import ASSISTANTS, Values, filled
from litellm_gigachat_provider.commands.proxy_server import when_listening

KEY = "sk-" + "k" * 24
ROUTED = {"custom_provider_map": [{"provider": "gigachat", "custom_handler": "litellm_gigachat_provider.gigachat"}]}
FOLDER = Path(proxy.__file__).with_name("assistants")


@pytest.fixture
def printed(monkeypatch, capsys, tmp_path):
    """``printed(*options)`` -> exit code, what is printed before the server listens, and after."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIGACHAT_AUTH_KEY", "aWQ6c2VjcmV0LXNlY3JldC1zZWNyZXQ=")
    monkeypatch.delenv("LITELLM_MASTER_KEY", raising=False)

    def run(*options):
        told = []
        monkeypatch.setattr(proxy, "serve_until_stopped", lambda *given: 0)
        monkeypatch.setattr(proxy, "when_listening", lambda host, port, tell: told.append((host, port, tell)))
        parser = argparse.ArgumentParser()
        proxy.add_arguments(parser)
        code = proxy.run(parser.parse_args(["--port", "0", *options]))
        output = capsys.readouterr()
        before = output.out + output.err
        for _, _, tell in told:
            tell()
        return code, before, capsys.readouterr().out, told[0][1] if told else None

    return run


@pytest.fixture
def config(tmp_path):
    def write(*models):
        items = [{"model_name": name, "litellm_params": {"model": model}} for name, model in models]
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump({"model_list": items, "litellm_settings": ROUTED}))
        return str(path)

    return write


@pytest.mark.parametrize("name", ASSISTANTS)
def test_every_snippet_once_it_listens_and_with_its_address(printed, name):
    code, before, after, port = printed("--for", name)
    assert code == 0
    assert "any client key is taken" in before
    values = Values(url=f"http://localhost:{port}")
    for snippet in ASSISTANTS[name].snippets:
        text = filled(snippet, values)
        assert f"http://localhost:{port}" in text or "aider.model" in snippet.place
        assert text in after
        assert text not in before
        assert f"Into {snippet.place}:" in after
    assert "$" not in after


def test_nothing_is_printed_unless_asked(printed):
    assert printed()[2] == ""


@pytest.mark.parametrize("name", ASSISTANTS)
def test_models_of_the_configuration(printed, config, name):
    models = [("other", "openai/gpt-5"), ("mine", "gigachat/GigaChat-9-New"), ("vectors", "gigachat/EmbeddingsGigaR")]
    code, _, after, _ = printed("--config", config(*models), "--for", name)
    assert code == 0
    assert "mine" in after
    assert "other" not in after
    assert ("vectors" in after) == (name == "open-webui")
    # Nothing is known of that model: a window that none of them is smaller than.
    assert "261120" not in after
    if any("$context" in (FOLDER / snippet.file).read_text(encoding="utf-8") for snippet in ASSISTANTS[name].snippets):
        assert "131072" in after


def test_a_configuration_without_what_the_program_needs(printed, config):
    path = config(("all", "gigachat/*"), ("vectors", "gigachat/Embeddings"))
    code, before, _, _ = printed("--config", path, "--for", "cline")
    assert code == 2
    assert before == "--for cline: The config's model_list names no GigaChat model for chat.\n"
    path = config(("gigachat", "gigachat/GigaChat-2"))
    assert printed("--config", path, "--for", "cline")[0] == 0
    code, before, _, _ = printed("--config", path, "--for", "open-webui")
    assert code == 2
    assert "no GigaChat model for embedding." in before


def test_a_key_of_the_proxys_own_is_not_shown(printed):
    code, before, after, port = printed("--for", "codex", "--host", "0.0.0.0", "--api-key", KEY)
    assert code == 0
    assert KEY not in before + after
    assert 'experimental_bearer_token = "PROXY-KEY"' in after
    assert "For PROXY-KEY put the key that clients must show (--api-key or LITELLM_MASTER_KEY)." in after
    assert f'base_url = "http://localhost:{port}/v1"' in after  # 0.0.0.0 is nobody's address


def test_json_snippets_are_json():
    for assistant in ASSISTANTS.values():
        for snippet in assistant.snippets:
            if snippet.file.endswith(".json"):
                assert json.loads(filled(snippet, Values()))


def test_it_waits_until_the_server_answers():
    told = threading.Event()
    answers = [503, 200]

    class Starting(BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.path == "/health/liveliness"
            assert not told.is_set()
            self.send_response(answers.pop(0))
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Starting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            when_listening("0.0.0.0", server.server_port, told.set)
            assert told.wait(30)
        finally:
            server.shutdown()
    assert answers == []
