"""One yardstick's process: reads a measurement a line from stdin, writes its numbers a line to stdout."""

from __future__ import annotations

import json
import os
import sys

from .yardsticks import set_up


def main(name: str, server: str) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what LiteLLM prints must not mix with the answers
    os.chdir(os.environ["BENCHMARK_FOLDER"])  # no .env of the machine's owner
    model = set_up(name)
    from .measures import MEASURES, Bench

    bench = Bench(model, server)
    for line in sys.stdin:
        wanted = json.loads(line)
        answers.write(json.dumps(MEASURES[wanted["measure"]](bench, **wanted["args"])) + "\n")
        answers.flush()
    os._exit(0)  # nobody waits for LiteLLM's threads


if __name__ == "__main__":
    main(*sys.argv[1:])
