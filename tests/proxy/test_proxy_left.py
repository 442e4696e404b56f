"""A client that leaves: its generation ends, or is never begun, and the account's one slot is free for the next."""

from __future__ import annotations

import json
import socket
import sys
import time
from pathlib import Path

import httpx
import pytest
from proxy_process import ProxyProcess

from litellm_gigachat_provider.commands.proxy import DEFAULT_CONFIG

SOON = 5  # seconds; it takes a tenth of one
PATHS = ("/v1/chat/completions", "/v1/messages", "/v1/responses")


def body(path, text, **more):
    question = {"input": text} if path.endswith("responses") else {"messages": [{"role": "user", "content": text}]}
    return {"model": "gigachat", **question, **({"max_tokens": 100} if path.endswith("messages") else {}), **more}


def ask(proxy, path, text, **more):
    """A raw connection with one question sent over it."""
    data = json.dumps(body(path, text, **more)).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer any-key\r\nContent-Type: application/json\r\n"
    connection = socket.create_connection(("127.0.0.1", int(proxy.url.rpartition(":")[2])), timeout=30)
    connection.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
    return connection


def until(holds, seconds=30):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    return holds()


@pytest.fixture(scope="module")
def _single(_server, tmp_path_factory):
    with ProxyProcess(_server, tmp_path_factory.mktemp("single"), GIGACHAT_MAX_CONCURRENCY="1") as proxy:
        yield proxy


@pytest.fixture
def single(_single, sandbox):
    yield _single
    assert "was never retrieved" not in _single.log


@pytest.fixture
def running(sandbox):
    return lambda: sandbox.world.running[sandbox.client_id]


def is_served(proxy, sandbox):
    sandbox.knobs.chat_delay, sandbox.knobs.stream.stall_after = 0.0, None
    answer = httpx.post(f"{proxy.url}{PATHS[0]}", json=body(PATHS[0], "next"), timeout=SOON)
    return answer.status_code == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("read", [0, 2], ids=["before the first token", "in mid-stream"])
def test_a_left_stream_is_ended(single, sandbox, running, path, read):
    sandbox.knobs.answer = "one two three four five six seven eight nine ten"
    sandbox.knobs.stream.stall_after = read
    with ask(single, path, "leaves", stream=True) as client:
        assert until(running)
        if read:
            assert b" 200 " in client.recv(4096)
        time.sleep(0.5)
    assert until(lambda: not running(), SOON)
    assert sandbox.chat_requests[-1].closed_early
    assert is_served(single, sandbox)


@pytest.mark.parametrize("path", PATHS)
def test_what_a_client_left_while_it_was_generated_is_cancelled(single, sandbox, running, path):
    sandbox.knobs.chat_delay = 60.0
    with ask(single, path, "leaves"):
        assert until(running)
        time.sleep(0.5)
    assert until(lambda: not running(), SOON)
    assert sandbox.chat_requests[-1].closed_early
    assert is_served(single, sandbox)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("stream", [False, True])
def test_who_left_the_line_is_not_asked_for(single, sandbox, running, path, stream):
    sandbox.knobs.chat_delay = 4.0
    with ask(single, PATHS[0], "first"):
        assert until(running)
        leaving = ask(single, path, "leaves", stream=stream)
        time.sleep(0.7)
        with ask(single, path, "stays", stream=stream) as staying:
            time.sleep(0.7)
            leaving.close()
            assert running()
            sandbox.knobs.chat_delay = 0.0  # of those that come after the first
            assert until(lambda: len(sandbox.chat_requests) == 2)
            assert b" 200 " in staying.recv(4096)
    asked = [record.json["messages"][-1]["content"] for record in sandbox.chat_requests]
    assert asked == ["first", "stays"]


def test_who_stays_gets_his_answer_however_long_the_question(single, sandbox):
    """Regression guard: what listens for the end of a connection must not eat its body."""
    text = "Скажи: да. " * 50_000
    sandbox.knobs.context_tokens = 10**9
    sandbox.knobs.chat_delay = 1.0
    answer = httpx.post(f"{single.url}{PATHS[0]}", json=body(PATHS[0], text), timeout=60)
    assert answer.status_code == 200
    assert sandbox.chat_requests[-1].json["messages"][-1]["content"] == text


class OwnCommand(ProxyProcess):
    command = (str(Path(sys.executable).with_name("litellm")), "--host", "127.0.0.1")


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_litellms_own_command(_server, sandbox, running, tmp_path, workers):
    """``litellm --config`` loads the handler by itself, in each worker."""
    config = tmp_path / "config.yaml"
    config.write_text(DEFAULT_CONFIG.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "litellm_gigachat_provider.py").write_text("from litellm_gigachat_provider import gigachat\n")
    environment = {"GIGACHAT_MAX_CONCURRENCY": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    environment |= {"LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"}
    proxy = OwnCommand(_server, tmp_path, "--config", str(config), "--num_workers", workers, **environment)
    try:
        proxy.wait_ready()
        for _ in range(2):
            sandbox.knobs.chat_delay = 60.0
            with ask(proxy, PATHS[0], "leaves"):
                assert until(running)
                time.sleep(0.5)
            assert until(lambda: not running(), SOON)
            assert is_served(proxy, sandbox)
    finally:
        proxy.stop()
