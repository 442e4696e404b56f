"""``litellm-gigachat proxy`` before the server starts: what it refuses, in one sentence, and what it hands over."""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import yaml

from litellm_gigachat_provider.commands import proxy, proxy_server

ANY_KEY = "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY"
KEY = "sk-" + "k" * 24
MODEL = {"model_name": "gigachat", "litellm_params": {"model": "gigachat/GigaChat-2"}}
ROUTED = {"custom_provider_map": [{"provider": "gigachat", "custom_handler": "litellm_gigachat_provider.gigachat"}]}


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith(("GIGACHAT_", "LITELLM_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def start(monkeypatch, capsys):
    """``start(*options)`` -> exit code, command, environment, output; no server is started."""

    def run(*options):
        started = []
        monkeypatch.setattr(proxy, "serve_until_stopped", lambda *given: started.append(given) or 0)
        parser = argparse.ArgumentParser()
        proxy.add_arguments(parser)
        code = proxy.run(parser.parse_args(["--port", "0", *options]))
        command, environment = started[0] if started else (None, None)
        output = capsys.readouterr()
        return code, command, environment, output.out + output.err

    return run


@pytest.fixture
def credentials(monkeypatch):
    monkeypatch.setenv("GIGACHAT_AUTH_KEY", "aWQ6c2VjcmV0LXNlY3JldC1zZWNyZXQ=")


def test_the_example_is_the_default_config():
    example = Path(__file__).parents[2] / "examples" / "proxy" / "config.yaml"
    assert example.read_bytes() == proxy.DEFAULT_CONFIG.read_bytes()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_any_client_key_on_loopback(start, credentials, host):
    code, command, environment, output = start("--host", host)
    assert code == 0
    assert command[command.index("--host") + 1] == host
    assert environment[ANY_KEY] == "true"
    assert "LITELLM_MASTER_KEY" not in environment
    assert ANY_KEY not in os.environ
    assert "any client key" in output
    assert "http://localhost:" in output or host in output


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", ""])
def test_elsewhere_a_key_is_demanded(start, credentials, host):
    code, command, _, output = start("--host", host)
    assert (code, command) == (2, None)
    assert "--api-key or LITELLM_MASTER_KEY" in output


def test_a_key_from_the_command_the_environment_the_dotenv_or_the_config(start, credentials, monkeypatch, tmp_path):
    (tmp_path / ".env").write_text(f"LITELLM_MASTER_KEY={KEY}2\n")
    assert start("--host", "0.0.0.0")[2]["LITELLM_MASTER_KEY"] == KEY + "2"
    assert start("--host", "0.0.0.0", "--api-key", KEY)[2]["LITELLM_MASTER_KEY"] == KEY
    monkeypatch.setenv("LITELLM_MASTER_KEY", KEY + "3")
    code, command, environment, output = start("--host", "0.0.0.0")
    assert environment["LITELLM_MASTER_KEY"] == KEY + "3"
    assert ANY_KEY not in environment
    assert KEY not in " ".join(command) + output
    monkeypatch.delenv("LITELLM_MASTER_KEY")
    (tmp_path / ".env").unlink()
    config = tmp_path / "config.yaml"
    config.write_text(
        yaml.safe_dump({"model_list": [MODEL], "litellm_settings": ROUTED, "general_settings": {"master_key": KEY}})
    )
    code, _, environment, _ = start("--host", "0.0.0.0", "--config", str(config))
    assert code == 0
    assert ANY_KEY not in environment


@pytest.mark.parametrize("inherited", ["true", "false"])
def test_leave_to_do_without_a_key_is_never_inherited(start, credentials, monkeypatch, inherited):
    monkeypatch.setenv(ANY_KEY, inherited)
    assert start("--host", "0.0.0.0")[0] == 2
    assert ANY_KEY not in start("--api-key", KEY)[2]


def test_an_empty_api_key(start, credentials):
    code, _, _, output = start("--api-key", "")
    assert (code, output) == (2, "--api-key is empty.\n")


def test_missing_credentials(start):
    code, command, _, output = start()
    assert (code, command) == (2, None)
    assert "GIGACHAT_CREDENTIALS" in output
    assert "litellm-gigachat proxy --sandbox" in output


def test_a_missing_extra(start, credentials, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "fastapi" else found(name))
    code, _, _, output = start()
    assert code == 2
    assert output == "The proxy needs LiteLLM's proxy extra (fastapi is missing): pip install 'litellm[proxy]'\n"


def test_a_busy_port(start, credentials):
    with socket.create_server(("127.0.0.1", 0)) as other:
        code, _, _, output = start("--port", str(other.getsockname()[1]))
    assert code == 2
    assert "choose another with --port" in output


@pytest.mark.parametrize("options", [("--workers", "0"), ("--port", "70000"), ("--host", "no.such.host.invalid")])
def test_broken_options(start, credentials, options):
    code, command, _, output = start(*options)
    assert (code, command) == (2, None)
    assert options[1] in output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read"),
        ("a: [", "is not YAML"),
        ("- a", "must be a mapping"),
        (yaml.safe_dump({"model_list": [MODEL]}), "does not route gigachat/ here. Add under litellm_settings"),
    ],
)
def test_broken_configs(start, credentials, tmp_path, text, words):
    config = tmp_path / "config.yaml"
    if text is not None:
        config.write_text(text)
    code, command, _, output = start("--config", str(config))
    assert (code, command) == (2, None)
    assert words in output


def test_a_stray_file_beside_the_config(start, credentials, tmp_path):
    (tmp_path / "config.yaml").write_bytes(proxy.DEFAULT_CONFIG.read_bytes())
    (tmp_path / "litellm_gigachat_provider.py").write_text("gigachat = None\n")
    code, _, _, output = start("--config", str(tmp_path / "config.yaml"))
    assert code == 2
    assert "instead of the package: rename it" in output


@pytest.fixture
def old_litellm(monkeypatch):
    """Before 1.98 a handler is loaded from a file beside the config, and from nowhere else."""
    monkeypatch.setattr(proxy, "_needs_a_file", lambda: True)


def test_old_litellm_gets_the_file_it_wants(monkeypatch, credentials, old_litellm):
    seen = {}

    def server(command, environment):
        config = Path(command[command.index("--config") + 1])
        seen["config"] = config
        seen["same"] = config.read_bytes() == proxy.DEFAULT_CONFIG.read_bytes()
        seen["shim"] = config.with_name("litellm_gigachat_provider.py").read_text()
        return 0

    monkeypatch.setattr(proxy, "serve_until_stopped", server)
    parser = argparse.ArgumentParser()
    proxy.add_arguments(parser)
    assert proxy.run(parser.parse_args(["--port", "0"])) == 0
    assert seen["same"]
    assert seen["shim"] == "from litellm_gigachat_provider import gigachat\n"
    assert not seen["config"].exists()


def test_old_litellm_and_a_config_of_ones_own(start, credentials, old_litellm, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_bytes(proxy.DEFAULT_CONFIG.read_bytes())
    code, _, _, output = start("--config", str(config))
    assert code == 2
    assert "that says: from litellm_gigachat_provider import gigachat" in output
    (tmp_path / "litellm_gigachat_provider.py").write_text("from litellm_gigachat_provider import gigachat\n")
    assert start("--config", str(config))[0] == 0


def test_keys_in_the_config_count_as_credentials(start, tmp_path):
    model = {"model_name": "a", "litellm_params": {"model": "gigachat/GigaChat-2", "api_key": "os.environ/MY_KEY"}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"model_list": [model], "litellm_settings": ROUTED}))
    assert start("--config", str(tmp_path / "config.yaml"))[0] == 0


def test_options_of_the_server(start, credentials):
    _, command, environment, _ = start("--workers", "3", "--debug")
    assert command[command.index("--num_workers") + 1] == "3"
    assert command[-1] == "--detailed_debug"
    assert environment["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"
    assert "--detailed_debug" not in start()[1]


def test_sandbox_runs_while_the_server_does(monkeypatch, capsys):
    monkeypatch.setenv("GIGACHAT_ACCESS_TOKEN", "of the real service")
    seen = {}

    def server(command, environment):
        seen.update(environment)
        answer = httpx.get(f"{environment['GIGACHAT_BASE_URL']}/models")
        seen["status"] = answer.status_code
        return 0

    monkeypatch.setattr(proxy, "serve_until_stopped", server)
    parser = argparse.ArgumentParser()
    proxy.add_arguments(parser)
    code = proxy.run(parser.parse_args(["--port", "0", "--sandbox", "--workers", "2"]))
    assert code == 0
    told = capsys.readouterr().out
    assert "A scripted stand-in answers, not GigaChat" in told
    assert "call tools by simple rules" in told
    assert seen["status"] == 401  # it answers, and wants a token
    assert seen["GIGACHAT_BASE_URL"].startswith("http://127.0.0.1:")
    assert "GIGACHAT_ACCESS_TOKEN" not in seen
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{seen['GIGACHAT_BASE_URL']}/models")


# --- the child process, with a stand-in for the server

# Without the package: LiteLLM takes long to import.
PARENT = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("command", {proxy_server.__file__!r})
command = importlib.util.module_from_spec(spec)
spec.loader.exec_module(command)
sys.exit(command.serve_until_stopped([sys.executable, "-c", sys.argv[1]], {{}}))
"""
CHILD = """
import os, signal, subprocess, sys, threading, time
def lifeline():
    while os.read(0, 1): pass
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=lifeline, daemon=True).start()
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("running", os.getpid(), worker.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_the_server_and_its_workers(number):
    with subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE, text=True) as parent:
        pids = [int(word) for word in parent.stdout.readline().split()[1:]]
        parent.send_signal(number)
        assert parent.wait(60) == 0
    end = time.monotonic() + 20  # an orphan is reaped by another process
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    assert [pid for pid in pids if alive(pid)] == []


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_the_servers_own_exit_code_is_ours():
    done = subprocess.run([sys.executable, "-c", PARENT, "import sys; sys.exit(7)"], timeout=60, check=False)
    assert done.returncode == 7


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
