"""The token store: who may use which token, when it is renewed, and that it is renewed only once at a time.

No HTTP here: the exchange with the OAuth server is handed in as a coroutine function, which runs in the loop of
:mod:`.portal`. So a cancelled task, a closed event loop or a caller that ran out of time never harms the other
callers who wait for the same token.
"""

from __future__ import annotations

import asyncio
import copy
import random
import threading
import time
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field

from ..errors import ConnectionFailureError, GigaChatError, TimeoutFailureError
from ..portal import PORTAL
from ..settings import Secret, Settings

# Share of a token's life after which it is renewed in the background, while the old one still works.
RENEW_AFTER = 0.8
# A token this close to its end (share of its life, at most so many seconds) is not sent any more.
LAST_SHARE, LAST_SECONDS = 0.05, 10.0
# After a refusal that no repetition will change (wrong key, wrong scope) callers get it from memory for so
# long: 200 callers with a wrong key make one OAuth request a second, and a corrected key works at once anyway
# because it is another entry.
REMEMBER_FINAL = 1.0
# A token refused by the service although it was just renewed is not renewed again on the next 401 for so long.
REMEMBER_REFUSED = 10.0
# A refresh that hangs longer than any exchange may take is left behind and another one started.
FLIGHT_LIMIT = 60.0
BACKGROUND_PAUSE_MIN, BACKGROUND_PAUSE_MAX = 0.2, 60.0
ENTRIES_KEPT = 1024


@dataclass(frozen=True)
class Token:
    """An access token. Times are Unix seconds on this machine's clock; ``inf`` when the end is not known."""

    value: Secret
    expires_at: float = float("inf")
    renew_at: float = float("inf")
    last_use: float = float("inf")

    @classmethod
    def living(cls, value: Secret, life: float | None, now: float) -> Token:
        """A token received now that lives for ``life`` seconds; None when the server did not say."""
        if life is None:
            return cls(value)
        margin = min(LAST_SHARE * life, LAST_SECONDS)
        return cls(value, now + life, now + RENEW_AFTER * life, now + life - margin)


@dataclass(frozen=True)
class Failure:
    """Why a refresh failed. Every waiter raises an exception of its own: a shared one would collect tracebacks.

    ``final`` means that only another configuration can help.
    """

    error: GigaChatError
    final: bool = False

    def make(self) -> GigaChatError:
        return copy.copy(self.error)


Fetch = Callable[[Settings], Awaitable["Token | Failure"]]
Flight = Future["Token | Failure"]


@dataclass
class Entry:
    """The state of one token key. ``lock`` guards state only and is never held during I/O."""

    token: Token | None = None
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    flight: Flight | None = None
    flight_started: float = 0.0
    failure: Failure | None = None
    failure_until: float = 0.0
    background_from: float = 0.0
    background_failures: int = 0
    refused: Secret | None = None
    refused_until: float = 0.0
    used: float = 0.0


@dataclass
class Counters:
    """What ``stats`` shows. Plain integers, changed without a lock: they inform, nothing depends on them."""

    refreshes: int = 0
    background_refreshes: int = 0
    failures: int = 0
    waits: int = 0
    replays: int = 0
    timeouts: int = 0


class TokenStore:
    """Tokens by :attr:`Settings.token_key`, at most ``limit`` of them; the longest unused go first."""

    def __init__(self, fetch: Fetch, *, clock: Callable[[], float] = time.time, limit: int = ENTRIES_KEPT) -> None:
        self.fetch = fetch
        self.clock = clock
        self.limit = limit
        self.counters = Counters()
        self._entries: dict[Hashable, Entry] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def clear(self) -> None:
        with self._lock:
            self._entries = {}

    def reset_after_fork(self) -> None:
        """Keep the tokens; drop locks and refreshes that belong to threads the child does not have."""
        self._lock = threading.Lock()
        self._entries = {key: Entry(token=entry.token, used=entry.used) for key, entry in self._entries.items()}

    def entry(self, settings: Settings) -> Entry:
        found = self._entries.get(settings.token_key)
        return found if found is not None else self._new_entry(settings)

    def _new_entry(self, settings: Settings) -> Entry:
        with self._lock:
            if len(self._entries) >= self.limit:
                kept = sorted(self._entries.items(), key=lambda item: item[1].used)[self.limit // 8 + 1 :]
                self._entries = dict(kept)
            ready = Token(settings.access_token) if settings.access_token else None
            return self._entries.setdefault(settings.token_key, Entry(token=ready, used=self.clock()))

    # --- getting a token ---

    def ready(self, settings: Settings) -> Token | None:
        """A token that can be sent now, or None when the caller has to wait. Never blocks.

        The hot path is one look-up and one comparison; past ``renew_at`` it starts a background refresh.
        """
        entry = self._entries.get(settings.token_key) or self._new_entry(settings)
        token = entry.token
        now = self.clock()
        entry.used = now
        if token is None:
            return None
        if now < token.renew_at:
            return token
        if now >= token.last_use:
            return None
        if entry.flight is None and now >= entry.background_from:
            self.counters.background_refreshes += 1
            self.start(settings, entry)
        return token

    def start(self, settings: Settings, entry: Entry, *, force: bool = False) -> Flight | Token | Failure:
        """The refresh in flight, a new one, or what another caller's refresh has brought meanwhile."""
        with entry.lock:
            now = self.clock()
            if entry.flight is not None and abs(now - entry.flight_started) < FLIGHT_LIMIT:
                return entry.flight
            if not force:
                if entry.token is not None and now < entry.token.renew_at:
                    return entry.token
                if entry.failure is not None and now < entry.failure_until:
                    return entry.failure
            flight: Flight = Future()
            flight.set_running_or_notify_cancel()  # from here on a waiter that is cancelled cannot cancel it
            entry.flight, entry.flight_started = flight, now
        self.counters.refreshes += 1
        try:
            PORTAL.spawn(self._fly(settings, entry, flight))
        except RuntimeError as error:  # "can't start new thread": interpreter shutdown, or the system's limit
            self._land(entry, flight, _not_fetched(str(error)))
        return flight

    async def _fly(self, settings: Settings, entry: Entry, flight: Flight) -> None:
        outcome: Token | Failure = _not_fetched("it ended without a result")
        try:
            outcome = await self.fetch(settings)
        finally:  # whatever happens, nobody may be left waiting
            self._land(entry, flight, outcome)

    def _land(self, entry: Entry, flight: Flight, outcome: Token | Failure) -> None:
        with entry.lock:
            now = self.clock()
            current = entry.flight is flight
            if isinstance(outcome, Token):
                if current or entry.token is None:
                    entry.token = outcome
                entry.failure, entry.background_failures, entry.background_from = None, 0, 0.0
            else:
                self.counters.failures += 1
                self._note_failure(entry, outcome, now)
            if current:
                entry.flight = None
        flight.set_result(outcome)

    def _note_failure(self, entry: Entry, failure: Failure, now: float) -> None:
        """The good token stays; the next background attempt waits, longer each time and never past its end."""
        entry.failure = failure
        entry.failure_until = now + REMEMBER_FINAL if failure.final else 0.0
        entry.background_failures += 1
        pause = min(BACKGROUND_PAUSE_MIN * 2 ** min(entry.background_failures, 12), BACKGROUND_PAUSE_MAX)
        entry.background_from = now + pause * random.uniform(0.75, 1.25)  # noqa: S311 - jitter

    async def wait(self, settings: Settings, deadline: float | None, *, force: bool = False) -> Token:
        """A token, waiting for a refresh until ``deadline`` (monotonic seconds). Raises a typed failure.

        Cancelling it leaves the refresh to the others.
        """
        outcome = self.start(settings, self.entry(settings), force=force)
        if isinstance(outcome, Future):
            outcome = await self._landing(outcome, None if deadline is None else max(0.0, deadline - time.monotonic()))
        if isinstance(outcome, Failure):
            raise outcome.make()
        return outcome

    async def _landing(self, flight: Flight, timeout: float | None) -> Token | Failure:
        self.counters.waits += 1
        waiter = asyncio.wrap_future(flight)
        try:
            done, _ = await asyncio.wait((waiter,), timeout=timeout)
        finally:  # a future left pending would be woken by the refresh's thread after its loop is closed
            waiter.cancel()
        if done:
            return flight.result()
        self.counters.timeouts += 1
        raise TimeoutFailureError("the call's time ran out while waiting for an access token from the OAuth server")

    # --- after a 401 ---

    def refuse(self, settings: Settings, token: Token) -> bool:
        """The service answered 401 to ``token``: drop that very token. Whether a retry can help.

        A newer token that another caller has fetched meanwhile stays. A ready token that cannot be renewed stays
        too, as there is nothing else to send.
        """
        if not settings.renewable:
            return False
        entry = self.entry(settings)
        with entry.lock:
            if entry.refused == token.value and self.clock() < entry.refused_until:
                return False
            if entry.token is not None and entry.token.value == token.value:
                entry.token = None
        return True

    def refused_again(self, settings: Settings, token: Token) -> None:
        """A token fetched because of a 401 got a 401 as well: renewing for every call would only flood OAuth."""
        entry = self.entry(settings)
        with entry.lock:
            entry.refused, entry.refused_until = token.value, self.clock() + REMEMBER_REFUSED


def _not_fetched(problem: str) -> Failure:
    return Failure(ConnectionFailureError(f"the access token could not be fetched: {problem}"))
