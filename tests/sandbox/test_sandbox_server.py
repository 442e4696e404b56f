"""The server's life: TLS, HTTP/2, threads, ports, the environment it gives."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from pathlib import Path

import httpx
import pytest

from litellm_gigachat_provider.sandbox import Sandbox

HELLO = {"model": "GigaChat", "messages": [{"role": "user", "content": "Count from 1 to 9"}]}


def tls_client(sandbox, **kwargs):
    context = ssl.create_default_context(cafile=sandbox.ca_file)
    headers = {"Authorization": f"Bearer {sandbox.issue_token()}"}
    return httpx.Client(verify=context, headers=headers, trust_env=False, timeout=2, **kwargs)


def test_http2_over_tls(gigachat_sandbox_tls):
    sandbox = gigachat_sandbox_tls
    with tls_client(sandbox, http2=True) as client:
        answer = client.post(f"{sandbox.base_url}/chat/completions", json=HELLO)
        assert (answer.http_version, answer.status_code) == ("HTTP/2", 200)
        with client.stream("POST", f"{sandbox.base_url}/chat/completions", json={**HELLO, "stream": True}) as stream:
            assert b"".join(stream.iter_raw()).endswith(b"data: [DONE]\n\n")
        sandbox.knobs.stream.reset_after = 1
        with (
            pytest.raises(httpx.TransportError),
            client.stream("POST", f"{sandbox.base_url}/chat/completions", json={**HELLO, "stream": True}) as stream,
        ):
            stream.read()
    assert sandbox.requests[0].http_version == "2"


def test_http1_over_tls(gigachat_sandbox_tls):
    with tls_client(gigachat_sandbox_tls) as client:
        assert client.get(f"{gigachat_sandbox_tls.base_url}/models").http_version == "HTTP/1.1"


def test_strangers_do_not_trust_it(gigachat_sandbox_tls):
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{gigachat_sandbox_tls.base_url}/models", trust_env=False)


def test_without_http2():
    with Sandbox(tls=True, http2=False) as sandbox, tls_client(sandbox, http2=True) as client:
        assert client.get(f"{sandbox.base_url}/models").http_version == "HTTP/1.1"


def test_fixture_sets_the_environment(gigachat_sandbox):
    seen = {name: value for name, value in os.environ.items() if name.startswith("GIGACHAT_")}
    assert seen == gigachat_sandbox.env
    assert set(seen) == {"GIGACHAT_BASE_URL", "GIGACHAT_AUTH_URL", "GIGACHAT_CREDENTIALS", "GIGACHAT_SCOPE"}
    assert gigachat_sandbox.requests == []


def test_tls_fixture_names_its_ca(gigachat_sandbox_tls):
    assert Path(os.environ["GIGACHAT_CA_BUNDLE_FILE"]).read_text().startswith("-----BEGIN CERTIFICATE-----")


@pytest.mark.parametrize("tls", [False, True])
def test_stopping_leaves_nothing(tls):
    before = set(threading.enumerate())
    sandbox = Sandbox(tls=tls).start()
    sandbox.knobs.stream.stall_after = 1
    ca_file, port = sandbox.ca_file, sandbox.port
    with (
        tls_client(sandbox, http2=True)
        if tls
        else httpx.Client(headers={"Authorization": f"Bearer {sandbox.issue_token()}"}, trust_env=False)
    ) as client:
        url = f"{sandbox.base_url}/chat/completions"
        with client.stream("POST", url, json={**HELLO, "stream": True}) as stream:
            next(stream.iter_raw())
            started = time.monotonic()
            sandbox.stop()
            assert time.monotonic() - started < 5
    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    assert ca_file is None or not Path(ca_file).exists()
    sandbox.stop()  # twice is harmless


def test_starts_fast():
    with Sandbox():
        pass  # imports are done
    started = time.monotonic()
    with Sandbox():
        assert time.monotonic() - started < 5


def test_a_taken_port_is_an_error():
    with Sandbox() as sandbox, pytest.raises(OSError, match=r"[Aa]ddress already in use"):
        Sandbox(port=sandbox.port).start()


def test_only_the_loopback_is_served(gigachat_sandbox):
    assert gigachat_sandbox.base_url.startswith("http://127.0.0.1:")


def test_clear_keeps_the_tokens(client):
    assert client.get("/models").status_code == 200
    client.sandbox.clear()
    assert client.sandbox.requests == []
    assert client.get("/models").status_code == 200
    assert client.sandbox.chat_bodies == []


def test_a_new_key_for_each_test(gigachat_sandbox):
    old = gigachat_sandbox.credentials
    gigachat_sandbox.reset(new_key=True)
    assert gigachat_sandbox.credentials != old
