"""A process that calls the sandbox from many threads: ``caller.py CALLERS CALLS [hang]``; prints what went wrong."""

from __future__ import annotations

import sys
import threading
import time

import litellm

import litellm_gigachat_provider  # noqa: F401

HELLO = [{"role": "user", "content": "Привет!"}]


def main(callers: int, calls: int, hang: bool) -> None:
    failures: list[str] = []

    def work() -> None:
        for _ in range(calls):
            try:
                litellm.completion(model="gigachat/GigaChat-2", messages=HELLO, timeout=120, num_retries=0)
            except litellm.exceptions.APIError as error:
                failures.append(repr(error)[:300])
            except Exception as error:  # noqa: BLE001 - told below
                failures.append(repr(error)[:300])

    if hang:
        stream = litellm.completion(model="gigachat/GigaChat-2", messages=HELLO, stream=True, timeout=120)
        next(stream)
        print("streaming", flush=True)
        time.sleep(600)
    threads = [threading.Thread(target=work) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{callers * calls - len(failures)} fine", *failures[:3], flush=True)


main(int(sys.argv[1]), int(sys.argv[2]), "hang" in sys.argv)
