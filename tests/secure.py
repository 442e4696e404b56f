"""Loopback servers over TLS: one that speaks HTTP/2 as the service does, one that does not."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from contextlib import contextmanager

import trustme
from loopback import event, serving

AUTHORITY = trustme.CA()
CERT = AUTHORITY.issue_cert("localhost", "127.0.0.1")


def write_ca(path):
    AUTHORITY.cert_pem.write_to_path(str(path))
    return str(path)


def server_context(cert=CERT):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    return context


@contextmanager
def serving_tls(ca_file, cert=CERT):
    """HTTP/1.1 over TLS; ``settings`` trust it."""
    with serving(server_context(cert)) as server:
        plain = server.settings
        server.settings = lambda **changes: plain(
            **({"base_url": f"https://localhost:{server.port}/v1", "ca_bundle_file": ca_file} | changes)
        )
        yield server


class H2App:
    """A stream of ``count`` events, one each ``pause`` seconds, as an ASGI application."""

    def __init__(self):
        self.count, self.pause = 5, 0.03
        self.versions, self.sent, self.cut = [], 0, 0

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        self.versions.append(scope["http_version"])
        while (await receive()).get("more_body"):
            pass
        if scope["path"].endswith("/error"):
            await send({"type": "http.response.start", "status": 429, "headers": [(b"retry-after", b"4")]})
            await send({"type": "http.response.body", "body": b'{"status":429,"message":"Too many requests"}'})
            return
        kind = b"text/event-stream" if "stream" in scope["path"] else b"application/json"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        if kind == b"application/json":
            await send({"type": "http.response.body", "body": b'{"choices":[]}'})
            return
        gone = asyncio.ensure_future(receive())
        for number in range(self.count):
            if gone.done():
                self.cut += 1
                return
            await send({"type": "http.response.body", "body": event({"n": number}), "more_body": True})
            self.sent += 1
            await asyncio.sleep(self.pause)
        gone.cancel()
        await send({"type": "http.response.body", "body": event("[DONE]")})


@contextmanager
def serving_h2(tmp_path):
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    key, chain = tmp_path / "key.pem", tmp_path / "chain.pem"
    CERT.private_key_pem.write_to_path(str(key))
    for blob in CERT.cert_chain_pems:
        blob.write_to_path(str(chain), append=True)
    with serving() as probe:  # a free port
        port = probe.port
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.keyfile, config.certfile = str(key), str(chain)
    config.alpn_protocols = ["h2", "http/1.1"]
    config.accesslog = config.errorlog = None
    config.graceful_timeout = 0.1
    app = H2App()
    box = {}

    async def main():
        box["stop"], box["loop"] = asyncio.Event(), asyncio.get_running_loop()
        await serve(app, config, shutdown_trigger=box["stop"].wait)

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    import socket

    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.01)
    app.base_url = f"https://localhost:{port}/v1"
    try:
        yield app
    finally:
        box["loop"].call_soon_threadsafe(box["stop"].set)
        thread.join(5)
