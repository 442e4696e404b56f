"""Every command through ``cli.main``: what is printed, what is sent, the exit code, one sentence for a failure."""

from __future__ import annotations

import base64
import json
import logging
import socket
import uuid

import pytest

from litellm_gigachat_provider import cli
from litellm_gigachat_provider.commands.output import sentence, shortened, table


def rows(out):
    return [line.split() for line in out.splitlines()]


# --- models, tokens, balance, token ------------------------------------------------------------------


def test_models(gigachat_sandbox, run):
    code, out, err = run("models")
    assert (code, err) == (0, "")
    assert ["GigaChat-2-Max", "chat", "261", "120", "yes", "yes", "650"] in rows(out)
    assert ["GigaFilter", "filter", "-", "-", "-", "-"] in rows(out)


def test_models_as_json(gigachat_sandbox, run):
    code, out, _ = run("models", "--json")
    found = {row["id"]: row for row in json.loads(out)}
    assert code == 0
    assert found["GigaChat-2-Max"]["type"] == "chat"
    assert found["GigaChat-2-Max"]["context"] == 261120
    assert "context" not in found["GigaFilter"]


def test_tokens_of_arguments_and_files(gigachat_sandbox, run, tmp_path):
    file = tmp_path / "text.txt"
    file.write_bytes(b"\xef\xbb\xbf" + "из файла".encode())
    code, out, _ = run("tokens", "привет", "-", "-f", str(file), "--model", "gigachat/GigaChat-2", stdin="piped")
    assert code == 0
    assert gigachat_sandbox.requests[-1].json == {"model": "GigaChat-2", "input": ["привет", "piped", "из файла"]}
    assert [line[0] for line in rows(out)[2:]] == ["привет", "standard", str(file), "total"]


def test_tokens_of_standard_input_as_json(gigachat_sandbox, run):
    code, out, _ = run("tokens", "--json", stdin="два слова\n")
    answer = json.loads(out)
    assert code == 0
    assert answer["texts"][0]["source"] == "standard input"
    assert answer["total"] == {"tokens": answer["texts"][0]["tokens"], "characters": 10}


@pytest.mark.parametrize(("content", "words"), [(None, "No such file"), (b"\xff\xfe\x00", "not UTF-8")])
def test_tokens_of_a_file_that_cannot_be_read(gigachat_sandbox, run, tmp_path, content, words):
    file = tmp_path / "text.bin"
    if content is not None:
        file.write_bytes(content)
    code, out, err = run("tokens", "-f", str(file))
    assert (code, out) == (1, "")
    assert words in err
    assert gigachat_sandbox.requests == []


def test_balance(gigachat_sandbox, run):
    assert rows(run("balance")[1])[2:] == [["GigaChat", "900", "000"], ["embeddings", "9", "999", "967"]]
    assert json.loads(run("balance", "--json")[1])[0] == {"usage": "GigaChat", "value": 900000}


def test_balance_of_an_account_that_pays_as_it_goes(gigachat_sandbox, run):
    gigachat_sandbox.knobs.balance_forbidden = True
    code, out, err = run("balance")
    assert (code, out) == (1, "")
    assert "pays as it goes" in err
    assert err.count("\n") == 1


def test_token_status_and_refresh(gigachat_sandbox, run):
    code, out, _ = run("token")
    assert code == 0
    assert ["has", "token", "no"] in rows(out)
    assert "--refresh" in out
    assert gigachat_sandbox.requests == []
    code, out, _ = run("token", "--refresh")
    assert code == 0
    assert ["has", "token", "yes"] in rows(out)
    assert gigachat_sandbox.oauth_count == 1
    status = json.loads(run("token", "--json")[1])
    assert status["has_token"] is True
    assert 1700 < status["expires_in_seconds"] <= 1800


def test_token_that_cannot_be_renewed(gigachat_sandbox, run, monkeypatch):
    monkeypatch.setenv("GIGACHAT_ACCESS_TOKEN", gigachat_sandbox.issue_token())
    monkeypatch.delenv("GIGACHAT_CREDENTIALS")
    assert ["has", "token", "yes"] in rows(run("token")[1])
    code, _, err = run("token", "--refresh")
    assert code == 1
    assert "nothing to refresh" in err


# --- chat --------------------------------------------------------------------------------------------


def test_chat_streams(gigachat_sandbox, run):
    gigachat_sandbox.knobs.answer = "Первое. Второе."
    code, out, err = run("chat", "Расскажи", "коротко", "--system", "Будь краток", "--model", "GigaChat-2-Pro")
    assert (code, out, err) == (0, "Первое. Второе.\n", "")
    assert gigachat_sandbox.chat_bodies == [
        {
            "model": "GigaChat-2-Pro",
            "messages": [
                {"role": "system", "content": "Будь краток"},
                {"role": "user", "content": "Расскажи коротко"},
            ],
            "stream": True,
        }
    ]


def test_chat_plain_from_standard_input(gigachat_sandbox, run):
    gigachat_sandbox.knobs.answer = "Ответ"
    code, out, _ = run("chat", "--no-stream", "--model", "gigachat/GigaChat-2", stdin="Вопрос")
    assert (code, out) == (0, "Ответ\n")
    assert gigachat_sandbox.chat_bodies == [
        {"model": "GigaChat-2", "messages": [{"role": "user", "content": "Вопрос"}]}
    ]


def test_chat_as_json(gigachat_sandbox, run):
    code, out, _ = run("chat", "--json", "hi")
    answer = json.loads(out)
    assert code == 0
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["total_tokens"] > 0


def test_chat_cut_at_the_limit_is_a_failure(gigachat_sandbox, run):
    gigachat_sandbox.knobs.finish_reason = "length"
    code, out, err = run("chat", "hi")
    assert code == 1
    assert out.endswith("\n")
    assert "cut at" in err


def test_chat_that_breaks_off_shows_what_came(gigachat_sandbox, run):
    gigachat_sandbox.knobs.answer = "Один два три четыре пять шесть семь восемь девять десять"
    gigachat_sandbox.knobs.stream.end_after = 2
    code, out, err = run("chat", "hi")
    assert code == 1
    assert out.startswith("Один")
    assert out.endswith("\n")
    assert err.count("\n") == 1


@pytest.mark.parametrize("words", [("chat",), ("chat", " "), ("tokens",)])
def test_nothing_to_say_is_wrong_usage(gigachat_sandbox, run, words):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err.startswith("litellm-gigachat: ")
    assert gigachat_sandbox.requests == []


# --- failures ----------------------------------------------------------------------------------------

COMMANDS = [
    ("models",),
    ("tokens", "x"),
    ("balance",),
    ("files",),
    ("aicheck", "x"),
    ("token", "--refresh"),
    ("chat", "x"),
    ("chat", "x", "--no-stream"),
]


@pytest.mark.parametrize("words", COMMANDS)
def test_no_key(gigachat_sandbox, run, words, monkeypatch):
    monkeypatch.delenv("GIGACHAT_CREDENTIALS")
    code, out, err = run(*words)
    assert (code, out) == (1, "")
    assert "no GigaChat credential" in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


@pytest.mark.parametrize("words", COMMANDS)
def test_wrong_secret(gigachat_sandbox, run, words, monkeypatch):
    key = base64.b64encode(f"{gigachat_sandbox.client_id}:{uuid.uuid4()}".encode()).decode()
    monkeypatch.setenv("GIGACHAT_CREDENTIALS", key)
    code, out, err = run(*words)
    assert (code, out) == (1, "")
    assert "code 6" in err
    assert err.count("\n") == 1
    assert key not in err


@pytest.mark.parametrize("words", COMMANDS)
def test_dead_host(gigachat_sandbox, run, words, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("GIGACHAT_BASE_URL", f"http://127.0.0.1:{port}/v1")
    if words[0] == "token":
        monkeypatch.setenv("GIGACHAT_AUTH_URL", f"http://127.0.0.1:{port}/api/v2/oauth")
    code, out, err = run(*words)
    assert (code, out) == (1, "")
    assert f"127.0.0.1:{port}" in err
    assert err.count("\n") == 1


def test_unknown_model(gigachat_sandbox, run):
    code, out, err = run("chat", "--model", "NoSuch", "x")
    assert (code, out) == (1, "")
    assert "No such model" in err
    assert not err.startswith("litellm-gigachat: litellm.")


@pytest.mark.parametrize("words", [(), ("nonsense",), ("chat", "--nonsense"), ("doctor", "--timeout", "0")])
def test_wrong_usage(run, words):
    with pytest.raises(SystemExit) as stop:
        run(*words)
    assert stop.value.code == 2


def test_version(run, capsys):
    with pytest.raises(SystemExit) as stop:
        run("--version")
    assert stop.value.code == 0
    assert "LiteLLM" in capsys.readouterr().out


def test_every_command_has_help(capsys):
    for name in cli.COMMANDS:
        with pytest.raises(SystemExit) as stop:
            cli.main([name, "--help"])
        assert stop.value.code == 0
        assert f"litellm-gigachat {name}" in capsys.readouterr().out


# --- debug -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("--debug", "chat", "canary-3141"), ("chat", "canary-3141", "--debug")])
def test_debug_shows_structure_on_standard_error(gigachat_sandbox, run, words):
    gigachat_sandbox.knobs.answer = "answer-2718"
    code, out, err = run(*words)
    assert (code, out) == (0, "answer-2718\n")
    assert '"content": "<11 chars>"' in err
    assert "finish_reason stop" in err
    for secret in ("canary-3141", "answer-2718", gigachat_sandbox.credentials, "Bearer"):
        assert secret not in err
    assert logging.getLogger("litellm_gigachat_provider").handlers == []


# --- shared pieces -----------------------------------------------------------------------------------


def test_table():
    assert table(("A", "NUMBER"), [["x", 1000], [None, 5], ["long word", None]]).splitlines() == [
        "A          NUMBER",
        "---------  ------",
        "x           1 000",
        "-               5",
        "long word       -",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/somebody/ca.pem does not exist", "~/ca.pem does not exist"),
        ("/Users/somebody/ca.pem", "~/ca.pem"),
        (r"C:\Users\somebody\ca.pem", r"~\ca.pem"),
        ("/etc/ssl/ca.pem", "/etc/ssl/ca.pem"),
    ],
)
def test_home_folders_are_shortened(text, shown):
    assert shortened(text) == shown


def test_own_home_folder_is_shortened(monkeypatch):
    monkeypatch.setenv("HOME", "/data/people/somebody")
    assert shortened("/data/people/somebody/x and /data/people/somebody2") == "~/x and /data/people/somebody2"


def test_sentence_of_a_failure():
    assert sentence(ValueError("litellm.NotFoundError: GigaChat answered\n 404")) == "GigaChat answered 404"
    assert sentence(ValueError("broken\nTraceback (most recent call last):\n  secret frames")) == "broken"
    assert sentence(ValueError()) == "ValueError"


def test_litellm_does_not_advise_to_rename_the_provider(gigachat_sandbox, run, caplog):
    """LiteLLM 1.109 warns of a custom provider named like a built-in one: wrong here, as self_check proves."""
    import litellm

    with caplog.at_level(logging.WARNING):
        litellm.utils.custom_llm_setup()
        assert run("chat", "hi")[2] == ""
    assert [r.getMessage() for r in caplog.records if "same name" in r.getMessage()] == []
