from __future__ import annotations

import asyncio
import socket
import time

import aiohttp  # noqa: F401 - loading it is not part of what is timed
import pytest
from loopback import CLOSE, STALL, WAYS, answer, serving
from secure import serving_tls, write_ca

from litellm_gigachat_provider.errors import GigaChatError, InvalidRequestError, TimeoutFailureError
from litellm_gigachat_provider.files import fetch as fetch_module
from litellm_gigachat_provider.files.fetch import Fetcher, is_public
from litellm_gigachat_provider.portal import PORTAL
from litellm_gigachat_provider.settings import Secret

WHERE = "messages[1].content[2]"
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100


def fetch(way, fetcher, url, limit=1000, timeout=5):
    kwargs = {"where": WHERE, "limit": limit, "timeout": timeout}
    coroutine = fetcher.fetch(url, **kwargs)
    return PORTAL.call(coroutine) if way == "sync" else asyncio.run(coroutine)


@pytest.fixture
def server():
    with serving() as made:
        made.default = answer(PNG, kind="image/png")
        yield made


@pytest.fixture
def fetcher(server):
    return Fetcher(server.settings(), lambda address, port: port == server.port)


def at(server, path="/cat.png", host="127.0.0.1"):
    return f"http://{host}:{server.port}{path}"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a00:1::",
        "nonsense",
    ],
)
def test_addresses_that_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "77.88.8.8", "2a02:6b8::feed:ff", "::ffff:8.8.8.8", "2002:808:808::"])
def test_addresses_that_are(address):
    assert is_public(address)


@pytest.mark.parametrize("way", WAYS)
class TestFetching:
    def test_the_file_and_nothing_of_ours_in_the_request(self, way, server, fetcher):
        assert fetch(way, fetcher, at(server, "/a%20b.png?x=1&y=%2F")) == (PNG, "image/png")
        (seen,) = server.requests
        assert (seen.method, seen.path, seen.body) == ("GET", "/a%20b.png?x=1&y=%2F", b"")
        assert set(seen.headers) == {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert seen.headers["host"] == f"127.0.0.1:{server.port}"
        assert server.wait_closed()

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0"]
    )
    def test_the_machine_itself_is_out_of_reach(self, way, server, host):
        with pytest.raises(InvalidRequestError) as caught:
            fetch(way, Fetcher(server.settings()), at(server, host=host))
        assert caught.value.field == WHERE
        assert server.requests == []
        assert server.accepted == 0

    @pytest.mark.parametrize(
        "url", ["file:///etc/passwd", "ftp://x/y", "gopher://x", "//x/y", "data:,x", "", "http://"]
    )
    def test_other_schemes(self, way, server, url):
        with pytest.raises(InvalidRequestError, match="URL"):
            fetch(way, Fetcher(server.settings()), url)

    def test_a_password_in_the_url_is_refused(self, way, server, fetcher):
        with pytest.raises(InvalidRequestError, match="password"):
            fetch(way, fetcher, f"http://me:secret@127.0.0.1:{server.port}/")
        assert server.requests == []

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_redirects_are_followed(self, way, server, fetcher, status):
        server.scripts["/one"] = [answer(b"", f"{status} Moved", Location="/two")]
        server.scripts["/two"] = [answer(b"", f"{status} Moved", Location=at(server, "/three"))]
        assert fetch(way, fetcher, at(server, "/one"))[0] == PNG
        assert [seen.path for seen in server.requests] == ["/one", "/two", "/three"]

    def test_but_not_without_end(self, way, server, fetcher):
        server.scripts["/one"] = [answer(b"", "302 Found", Location="/one")]
        with pytest.raises(InvalidRequestError, match="more than 5"):
            fetch(way, fetcher, at(server, "/one"))
        assert len(server.requests) == 6

    @pytest.mark.parametrize("target", ["http://169.254.169.254/latest/meta-data", "http://localhost:1/", "file:///x"])
    def test_and_not_into_private_places(self, way, server, fetcher, target):
        server.scripts["/one"] = [answer(b"", "302 Found", Location=target)]
        with pytest.raises(InvalidRequestError) as caught:
            fetch(way, fetcher, at(server, "/one"))
        assert caught.value.field == WHERE
        assert len(server.requests) == 1

    def test_a_name_with_one_private_address_is_refused(self, way, server, monkeypatch):
        def resolve(host, port, *args, **kwargs):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in ("8.8.8.8", "10.0.0.7")]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        with pytest.raises(InvalidRequestError, match="not public"):
            fetch(way, Fetcher(server.settings()), "http://two-faced.example/")

    def test_the_name_is_resolved_once_and_that_address_is_used(self, way, server, monkeypatch):
        asked = []
        real = socket.getaddrinfo

        def resolve(host, port, *args, **kwargs):
            if host != "rebinding.example":
                return real(host, port, *args, **kwargs)
            asked.append(host)
            address = "127.0.0.1" if len(asked) == 1 else "127.0.0.99"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        fetcher = Fetcher(server.settings(), lambda address, port: address == "127.0.0.1")
        assert fetch(way, fetcher, at(server, host="rebinding.example"))[0] == PNG
        assert asked == ["rebinding.example"]
        assert server.requests[0].headers["host"] == f"rebinding.example:{server.port}"

    @pytest.mark.parametrize("length", [True, False])
    def test_size(self, way, server, fetcher, length):
        body = b"x" * 2000
        server.default = answer(body) if length else b"HTTP/1.1 200 OK\r\n\r\n" + body
        server.scripts["/"] = [server.default, CLOSE]
        with pytest.raises(InvalidRequestError, match="larger than 1000 bytes"):
            fetch(way, fetcher, at(server, "/"))
        assert server.wait_closed()

    def test_time(self, way, server, fetcher, monkeypatch):
        server.default = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
        server.scripts["/"] = [server.default, *[step for _ in range(100) for step in (b"x", 0.06)], STALL]
        began = time.monotonic()
        with pytest.raises(TimeoutFailureError):
            fetch(way, fetcher, at(server, "/"), timeout=0.15)
        monkeypatch.setattr(fetch_module, "TIME_LIMIT", 0.15)
        with pytest.raises(InvalidRequestError, match=r"within 0\.15 s"):
            fetch(way, fetcher, at(server, "/"))
        assert time.monotonic() - began < 5
        assert server.wait_closed()

    @pytest.mark.parametrize(
        "reply",
        [answer(b"", "404 Not Found"), answer(b"", "500 X"), answer(PNG, Content_Encoding="gzip"), b"nonsense\r\n\r\n"],
    )
    def test_answers_that_are_no_file(self, way, server, fetcher, reply):
        server.scripts["/"] = [reply, CLOSE]
        with pytest.raises(InvalidRequestError) as caught:
            fetch(way, fetcher, at(server, "/"))
        assert caught.value.field == WHERE
        assert server.wait_closed()

    def test_proxies_are_not_used(self, way, server, fetcher, monkeypatch):
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        assert fetch(way, fetcher, at(server))[0] == PNG

    def test_https_is_verified_and_shows_no_client_certificate(self, way, tmp_path):
        ca_file = write_ca(tmp_path / "ca.pem")
        with serving_tls(ca_file) as server:
            server.default = answer(PNG)
            url = f"https://localhost:{server.port}/cat.png"
            allow = lambda address, port: True  # noqa: E731
            settings = server.settings(verify=False, cert_file="/nonexistent", key_file="/nonexistent")
            assert fetch(way, Fetcher(settings, allow), url)[0] == PNG
            untrusting = server.settings(verify=False, ca_bundle_file=None, access_token=Secret("t.t"))
            with pytest.raises(GigaChatError, match="not trusted"):
                fetch(way, Fetcher(untrusting, allow), url)
            server.scripts["/cat.png"] = [answer(b"", "302 Found", Location="http://localhost/")]
            with pytest.raises(InvalidRequestError, match="from https to http"):
                fetch(way, Fetcher(server.settings(), allow), url)
