"""A TLS server that speaks HTTP/2 and sends a chunk every 50 ms (or ten at once), each with the moment it was sent.

``time.monotonic`` is one clock for all processes of a Linux machine, so the reader can tell how late a chunk is.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import trustme
from hypercorn.asyncio import serve
from hypercorn.config import Config

from .payloads import MODEL

GAP = 0.05  # seconds
COUNT = 20


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    while (await receive()).get("more_body"):
        pass
    if scope["path"].startswith("/oauth"):
        token = {"access_token": "token", "expires_at": int((time.time() + 1800) * 1000)}
        await _start(send, b"application/json")
        await send({"type": "http.response.body", "body": json.dumps(token).encode()})
        return
    await _start(send, b"text/event-stream", scope["http_version"].encode())
    count, gap = (10, 0.0) if scope["path"].startswith("/short") else (COUNT, GAP)
    due = time.monotonic()
    for number in range(count):
        last = number == count - 1
        choice: dict[str, Any] = {"delta": {"content": f"{time.monotonic():.6f};"}, "index": 0}
        body: dict[str, Any] = {"choices": [choice], "created": 1768996176, "model": MODEL, "object": "chat.completion"}
        if last:
            choice["finish_reason"] = "stop"
            body["usage"] = {"prompt_tokens": 1, "completion_tokens": count, "total_tokens": count + 1}
        data = b"data: " + json.dumps(body).encode() + b"\n\n" + (b"data: [DONE]\n\n" if last else b"")
        await send({"type": "http.response.body", "body": data, "more_body": not last})
        due += gap
        if gap:
            await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _start(send: Any, kind: bytes, version: bytes = b"") -> None:
    headers = [(b"content-type", kind), (b"x-request-id", b"http/" + version)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def main() -> None:
    """Print the port and the CA's file, serve until stdin ends."""
    # Clients that close without TLS's goodbye are none of the table's business.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    with tempfile.TemporaryDirectory() as folder:
        ca, cert, key = (str(Path(folder) / name) for name in ("ca.pem", "cert.pem", "key.pem"))
        authority.cert_pem.write_to_path(ca)
        certificate.private_key_pem.write_to_path(key)
        for blob in certificate.cert_chain_pems:
            blob.write_to_path(cert, append=True)
        config = Config()
        config.certfile, config.keyfile, config.alpn_protocols = cert, key, ["h2", "http/1.1"]
        config.accesslog = config.errorlog = None
        config.bind = ["127.0.0.1:0"]
        sockets = config.create_sockets()
        port = sockets.secure_sockets[0].getsockname()[1]
        config.create_sockets = lambda: sockets  # type: ignore[method-assign]
        stop = asyncio.Event()
        task = asyncio.ensure_future(serve(app, config, shutdown_trigger=stop.wait))  # type: ignore[arg-type]
        print(port, ca, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        stop.set()
        await task


if __name__ == "__main__":
    asyncio.run(main())
