"""``python -m tests.benchmarks``: run the rows, print the table."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..redis_process import MISSING, Redis
from . import report
from .rows import ROWS, Row
from .yardsticks import SDK

_PACKAGE = __package__ or "tests.benchmarks"
_ROOT = Path(__file__).resolve().parents[2]


class Process:
    """A child that answers a line with a line."""

    def __init__(self, module: str, *args: str, folder: str) -> None:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("GIGACHAT_") and "proxy" not in k.lower()}
        environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", BENCHMARK_FOLDER=folder, PYTHONPATH=str(_ROOT))
        command = [sys.executable, "-m", f"{_PACKAGE}.{module}", *args]
        self.child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ, cwd=_ROOT
        )

    def line(self) -> str:
        assert self.child.stdout is not None
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit(f"a process ended with {self.child.wait()}; its words are above")
        return line.strip()

    def ask(self, question: dict[str, Any]) -> dict[str, float]:
        assert self.child.stdin is not None
        self.child.stdin.write(json.dumps(question) + "\n")
        self.child.stdin.flush()
        answer: dict[str, float] = json.loads(self.line())
        return answer

    def stop(self) -> None:
        assert self.child.stdin is not None
        self.child.stdin.close()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Stage:
    """The processes of a run: servers, and a worker for each yardstick."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self.stack = stack
        self.folder = stack.enter_context(tempfile.TemporaryDirectory())
        self.address = f"http://127.0.0.1:{self._start('server').line()}"
        self.workers: dict[str, Process] = {}
        self.h2: dict[str, str] = {}
        self.redis: Redis | None = None

    def _start(self, module: str, *args: str) -> Process:
        process = Process(module, *args, folder=self.folder)
        self.stack.callback(process.stop)
        return process

    def h2_server(self) -> dict[str, str]:
        if not self.h2:
            port, ca = self._start("h2server").line().split(" ", 1)
            self.h2 = {"server": f"https://127.0.0.1:{port}", "ca": ca}
        return self.h2

    def redis_server(self) -> dict[str, int]:
        if self.redis is None:
            self.redis = Redis(Path(self.folder))
            self.stack.callback(self.redis.stop)
        return {"port": self.redis.port}

    def worker(self, who: str) -> Process:
        if who not in self.workers:
            self.workers[who] = self._start("worker", who, self.address)
        return self.workers[who]

    @contextlib.contextmanager
    def fresh(self, who: str) -> Iterator[Process]:
        process = Process("worker", who, self.address, folder=self.folder)
        try:
            yield process
        finally:
            process.stop()


def measure(stage: Stage, row: Row, *, quick: bool, rounds: int | None) -> dict[str, list[dict[str, float]]]:
    """All slices of a row, the yardsticks taking turns."""
    args = (row.quick or row.args) if quick else row.args
    if row.server == "h2":
        args = {**args, **stage.h2_server()}
    elif row.server == "redis":
        args = {**args, **stage.redis_server()}
    question = {"measure": row.measure, "args": args}
    times = rounds or (max(1, row.rounds // 3) if quick else row.rounds)
    installed = [who for who in row.who if who != SDK or find_spec("gigachat")]
    found: dict[str, list[dict[str, float]]] = {who: [] for who in installed}
    warm = not row.fresh and row.rounds > 1
    for number in range(times + warm):
        for who in installed:
            if row.fresh:
                with stage.fresh(who) as process:
                    answer = process.ask(question)
            else:
                answer = stage.worker(who).ask(question)
            if number >= warm:  # the first slice is warm-up
                found[who].append(answer)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog=f"python -m {_PACKAGE}", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter slices: a first look, not a result")
    parser.add_argument("--rows", nargs="+", choices=[row.name for row in ROWS], metavar="ROW", help="only these rows")
    parser.add_argument("--rounds", type=int, help="slices of each yardstick in every row")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all numbers there")
    parser.add_argument("--list", action="store_true", help="print the rows' names and stop")
    options = parser.parse_args()
    rows = [row for row in ROWS if not options.rows or row.name in options.rows]
    if options.list:
        print("\n".join(f"{row.name:12} {row.title}" for row in rows))
        return
    about = report.header()
    if options.quick:
        about["quick run"] = "fewer calls and shorter loads than the rows' names say"
    told: list[dict[str, Any]] = []
    print("\n".join(report.head_lines(about)), flush=True)
    with contextlib.ExitStack() as stack:
        stage = Stage(stack)
        for row in rows:
            if row.server == "redis" and MISSING:
                print(f"| {row.title} | skipped: {MISSING} |" + " |" * 7, flush=True)
                continue
            found = measure(stage, row, quick=options.quick, rounds=options.rounds)
            print("\n".join(report.lines(row, found)), flush=True)
            told += [report.summary(row, metric, found) for metric in row.metrics]
    if options.json:
        options.json.write_text(json.dumps({"about": about, "rows": told}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
