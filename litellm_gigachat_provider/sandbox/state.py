"""Everything one sandbox remembers: requests, tokens, files, caches, scripted failures."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from .brain.script import Scripts
from .files import FileShelf, StoredBatch
from .knobs import Fault, Knobs
from .oauth import Account, TokenOffice, account
from .rules.refusal import TOO_MANY, Refusal
from .tokens import PrefixCache

USER: Final = ("sandbox", "sandbox-password")
# As the service's ids look: version 4 for requests and files, version 7 for the state of functions.
_ID_BASE: Final = uuid.UUID("5a4db0c5-0000-4000-8000-000000000000").int
_STATE_BASE: Final = uuid.UUID("019e0000-0000-7000-8000-000000000000").int


@dataclass
class Recorded:
    """One request as it arrived. ``headers`` have lower-case names; secrets in them are fingerprints."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    json: Any = None
    status: int = 0  # 0 while nothing was answered
    refusal: str | None = None
    warnings: list[str] = field(default_factory=list)
    http_version: str = "1.1"
    where: str = "other"
    forced: bool = False  # answered by a scripted failure
    closed_early: bool = False  # the client left before the answer had ended


class World:
    """Shared by the server's thread and the test's; ``lock`` guards the request log and the failure queue."""

    def __init__(self, *, scope: str, token_ttl: float) -> None:
        self.token_ttl = token_ttl
        self.lock = threading.Lock()
        self.clock_offset = 0.0
        self.knobs = Knobs(token_ttl=token_ttl)
        self.requests: list[Recorded] = []
        self.faults: list[Fault] = []
        self.scripts = Scripts()
        self.cache = PrefixCache()
        self.running: Counter[str] = Counter()
        self.most_running = 0
        self.office = TokenOffice(self.now)
        self.files = FileShelf()
        self.batches: dict[str, StoredBatch] = {}
        self._ids = 0
        self._accounts = 0
        self.account = self.new_account(scope)
        self.office.add_user(*USER, self.account)

    def now(self) -> float:
        return time.time() + self.clock_offset

    def new_account(self, scope: str) -> Account:
        self._accounts += 1
        return self.office.add(account(self._accounts, scope))

    def new_id(self, base: int = _ID_BASE) -> str:
        """The next of a fixed row of UUIDs."""
        self._ids += 1
        return str(uuid.UUID(int=base + self._ids))

    def new_state_id(self) -> str:
        return self.new_id(_STATE_BASE)

    def reset(self) -> None:
        with self.lock:
            self.requests.clear()
            self.faults.clear()
        self.scripts.clear()
        self.clock_offset = 0.0
        self.knobs = Knobs(token_ttl=self.token_ttl)
        self.cache.clear()
        self.office.reset()
        self.files.clear()
        self.batches.clear()
        self.running.clear()
        self.most_running = 0
        self._ids = 0

    def record(self, entry: Recorded) -> None:
        with self.lock:
            self.requests.append(entry)

    def take_fault(self, where: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.where in ("any", where):
                    if fault.skip > 0:
                        fault.skip -= 1
                        return None
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                    return fault
        return None

    def start_generation(self, owner: str) -> None:
        """429 at once when the credential's share of running generations is used up; there is no queue."""
        limit = self.knobs.max_generations
        if limit is not None and self.running[owner] >= limit:
            raise Refusal(429, TOO_MANY)
        self.running[owner] += 1
        self.most_running = max(self.most_running, self.running[owner])

    def end_generation(self, owner: str) -> None:
        self.running[owner] = max(0, self.running[owner] - 1)
