"""A streamed chat call: opened eagerly, read in whole network reads, closed on every way out."""

from __future__ import annotations

import functools
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..answer.finish import StreamFinisher, answer_to_deltas, must_buffer
from ..bridge.chunks import ChunkWriter
from ..bridge.exceptions import to_litellm
from ..bridge.proxy_client import asked
from ..contracts.codecs import CODECS, Codec
from ..errors import GigaChatError, HttpFailureError
from ..ids import new_id
from ..types import ChatRequest, Delta, FollowUp
from ..watch import counters, logs
from .ask import ask_stream
from .call import Call, as_v1
from .chat import answers_of, ask_again, falls_back, first_codec, read, understood
from .flow import Do, Flow, Gather, arun, run
from .head import Head
from .media import clean_up, download_images, with_files


class ChatStream:
    """What both kinds of stream share: opening as a flow, turning reads into chunks, ending."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.codec = first_codec(call)
        self.created = int(time.time())
        self.response_id = f"chatcmpl-{new_id()}"
        self.hidden_params: dict[str, Any] = {}
        self.identified: Callable[[ChatStream], None] | None = None  # told when `created` is the service's
        self.heads: deque[Head] = deque()
        self.waiting: list[Callable[[], Flow[Head]]] = []
        self.ready: deque[Any] = deque()
        self.writer: ChunkWriter | None = None
        self.opened = self.told = False
        self.request: ChatRequest | None = None
        self.uploaded: Mapping[str, str] = {}

    def open_flow(self) -> Flow[None]:
        """Ask, so that a refusal is raised before the caller iterates."""
        self.opened = True
        try:
            yield from self._open(self.call, self.codec)
        except HttpFailureError as failure:
            if not falls_back(self.call, self.codec, failure):
                raise
            self.call, self.codec = as_v1(self.call), CODECS["v1"]
            yield from self._open(self.call, self.codec)

    def _open(self, call: Call, codec: Codec) -> Flow[None]:
        request = read(call, codec)
        self.writer = ChunkWriter(
            self.response_id, self.created, call.model, legacy_functions=request.legacy_functions, n=request.n
        )
        if must_buffer(request):
            yield from self._open_buffered(call, codec, request)
            return

        def heads(request: ChatRequest, uploaded: Mapping[str, str]) -> Flow[list[Head]]:
            body = codec.body(request, uploaded)

            def open_head(index: int) -> Flow[Head]:
                events = yield from ask_stream(call, codec, body)
                reader = codec.stream(request, f"{self.response_id}{index}")
                return Head(index, events, reader, StreamFinisher(request))

            if request.n > 1 and call.settings.max_concurrency is None:
                opened: list[Head] = yield Gather([open_head(index) for index in range(request.n)])
                return opened
            # A limited tenant must not hold one slot while it waits for the next.
            self.waiting = [functools.partial(open_head, index) for index in range(1, request.n)]
            return [(yield from open_head(0))]

        reread = functools.partial(understood, call, codec)
        opened, self.request, self.uploaded = yield from with_files(call, request, reread, heads)
        for head in opened:
            self._add(head)

    def _open_buffered(self, call: Call, codec: Codec, request: ChatRequest) -> Flow[None]:
        """What cannot be finished piece by piece is asked for plainly and delivered in one go."""
        answers, reply = yield from answers_of(call, codec, _unstreamed(request))
        self._describe(reply.headers)
        for index, answer in enumerate(answers):
            yield from self._write_tail(answer_to_deltas(answer), index)

    def _add(self, head: Head) -> None:
        self._describe(head.events.headers)
        self.heads.append(head)

    def _describe(self, headers: Any) -> None:
        kept = {k: headers[k] for k in ("x-request-id", "x-session-id") if headers.get(k)}
        if kept and not self.told and "x-request-id" in kept:
            self._identify(f"chatcmpl-{kept['x-request-id']}", self.created)
        if kept:
            self.hidden_params = {"additional_headers": {f"llm_provider-{k}": v for k, v in kept.items()}}

    def take(self, head: Head, batch: Iterable[Any]) -> None:
        """Turn one network read into ready chunks."""
        deltas = head.take(batch)
        if deltas:
            assert self.writer is not None
            if deltas[0].created is not None and not self.told:
                self._identify(self.response_id, deltas[0].created)
            self.told = True
            self.ready += self.writer.write(deltas, head.index)

    def _identify(self, response_id: str, created: int) -> None:
        assert self.writer is not None
        self.response_id, self.created = response_id, created
        self.writer.identify(response_id, created)
        if self.identified is not None:
            self.identified(self)

    def end_flow(self, head: Head) -> Flow[None]:
        """The end of one head: what was held back, with its pictures, and the next head of a limited tenant."""
        tail = head.conclude()
        if head.finisher.follow_up is not None:
            yield from self._write_tail(tail, head.index)
            self.heads.append(head)  # what was said is handed out before the next wait
            return
        yield from self._ended(head, tail)

    def again_flow(self, head: Head, follow_up: FollowUp) -> Flow[None]:
        """The call that the stream ended without, by a second request: asked for plainly, as calls come whole."""
        assert self.request is not None
        # of a stream the time limit bounds each wait
        call = replace(self.call, deadline=time.monotonic() + self.call.timeout)
        said = follow_up.said
        answer = yield from ask_again(call, self.codec, self.request, self.uploaded, follow_up)
        answer.content = (answer.content or "")[len(said.content or "") :]  # the rest was handed out
        answer.reasoning = (answer.reasoning or "")[len(said.reasoning or "") :]
        head.usage = answer.usage
        yield from self._ended(head, answer_to_deltas(answer))

    def _ended(self, head: Head, tail: list[Delta]) -> Flow[None]:
        counters.spent(head.usage)
        logs.ended(head.index, tail[-1].finish_reason if tail else None, head.usage, self.created)
        yield from self._write_tail(tail, head.index)
        if self.waiting:
            self._add((yield from self.waiting.pop(0)()))
        elif not self.heads:
            yield from self.clean_flow()

    def clean_flow(self) -> Flow[None]:
        """Delete the files of this call, if so ordered; an abandoned stream leaves them."""
        request, self.request = self.request, None
        if request is not None:
            yield from clean_up(self.call, request, self.uploaded)

    def _write_tail(self, deltas: list[Delta], index: int) -> Flow[None]:
        media = [ref for delta in deltas for ref in delta.media]
        images = (yield from download_images(self.call, media)) if media else None
        assert self.writer is not None
        self.ready += self.writer.write(deltas, index, images)

    def next_flow(self) -> Flow[None]:
        """One network read of the next head, and what follows from it."""
        head = self.heads[0]
        if head.finisher.follow_up is not None:
            self.heads.popleft()
            yield from self.again_flow(head, head.finisher.follow_up)
            return
        head.check()
        batch = yield Do(head.events.read)
        if batch is not None:
            self.take(head, batch)
            if not head.over:
                self.heads.rotate(-1)
                return
        yield Do(head.events.aclose if head.finisher.stopped else head.events.afinish)
        self.heads.popleft()
        yield from self.end_flow(head)

    def close_flow(self) -> Flow[None]:
        """Give back the connections; what was read but not taken stays readable."""
        self.waiting.clear()
        while self.heads:
            yield Do(self.heads.pop().events.aclose)

    def failed_flow(self) -> Flow[None]:
        yield from self.close_flow()
        yield from self.clean_flow()

    def translated(self, error: GigaChatError) -> Exception:
        return to_litellm(error, self.call.model)


class SyncChatStream(ChatStream):
    """Iterator of LiteLLM chunks, open when made. One that is dropped closes with its streams of events."""

    def open(self) -> SyncChatStream:
        self._do(self.open_flow())
        return self

    def __iter__(self) -> SyncChatStream:
        return self

    def __next__(self) -> Any:
        while not self.ready:
            if not self.heads:
                raise StopIteration
            self._do(self.next_flow())
        return self.ready.popleft()

    def _do(self, flow: Flow[None]) -> None:
        try:
            run(flow)
        except GigaChatError as error:
            run(self.failed_flow())
            raise self.translated(error) from error
        except BaseException:  # Ctrl-C, too: the generation ends and gives its slot back
            self.close()
            raise

    def close(self) -> None:
        run(self.close_flow())


class AsyncChatStream(ChatStream):
    """Async iterator of LiteLLM chunks; ``open`` is awaited by the seam, or by the first ``__anext__``."""

    async def open(self) -> None:
        if not self.opened:
            await self._do(self.open_flow())

    def __aiter__(self) -> AsyncChatStream:
        return self

    async def __anext__(self) -> Any:
        await self.open()
        while not self.ready:
            if not self.heads:
                raise StopAsyncIteration
            await self._do(self.next_flow())
        return self.ready.popleft()

    async def _do(self, flow: Flow[None]) -> None:
        try:
            with asked():
                await arun(flow)
        except GigaChatError as error:
            await arun(self.failed_flow())
            raise self.translated(error) from error
        except BaseException:  # cancelled, too: the generation ends and gives its slot back
            await self.aclose()
            raise

    async def aclose(self) -> None:
        await arun(self.close_flow())


def _unstreamed(request: ChatRequest) -> ChatRequest:
    return replace(request, stream=False)
