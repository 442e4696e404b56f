"""``litellm-gigachat batch``: waiting, interrupted, killed, resumed."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import threading
import time

import pytest
from batch_lines import chat

from litellm_gigachat_provider import batches
from litellm_gigachat_provider.commands import batch as command


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def file(tmp_path):
    def write(*lines):
        path = tmp_path / "in.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return path

    return write


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(command, "_POLL", 0.01)


def rows_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_file_becomes_results(gigachat_sandbox, run, file, tmp_path):
    out = tmp_path / "out.jsonl"
    code, said, errors = run("batch", str(file(chat("a"), chat("b"))), "-o", str(out))
    assert (code, said) == (0, f"2 of 2 requests answered: {out}\n")
    assert [row["custom_id"] for row in rows_of(out)] == ["a", "b"]
    assert re.search(r"to come back to it: litellm-gigachat batch .*in\.jsonl -o .*out\.jsonl --resume \S+\n", errors)
    assert "\r" not in errors  # a pipe gets no bar
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_failed_lines_are_told(gigachat_sandbox, run, file, tmp_path):
    out = tmp_path / "out.jsonl"
    code, said, errors = run("batch", str(file(chat("a"), chat("b", model="GigaChat-x"))), "-o", str(out), "--json")
    assert code == 1
    assert "1 of 2 requests failed" in errors
    told = json.loads(said)
    assert (told["status"], told["answered"], told["failed"], told["results"]) == ("completed", 1, 1, str(out))
    assert [bool(row["error"]) for row in rows_of(out)] == [False, True]


def test_a_terminal_sees_how_far_it_is(gigachat_sandbox, run, file, tmp_path, monkeypatch):
    gigachat_sandbox.knobs.batch_seconds = 100
    monkeypatch.setattr(command.time, "sleep", lambda _: gigachat_sandbox.advance(30))
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    lines = [chat(str(number), model="GigaChat-x" if number == 9 else "GigaChat-2") for number in range(10)]
    assert run("batch", str(file(*lines)), "-o", str(tmp_path / "out"))[0] == 1
    bars = re.findall(r"\r\[([#.]{30})\] (\d+) of 10(, 1 failed)?, \d:\d\d\x1b\[K", terminal.getvalue())
    assert [(len(bar.strip(".")), done, bool(failed)) for bar, done, failed in bars] == [
        (0, "0", False),
        (9, "3", True),
        (18, "6", True),
        (27, "9", True),
        (30, "10", True),
    ]


@pytest.mark.parametrize(
    "words",
    [[], ["in.jsonl"], ["in.jsonl", "-o", "no/such/folder/out"], ["in.jsonl", "-o", "."], ["-o", "out"]],
    ids=str,
)
def test_wrong_usage_costs_nothing(gigachat_sandbox, run, words):
    assert run("batch", *words)[0] == 2
    assert gigachat_sandbox.requests == []


def test_a_bad_line_has_its_number(gigachat_sandbox, run, file, tmp_path):
    path = str(file(chat("a"), chat("b", seed=1)))
    code, _, errors = run("batch", path, "-o", str(tmp_path / "out"))
    assert (code, "line 2, seed" in errors) == (1, True)
    assert gigachat_sandbox.requests == []
    assert run("batch", path, "-o", str(tmp_path / "out"), "--drop-params")[0] == 0


def test_ctrl_c_says_how_to_resume(gigachat_sandbox, run, file, tmp_path, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    gigachat_sandbox.knobs.batch_seconds = 100
    path, out = file(chat("a")), tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(command.time, "sleep", interrupt)
        code, _, errors = run("batch", str(path), "-o", str(out))
    assert (code, out.exists()) == (130, False)
    words = re.findall(r"to come back to it: litellm-gigachat (.*)\n", errors)[-1].split()
    gigachat_sandbox.advance(100)
    assert run(*words)[0] == 0
    assert [row["custom_id"] for row in rows_of(out)] == ["a"]
    assert sum(one.method == "POST" for one in gigachat_sandbox.requests if one.where == "batches") == 1


def test_ctrl_c_while_the_batch_is_made(gigachat_sandbox, run, file, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(batches, "create", interrupted)
    code, _, errors = run("batch", str(file(chat("a"))), "-o", str(tmp_path / "out"))
    assert (code, "batch --list" in errors) == (130, True)


def test_a_hiccup_does_not_end_the_wait(gigachat_sandbox, run, file, tmp_path):
    gigachat_sandbox.fail_next("batches", status=503, skip=1, times=3)
    assert run("batch", str(file(chat("a"))), "-o", str(tmp_path / "out"))[0] == 0


def test_a_service_that_stays_away_does(gigachat_sandbox, run, file, tmp_path):
    gigachat_sandbox.fail_next("batches", status=503, skip=1, times=command._PATIENCE)
    code, _, errors = run("batch", str(file(chat("a"))), "-o", str(tmp_path / "out"))
    assert (code, "503" in errors, "--resume" in errors) == (1, True, True)


def test_the_results_stay_as_they_were_if_new_ones_cannot_be_written(
    gigachat_sandbox, run, file, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    out.write_text("old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(command.os, "fsync", full)
    code, _, errors = run("batch", str(file(chat("a"))), "-o", str(out))
    assert (code, "No space left" in errors, out.read_text()) == (1, True, "old")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out"]


def test_list(gigachat_sandbox, run, file, tmp_path):
    assert run("batch", "--list")[1] == "The account has no batches.\n"
    run("batch", str(file(chat("a"))), "-o", str(tmp_path / "out"))
    (batch,) = json.loads(run("batch", "--list", "--json")[1])
    shown = run("batch", "--list")[1].splitlines()[-1].split()
    assert shown[:6] == [batch["id"], "chat_completions", "completed", "1", "1", "0"]


class Client:
    """The command in a process of its own."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "litellm_gigachat_provider", "batch", *words],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._guard = threading.Timer(120, self.process.kill)
        self._guard.start()

    def batch_id(self):
        return re.search(r"--resume (\S+)", self.process.stderr.readline())[1]

    def kill(self):
        self.process.kill()
        return self.end()

    def end(self):
        errors = self.process.communicate()[1]
        self._guard.cancel()
        return self.process.returncode, errors


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is a matter of POSIX")
def test_a_thousand_lines_survive_a_client_killed_twice(gigachat_sandbox, file, tmp_path):
    """Killed while it waits, and again while it downloads: nothing is lost, nothing is asked twice."""
    names = [f"request {number}" for number in range(1000)]
    out, path = tmp_path / "out.jsonl", file(*(chat(name, name) for name in names))
    gigachat_sandbox.script([f"answer to {name}" for name in names])
    gigachat_sandbox.knobs.batch_seconds = 3600
    waiting = Client(str(path), "-o", str(out))
    batch_id = waiting.batch_id()
    assert waiting.kill()[0] == -9
    gigachat_sandbox.advance(3600)
    gigachat_sandbox.fail_next("files", kind="stall")
    downloading = Client(str(path), "-o", str(out), "--resume", batch_id)
    until = time.monotonic() + 100
    while not any(one.where == "files" for one in gigachat_sandbox.requests):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert downloading.kill()[0] == -9
    assert not out.exists()
    last = Client(str(path), "-o", str(out), "--resume", batch_id)
    assert last.end()[0] == 0
    answers = [(row["custom_id"], row["response"]["body"]["choices"][0]["message"]["content"]) for row in rows_of(out)]
    assert answers == [(name, f"answer to {name}") for name in names]
    assert [one.method for one in gigachat_sandbox.requests if one.where == "batches"].count("POST") == 1
    assert gigachat_sandbox.script_left == 0
