"""The checks. Each raises AssertionError with what did not hold, or tells that it does not apply."""

from __future__ import annotations

import json
import time
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from litellm_gigachat_provider.sandbox import Call, Fault, Question, Reply

from .programs import Program
from .stage import Home, Running, Service

PROMPT = "Сделай то, о чём мы договорились"  # several words: Cline takes a single one for a command
WORDS = "раз два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать четырнадцать"
SLOT_SECONDS = 5
_TOO_LONG = "CONTEXT_TOO_LONG: context too long 301216, maximum allowed context is 261120"


class DoesNotApply(Exception):
    """The program has nothing that this check could look at."""


@dataclass
class Stage:
    program: Program
    path: list[Path]
    services: dict[str, Service]  # by contract: v1, v2
    folder: Path

    @contextmanager
    def home(self, version: str = "v1", *, typed: bool = True) -> Iterator[tuple[Home, Service]]:
        """A new home, and the service as freshly started."""
        service = self.services[version]
        service.fresh()
        folder = Path(mkdtemp(prefix=f"{self.program.name}-", dir=self.folder))
        home = Home(self.program, self.path, service.url, folder, typed=typed)
        try:
            yield home, service
        finally:
            home.close()

    def asked(self, question: Question) -> bool:
        """Whether it is the conversation itself: titles and the like come without tools, if the program has any."""
        return self.program.read is None or (bool(question.functions) and not self.shortens(question))

    def shortens(self, question: Question) -> bool:
        sign = self.program.summary
        return bool(sign) and (sign in question.prompt or sign in question.system)


def starts(stage: Stage) -> None:
    """With README's snippets pasted it finds the proxy and its model, each way that it has of naming one."""
    ways: list[tuple[str, ...]] = [(), *stage.program.variants]
    for typed in (True, False) if stage.program.dialog else (True,):
        for more in ways:
            with stage.home(typed=typed) as (home, service):
                service.sandbox.script(["Ответ получен."], when=stage.asked)
                running = home.start(PROMPT, *more)
                code = running.wait()
                assert "Ответ получен." in running.output, f"{more}: exit code {code}: {running.output[-300:]}"
                assert code == 0, f"{more}: exit code {code}"
                _nothing_refused(service)
                models = {record.json["model"] for record in service.sandbox.chat_requests}
                assert models == {"GigaChat-2-Max"}, models


def answers(stage: Stage) -> None:
    """An answer with what breaks: quotes, backslashes, emoji, code, several lines."""
    text = 'Вот: "кавычки", C:\\new\\table, <b>тег</b>, 😀 и код: `print("ё")`. Конец.'
    with stage.home() as (home, service):
        service.sandbox.script([text], when=stage.asked)
        running = home.start(PROMPT)
        assert running.wait() == 0, running.output[-300:]
        assert " ".join(text.split()) in running.output, running.output[-300:]
        _nothing_refused(service)


def streams(stage: Stage) -> None:
    """Asked as a stream, shown whole; and while it is written where the program shows that at all."""
    with stage.home() as (home, service):
        service.sandbox.knobs.stream.chunk_delay = 0.4
        service.sandbox.script([WORDS], when=stage.asked)
        running = home.start(PROMPT, *(stage.program.streaming or ()))
        assert running.wait() == 0, running.output[-300:]
        assert all(record.json.get("stream") for record in service.sandbox.chat_requests), "not asked as a stream"
        if stage.program.streaming is None:
            assert WORDS in running.output, running.output[-300:]
            return
        first, last = (_seen(running, word) for word in (WORDS.split()[0], WORDS.split()[-1]))
        assert last - first > 0.4, f"the first word after {first:.1f} s, the last after {last:.1f} s"


def _seen(running: Running, word: str) -> float:
    """When a word had been printed, in seconds."""
    text = ""
    for at, piece in running.pieces:
        text += piece
        if f"{word} " in text or f"{word}\n" in text or f'{word}"' in text:
            return at
    raise AssertionError(f"{word!r} was not shown: {text[-300:]}")


def works(stage: Stage) -> None:
    """Reads a file, changes it, runs a command: afterwards the file on disk is another."""
    program = stage.program
    with stage.home() as (home, service):
        file, copy = home.project / "hello.txt", home.project / "copy.txt"
        file.write_text("Hello, world\n", encoding="utf-8")
        command = f"cp {file} {copy}"
        if program.read is None:  # aider: files go in with the question, commands are tests
            service.sandbox.script(["hello.txt\n```\nHello, GigaChat\n```\n"])
            running = home.start(PROMPT, "--file", "hello.txt", "--auto-test", "--test-cmd", command)
        else:
            assert program.edit is not None and program.run is not None
            calls = [program.read(str(file)), program.edit(str(file), "world", "GigaChat"), program.run(command)]
            service.sandbox.script([*calls, "Сделано всё."], when=stage.asked)
            running = home.start(PROMPT)
        assert running.wait() == 0, running.output[-300:]
        assert service.sandbox.script_left == 0, (
            f"{service.sandbox.script_left} steps not made: {running.output[-300:]}"
        )
        assert file.read_text(encoding="utf-8").strip() == "Hello, GigaChat", "the file is not changed"
        assert copy.exists() and copy.read_text(encoding="utf-8") == file.read_text(encoding="utf-8"), "nothing ran"
        assert program.read is None or "Сделано всё." in running.output, running.output[-300:]
        _nothing_refused(service)


def two_at_once(stage: Stage) -> None:
    """v2: two calls in one answer, and both results come back beside their calls."""
    program = stage.program
    if program.read is None:
        raise DoesNotApply
    with stage.home("v2") as (home, service):
        contents = ("первое содержимое", "второе содержимое")
        calls: list[Call] = []
        for number, content in enumerate(contents):
            path = home.project / f"{number}.txt"
            path.write_text(content + "\n", encoding="utf-8")
            calls.append(program.read(str(path)))
        service.sandbox.script([Reply("Читаю оба.", calls=calls), "Прочитаны оба."], when=stage.asked)
        running = home.start(PROMPT)
        code = running.wait()
        bodies = [body for body in service.sandbox.chat_bodies if any(_parts(body, "function_result"))]
        assert bodies, f"exit code {code}, no result was sent: {running.output[-300:]}"
        made = [part["arguments"] for part in _parts(bodies[0], "function_call")]
        assert made == [call.arguments for call in calls], f"the calls came back as {made}"
        results = [json.dumps(part["result"], ensure_ascii=False) for part in _parts(bodies[0], "function_result")]
        assert len(results) == 2 and all(map(_contains, results, contents)), f"the results were {results}"
        assert "Прочитаны оба." in running.output, running.output[-300:]
        _nothing_refused(service)


def _contains(text: str, part: str) -> bool:
    return part in text


def _parts(body: Any, key: str) -> Iterator[Any]:
    """The parts of one kind in a v2 request."""
    return (part[key] for message in body["messages"] for part in message["content"] if key in part)


def tells_402(stage: Stage) -> None:
    """The tokens are used up: the user reads so, and what to do."""
    with stage.home() as (home, service):
        service.sandbox.fail_next(status=402, times=1000)
        running = home.start(PROMPT)
        running.wait()
        for words in ("Payment Required", "token package of this key is used up"):
            assert words in running.output, running.output[-300:]


def shortens(stage: Stage, fault: Callable[[], Fault]) -> None:
    """The conversation grows past the model's context: the program shortens it and goes on to its end."""
    program = stage.program
    if program.summary is None or program.run is None:
        raise DoesNotApply
    with stage.home() as (home, service):
        # Printed, not read: files that it has seen are put back in full into what was shortened.
        commands = [f"seq -f '{number}.%g {WORDS}' 60" for number in range(9)]
        output = 60 * (len(WORDS) + 5)
        sizes: list[int] = []

        def too_long(question: Question) -> bool:
            """Longer than the first question and seven and a half of the outputs."""
            sizes.append(_size(question))
            return sizes[-1] > min(sizes) + 7.5 * output

        service.sandbox.script([fault()], when=too_long)
        service.sandbox.script(["<summary>Команды выполнены, осталось ответить.</summary>"] * 6, when=stage.shortens)
        service.sandbox.script([*map(program.run, commands), "Дошли до конца."], when=stage.asked)
        running = home.start(PROMPT)
        code = running.wait()
        refused = sum(record.forced for record in service.sandbox.chat_requests)
        assert refused, "it never came to an overflow"
        assert "Дошли до конца." in running.output, f"exit code {code}, {refused} refused: {running.output[-300:]}"
        _nothing_refused(service)


def _size(question: Question) -> int:
    return sum(len(f"{said.text}{said.results}{said.calls}") for said in question.messages)


def shortens_413(stage: Stage) -> None:
    shortens(stage, lambda: Fault(status=413, times=1000))


def shortens_422(stage: Stage) -> None:
    shortens(stage, lambda: Fault(status=422, body={"status": 422, "message": _TOO_LONG}, times=1000))


def stops(stage: Stage, after: int) -> None:
    """Ctrl-C: the account's one slot is free within five seconds, at GigaChat and in the proxy's line."""
    with stage.home() as (home, service):
        service.sandbox.script([WORDS], when=stage.asked)
        service.sandbox.knobs.stream.stall_after = after
        service.sandbox.knobs.stream.chunk_delay = 0.3
        running = home.start(PROMPT, *(stage.program.streaming or ()))
        assert _until(lambda: service.running == 1, 60), f"nothing was asked: {running.output[-300:]}"
        if after and stage.program.streaming is not None:
            assert _until(lambda: WORDS[:8] in running.shown, 60), f"nothing is shown: {running.output[-300:]}"
        else:
            time.sleep(3)
        assert service.running == 1, "it did not wait for the answer"
        running.interrupt()
        freed = _until(lambda: service.running == 0, SLOT_SECONDS)
        assert freed, f"the generation still runs {SLOT_SECONDS} s after Ctrl-C"
        service.sandbox.knobs.stream.stall_after = None
        try:
            service.ask(SLOT_SECONDS)
        except (urllib.error.URLError, OSError) as error:
            raise AssertionError(f"the proxy's slot is not free after Ctrl-C: {error}") from error
        finally:
            running.wait(10)


def stops_midway(stage: Stage) -> None:
    """Once the first words are there, or might be where the program does not show them yet."""
    stops(stage, after=4)


def stops_early(stage: Stage) -> None:
    """Before the first token; several times, since it is a race."""
    for _ in range(3):
        stops(stage, after=0)


def _until(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


def _nothing_refused(service: Service) -> None:
    refused = [(record.status, record.refusal) for record in service.sandbox.refused]
    assert not refused, f"GigaChat refused: {refused}"


CHECKS: dict[str, Callable[[Stage], None]] = {
    "starts": starts,
    "answers": answers,
    "streams": streams,
    "works": works,
    "two-at-once": two_at_once,
    "402": tells_402,
    "413": shortens_413,
    "422": shortens_422,
    "stops-midway": stops_midway,
    "stops-early": stops_early,
}
