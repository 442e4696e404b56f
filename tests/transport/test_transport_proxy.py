"""HTTP_PROXY, HTTPS_PROXY and NO_PROXY on every lane, through a real proxy on the loopback."""

from __future__ import annotations

import asyncio
import base64
from contextlib import contextmanager

import httpx
import pytest
from loopback import DONE, END, WAYS, chunk, data_of, in_thread, read_stream, request, serving, stream_head
from secure import serving_h2, serving_tls, write_ca

from litellm_gigachat_provider.errors import ConnectionFailureError
from litellm_gigachat_provider.settings import Secret, Settings
from litellm_gigachat_provider.transport.client import Transport, close_all
from litellm_gigachat_provider.transport.proxies import misread, proxy_for

pytestmark = pytest.mark.parametrize("way", WAYS)
CANARY = "pass-" + "7e" * 12


class Proxy:
    def __init__(self):
        self.heads = []
        self.refuse = False

    async def serve(self, reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head.decode())
            method, target, _ = head.decode().split("\r\n")[0].split(" ")
            if self.refuse:
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
            if method == "CONNECT":
                host, _, port = target.rpartition(":")
                up_reader, up_writer = await asyncio.open_connection(host, int(port))
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                _, _, rest = target.partition("://")
                place, _, path = rest.partition("/")
                host, _, port = place.rpartition(":")
                up_reader, up_writer = await asyncio.open_connection(host, int(port))
                first, _, others = head.partition(b"\r\n")
                up_writer.write(first.replace(target.encode(), b"/" + path.encode()) + b"\r\n" + others)
            await asyncio.gather(pump(reader, up_writer), pump(up_reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@contextmanager
def proxying(monkeypatch, *schemes, no_proxy="", login=""):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    proxy = Proxy()
    with in_thread(proxy.serve) as port:
        for scheme in schemes:
            monkeypatch.setenv(f"{scheme}_proxy", f"http://{login}127.0.0.1:{port}")
        if no_proxy:
            monkeypatch.setenv("no_proxy", no_proxy)
        proxy.port = port
        yield proxy


def exercise(way, server, transport):
    server.scripts["/v1/stream"] = [stream_head() + chunk(DONE) + END]
    assert request(way, transport, "POST", transport.settings.url("chat"), json={"a": 1}).status == 200
    reads, error = read_stream(way, transport, transport.settings.url("stream"))
    assert (data_of(reads), error) == (["[DONE]"], None)
    close_all()


def test_http_through_a_proxy_with_a_password(way, monkeypatch):
    with serving() as server, proxying(monkeypatch, "http", login=f"me:{CANARY}@") as proxy:
        transport = Transport(server.settings())
        exercise(way, server, transport)
        assert server.requests[0].json == {"a": 1}
        assert all(head.startswith(f"POST http://127.0.0.1:{server.port}/v1/") for head in proxy.heads)
        login = base64.b64encode(f"me:{CANARY}".encode()).decode()
        assert f"proxy-authorization: basic {login.lower()}" in proxy.heads[0].lower()
        assert CANARY not in repr(proxy_for(httpx.URL(transport.settings.base_url)))


def test_https_through_a_tunnel(way, monkeypatch, tmp_path):
    ca_file = write_ca(tmp_path / "ca.pem")
    with serving_tls(ca_file) as server, proxying(monkeypatch, "https", login=f"me:{CANARY}@") as proxy:
        exercise(way, server, Transport(server.settings()))
        assert proxy.heads
        for head in proxy.heads:
            assert head.startswith(f"CONNECT localhost:{server.port} ")
            assert "proxy-authorization: basic" in head.lower()
            assert "bearer" not in head.lower()
        assert all("proxy-authorization" not in seen.headers for seen in server.requests)


def test_http2_through_a_tunnel(way, monkeypatch, tmp_path):
    ca_file = write_ca(tmp_path / "ca.pem")
    with serving_h2(tmp_path) as app, proxying(monkeypatch, "https") as proxy:
        transport = Transport(Settings(access_token=Secret("t.t"), base_url=app.base_url, ca_bundle_file=ca_file))
        reads, error = read_stream(way, transport, transport.settings.url("stream"))
        assert (len(data_of(reads)), error, app.versions) == (6, None, ["2"])
        assert len(proxy.heads) == 1
        close_all()


def test_no_proxy_goes_straight(way, monkeypatch):
    with serving() as server, proxying(monkeypatch, "http", "https", no_proxy="127.0.0.1,localhost") as proxy:
        exercise(way, server, Transport(server.settings()))
        assert proxy.heads == []


def test_all_proxy(way, monkeypatch):
    with serving() as server, proxying(monkeypatch, "all") as proxy:
        exercise(way, server, Transport(server.settings()))
        assert len(proxy.heads) >= 1


def test_a_proxy_that_refuses(way, monkeypatch, tmp_path):
    ca_file = write_ca(tmp_path / "ca.pem")
    with serving_tls(ca_file) as server, proxying(monkeypatch, "https", login=f"me:{CANARY}@") as proxy:
        proxy.refuse = True
        transport = Transport(server.settings())
        for error in (
            caught(lambda: request(way, transport, "POST", transport.settings.url("chat"), json={})),
            read_stream(way, transport, transport.settings.url("stream"))[1],
        ):
            assert type(error) is ConnectionFailureError
            assert "proxy" in str(error)
            assert CANARY not in str(error)
        assert server.requests == []


def test_a_proxy_nobody_can_read_is_left_out_and_named(way, monkeypatch):
    with serving() as server, proxying(monkeypatch, "http"):
        monkeypatch.setenv("http_proxy", "gopher://x")
        exercise(way, server, Transport(server.settings()))
        assert [problem.split()[0] for problem in misread()] == ["HTTP_PROXY"]
        monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
        transport = Transport(server.settings())
        with pytest.raises(ConnectionFailureError):
            request(way, transport, "POST", transport.settings.url("chat"), json={})


def caught(call):
    with pytest.raises(ConnectionFailureError) as info:
        call()
    return info.value


def test_netrc_is_never_read(way, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login me password {CANARY}\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with serving() as server, proxying(monkeypatch):
        exercise(way, server, Transport(server.settings()))
        assert all(seen.headers["authorization"].startswith("Bearer token-") for seen in server.requests)
