"""Which file of a tenant is at GigaChat already, and which is on its way. Bounded, and forgotten after an hour.

One shelf per transport, so tenants share nothing. The same content asked for by many at once goes up once:
the first caller carries it, the others wait for the outcome, over threads and event loops alike.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from concurrent.futures import Future

from ..errors import GigaChatError, HttpFailureError, InvalidRequestError
from ..transport.deadline import clock

KEPT = 1024
LIFE = 3600.0  # seconds; how long the service keeps an upload is not published

Flight = Future["str | GigaChatError | None"]  # the file id, a failure that holds for everybody, or None: try again


class Shelf:
    def __init__(self, life: float = LIFE, kept: int = KEPT) -> None:
        self._life = life
        self._kept = kept
        self._ids: OrderedDict[Hashable, tuple[str, float]] = OrderedDict()
        self._flights: dict[Hashable, Flight] = {}
        self._lock = threading.Lock()

    def claim(self, key: Hashable) -> str | tuple[Flight, bool]:
        """The file id, or the flight and whether the caller is the one to carry it."""
        with self._lock:
            known = self._ids.get(key)
            if known is not None:
                if clock() < known[1]:
                    self._ids.move_to_end(key)
                    return known[0]
                del self._ids[key]
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            flight = self._flights[key] = Future()
            return flight, True

    def land(self, key: Hashable, flight: Flight, outcome: str | BaseException) -> None:
        """End a flight. What was wrong with the file is told to all who wait; what befell the carrier is not."""
        result: str | GigaChatError | None = None
        if isinstance(outcome, (str, HttpFailureError, InvalidRequestError)):
            result = outcome
        with self._lock:
            self._flights.pop(key, None)
            if isinstance(outcome, str):
                self._ids[key] = (outcome, clock() + self._life)
                while len(self._ids) > self._kept:
                    self._ids.popitem(last=False)
        flight.set_result(result)

    def drop(self, file_id: str) -> bool:
        """Forget a file id, because it was deleted or refused. True if it was known."""
        with self._lock:
            keys = [key for key, (known, _) in self._ids.items() if known == file_id]
            for key in keys:
                del self._ids[key]
            return bool(keys)

    def __len__(self) -> int:
        return len(self._ids)
