"""A TLS server that speaks HTTP/2 as a test tells it to, and notes what becomes of every stream.

``server.behave`` is a coroutine function that answers one :class:`Stream`; it runs in the server's own loop.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from contextlib import contextmanager

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
from loopback import DONE, event, in_thread
from secure import server_context

from litellm_gigachat_provider.settings import Secret, Settings

TEXT = "Море шумит"
LONG = 15.0  # seconds that nothing here takes, not even on a busy machine: who waits so long waits in vain


def said(text=TEXT):
    """A whole answer of the chat, as bytes of events."""
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "precached_prompt_tokens": 0}
    common = {"created": 1700000000, "model": "GigaChat-2-Max:2.0", "object": "chat.completion"}
    words = event({"choices": [{"delta": {"content": text, "role": "assistant"}, "index": 0}], **common})
    last = {"choices": [{"delta": {"content": ""}, "index": 0, "finish_reason": "stop"}], **common, "usage": usage}
    return words + event(last) + DONE


def word(text):
    """One event with a piece of the answer."""
    return event({"choices": [{"delta": {"content": text}, "index": 0}], "created": 1700000000, "model": "m"})


class Stream:
    """One request. ``over``: "answered" by us, or "reset" by the peer, or "lost" with its connection."""

    def __init__(self, connection, number, headers):
        self.connection, self.number = connection, number
        self.headers = {name.decode(): value.decode() for name, value in headers}
        self.body = b""
        self.over = None
        self.gone = asyncio.Event()
        self.task = None

    @property
    def text(self):
        """What the last message of the chat says."""
        return json.loads(self.body)["messages"][-1]["content"]

    def head(self, status=200, kind="text/event-stream", flush=True):
        self.connection.h2.send_headers(self.number, [(":status", str(status)), ("content-type", kind)])
        if flush:
            self.connection.flush()

    def send(self, data, end=False):
        size = self.connection.h2.max_outbound_frame_size
        for start in range(0, len(data), size):
            self.connection.h2.send_data(self.number, data[start : start + size])
        if end:
            self.connection.h2.end_stream(self.number)
            self.finish("answered")
        self.connection.flush()

    def answer(self, data=None, **head):
        self.head(**head)
        self.send(said() if data is None else data, end=True)

    def finish(self, how):
        self.over = self.over or how
        if how != "answered":
            self.gone.set()


class Connection:
    def __init__(self, server, writer):
        self.server, self.writer = server, writer
        self.streams = {}
        self.ended = False
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.h2.local_settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] = server.max_streams
        self.h2.local_settings.acknowledge()
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        if not self.writer.is_closing():
            self.writer.write(self.h2.data_to_send())

    def receive(self, data):
        if self.ended:
            return
        for happened in self.h2.receive_data(data):
            stream = self.streams.get(getattr(happened, "stream_id", None))
            if isinstance(happened, h2.events.RequestReceived):
                stream = self.streams[happened.stream_id] = Stream(self, happened.stream_id, happened.headers)
                self.server.streams.append(stream)
            elif isinstance(happened, h2.events.DataReceived):
                stream.body += happened.data
                self.h2.acknowledge_received_data(happened.flow_controlled_length, happened.stream_id)
            elif isinstance(happened, h2.events.StreamEnded):
                stream.task = asyncio.ensure_future(self.server.run(stream))
            elif isinstance(happened, h2.events.StreamReset):
                stream.finish("reset")
        self.flush()

    async def drip(self, pause):
        """A byte at a time of what waits to be sent."""
        for byte in self.h2.data_to_send():
            self.writer.write(bytes([byte]))
            await asyncio.sleep(pause)

    def goaway(self):
        """From here on, what the peer starts is ignored, as RFC 9113 (6.8) says."""
        self.ended = True
        self.h2.close_connection()
        self.flush()

    def drop(self):
        self.writer.close()


class H2Server:
    def __init__(self, max_streams):
        self.max_streams = max_streams
        self.behave = self.usual
        self.connections, self.streams, self.troubles = [], [], []
        self.open = 0
        self.port, self.loop = 0, None

    # --- what a test asks

    def settings(self, ca_file, **changes):
        made = {"access_token": Secret("token-" + "a" * 20), "base_url": f"https://localhost:{self.port}/v1"}
        return Settings(**(made | {"ca_bundle_file": ca_file} | changes))

    def call(self, function, *args):
        """In the server's loop, done when this returns."""

        async def run():
            return function(*args)

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(5)

    def drop_all(self, how):
        """End what is open: ``goaway``, ``close`` or both."""
        for connection in self.connections:
            if "goaway" in how and not connection.writer.is_closing():
                self.call(connection.goaway)
            if "close" in how:
                self.call(connection.drop)

    def of(self, text):
        return [stream for stream in self.streams if stream.body and stream.text == text]

    def wait(self, condition, seconds=10.0):
        until = time.monotonic() + seconds
        while not condition() and time.monotonic() < until:
            time.sleep(0.005)
        return condition()

    # --- serving

    async def usual(self, stream):
        stream.answer()

    async def run(self, stream):
        try:
            await self.behave(stream)
        except (h2.exceptions.ProtocolError, ConnectionError) as error:  # the peer has left meanwhile
            if stream.over is None and not stream.connection.writer.is_closing():
                self.troubles.append(repr(error))

    async def serve(self, reader, writer):
        self.loop = asyncio.get_running_loop()
        self.open += 1
        connection = Connection(self, writer)
        self.connections.append(connection)
        try:
            while data := await reader.read(1 << 16):
                connection.receive(data)
        except (ConnectionError, ssl.SSLError, h2.exceptions.ProtocolError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            writer.close()
            for stream in connection.streams.values():
                if stream.over is None:
                    stream.finish("lost")


@contextmanager
def serving_h2_script(max_streams=100):
    context = server_context()
    context.set_alpn_protocols(["h2"])
    server = H2Server(max_streams)
    with in_thread(server.serve, context) as port:
        server.port = port
        yield server
    assert server.troubles == []
