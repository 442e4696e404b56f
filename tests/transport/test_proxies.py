"""NO_PROXY as people write it: one answer for every request, and no entry that can stop a call."""

from __future__ import annotations

import asyncio

import httpx
import litellm
import pytest

from litellm_gigachat_provider.transport.proxies import misread, proxy_for

PROXY = "http://proxy.example:3128"
HELLO = [{"role": "user", "content": "Привет!"}]


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def through(url):
    proxy = proxy_for(httpx.URL(url))
    return str(proxy.url) if proxy is not None else None


@pytest.mark.parametrize(
    ("entry", "direct", "proxied"),
    [
        ("[::1]", ["http://[::1]/"], ["http://[::2]/"]),
        ("[::1]:8080", ["http://[::1]:8080/"], ["http://[::1]:9090/"]),
        ("::1/128", ["http://[::1]/"], ["http://[::2]/"]),
        ("fe80::/10", ["http://[fe80::5]/"], ["http://[2001::5]/"]),
        ("127.0.0.1/32", ["http://127.0.0.1/"], ["http://127.0.0.2/"]),
        ("10.0.0.0/8", ["http://10.9.9.9:1/"], ["http://11.0.0.1/"]),
        ("https://127.0.0.1", ["https://127.0.0.1/"], ["http://127.0.0.1/"]),
        ("*,x", ["http://anything.example/"], []),
        ("пример.рф", ["https://пример.рф/", "https://api.пример.рф/"], ["https://другой.рф/"]),
        ("example.com", ["http://example.com/", "http://api.example.com/"], ["http://notexample.com/"]),
        (".example.com", ["http://api.example.com/"], ["http://example.org/"]),
        ("*.example.com", ["http://api.example.com/"], ["http://example.org/"]),
        ("example.com:8443", ["https://example.com:8443/"], ["https://example.com/"]),
        ("example.com:80", ["http://example.com/"], ["https://example.com/"]),
        ("EXAMPLE.com", ["http://example.COM/"], []),
        ("localhost,127.0.0.1,::1,[::1]", ["http://localhost/", "http://127.0.0.1/", "http://[::1]/"], ["http://a.b/"]),
    ],
)
def test_entries(environment, entry, direct, proxied):
    environment.setenv("ALL_PROXY", PROXY)
    environment.setenv("NO_PROXY", entry)
    assert [through(url) for url in direct] == [None] * len(direct)
    assert [through(url) for url in proxied] == [PROXY] * len(proxied)
    assert misread() == ()


@pytest.mark.parametrize("entry", ["host:abc", "a b", "ftp://x", "http://[", "user@host", "a/b", "::1::2", "*x*y"])
def test_what_is_not_understood_is_left_out_and_named(environment, entry):
    environment.setenv("HTTP_PROXY", PROXY)
    environment.setenv("NO_PROXY", f"{entry},good.example")
    assert through("http://good.example/") is None
    assert through("http://other.example/") == PROXY
    assert len(misread()) == 1
    assert entry in misread()[0]


@pytest.mark.parametrize("value", ["gopher://x", "http://", "http://[", "://", "http://host:port"])
def test_an_unreadable_proxy_is_left_out_and_named(environment, value):
    environment.setenv("HTTPS_PROXY", value)
    assert through("https://api.giga.chat/v1") is None
    assert [problem.split()[0] for problem in misread()] == ["HTTPS_PROXY"]


@pytest.mark.parametrize(
    "value",
    [
        "localhost,127.0.0.1,::1,[::1]",
        "127.0.0.1/32",
        "https://127.0.0.1,http://127.0.0.1",
        "*,x",
        "host:abc,127.0.0.1",
    ],
)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("way", ["sync", "async"])
def test_tokens_and_chat_go_the_same_way(environment, gigachat_sandbox, value, stream, way):
    """A dead proxy stands in the environment: whatever went through it would fail."""
    environment.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    environment.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    environment.setenv("NO_PROXY", value)
    call = {"model": "gigachat/GigaChat-2", "messages": HELLO, "stream": stream}

    async def main():
        answer = await litellm.acompletion(**call)
        return [chunk async for chunk in answer] if stream else answer

    if way == "async":
        assert asyncio.run(main())
    else:
        answer = litellm.completion(**call)
        assert list(answer) if stream else answer
    assert len(gigachat_sandbox.chat_requests) == 1
