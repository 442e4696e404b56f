"""One limit for all processes and hosts that use the same account, kept in Redis.

A call first gets its turn in its own process (:mod:`.local`), so a process has no more askers here than it may have
calls. A slot is an entry with an end (a lease) in a sorted set; it is renewed while the call or stream lives, so what
a killed process held is free again within the lease. Whoever asks first is served first, over all processes.

Redis sees the digest of the account, never a key. When it does not answer, calls wait a moment (it may be starting
again) and then go on under the local limit; no call ever fails because of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
import uuid
import weakref
from collections.abc import Hashable
from typing import Any

from ..errors import InvalidRequestError
from ..portal import PORTAL
from ..settings import Secret
from .local import Slot

LEASE = 15.0  # seconds
RENEW = 2.0  # seconds between renewals
STARTING = 4  # seconds after its start in which Redis gives nothing out: it may have lost slots that are renewed now
PATIENCE = 8.0  # seconds without an answer after which the local limit alone holds
RETRY = 5.0  # seconds until Redis is asked again then
POLL = 0.03  # seconds between two askings of one who waits
_ANSWER = 1.0  # seconds for one answer

_LOG = logging.getLogger("litellm_gigachat_provider")

# KEYS: slots, queue (by arrival), leases of the queue. ARGV: who, limit, lease, seconds of a start.
# Time is Redis's own: the clocks of the hosts need not agree. 1 means that the slot is ours.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local who, limit, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)) do
  redis.call('ZREM', KEYS[2], gone)
  redis.call('ZREM', KEYS[3], gone)
end
local ahead = redis.call('ZRANK', KEYS[2], who) or redis.call('ZCARD', KEYS[2])
local free = limit - redis.call('ZCARD', KEYS[1])
local up = tonumber(string.match(redis.call('INFO', 'server'), 'uptime_in_seconds:(%d+)'))
if up >= tonumber(ARGV[4]) and ahead < free then
  redis.call('ZREM', KEYS[2], who)
  redis.call('ZREM', KEYS[3], who)
  redis.call('ZADD', KEYS[1], now + lease, who)
  redis.call('PEXPIRE', KEYS[1], lease * 2000)
  return 1
end
redis.call('ZADD', KEYS[2], 'NX', now, who)
redis.call('ZADD', KEYS[3], now + 2, who)
redis.call('PEXPIRE', KEYS[2], lease * 2000)
redis.call('PEXPIRE', KEYS[3], lease * 2000)
return 0
"""
_RENEW = """
local clock = redis.call('TIME')
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], clock[1] + ARGV[1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1] * 2000)
"""
_GIVE_BACK = "for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end"


class SharedLimit:
    """The slots of one account at one Redis."""

    def __init__(self, url: Secret, account: str) -> None:
        self._url = url
        name = f"gigachat:limit:{{{account}}}"  # braces: the three keys stay on one node of a cluster
        self._keys = (name, f"{name}:queue", f"{name}:waiting")
        self._held: set[str] = set()
        self._client: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._renewer: asyncio.Task[None] | None = None
        self._away_until = 0.0
        self._is_away = False

    async def join(self, slot: Slot, limit: int, timeout: float | None) -> None:
        """Make ``slot``, which this process has granted, one of all processes; from any loop.

        Waits as long as the caller waits (``timeout`` only shortens the patience with a Redis that does not answer).
        """
        who = uuid.uuid4().hex
        with contextlib.ExitStack() as undo:
            undo.callback(self._release, who)
            joined = await asyncio.wrap_future(PORTAL.spawn(self._acquire(who, limit, timeout)))
            undo.pop_all()
        if joined:
            slot.on_release(lambda: self._release(who))

    def _release(self, who: str) -> None:
        """Give a slot, or a place in the queue, back; from any thread, and nobody waits for it."""
        with contextlib.suppress(RuntimeError):  # the interpreter ends: the lease ends it too
            PORTAL.spawn(self._give_back(who))

    # --- in the portal's loop ---------------------------------------------------------------------

    async def _acquire(self, who: str, limit: int, timeout: float | None) -> bool:
        """True for a slot; False where Redis is away and the local limit alone holds."""
        if time.monotonic() < self._away_until:
            return False
        patience = 0.0 if self._is_away else min(PATIENCE, PATIENCE if timeout is None else timeout / 3)
        answered = time.monotonic()
        while True:
            try:
                taken = await self._eval(_TAKE, self._keys, who, limit, LEASE, STARTING)
            except _failures() as error:
                if time.monotonic() - answered >= patience:
                    self._went_away(error)
                    return False
            else:
                answered = time.monotonic()
                self._came_back()
                if taken:
                    self._held.add(who)
                    if self._renewer is None:
                        self._renewer = asyncio.get_running_loop().create_task(self._keep_renewing())
                    return True
            await asyncio.sleep(POLL)

    async def _keep_renewing(self) -> None:
        try:
            while self._held:
                await asyncio.sleep(RENEW)
                with contextlib.suppress(*_failures()):  # an acquire tells of it
                    await self._eval(_RENEW, self._keys[:1], LEASE, *self._held)
        finally:
            self._renewer = None

    async def _give_back(self, who: str) -> None:
        self._held.discard(who)
        with contextlib.suppress(*_failures()):  # then its lease ends it
            await self._eval(_GIVE_BACK, self._keys, who)

    async def _eval(self, script: str, keys: tuple[str, ...], *arguments: Any) -> Any:
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._client, self._loop = _connect(self._url), loop
        return await self._client.eval(script, len(keys), *keys, *arguments)

    def _went_away(self, error: BaseException) -> None:
        self._away_until = time.monotonic() + RETRY
        if not self._is_away:
            self._is_away = True
            _LOG.warning(
                "GIGACHAT_LIMIT_URL: Redis does not answer (%s). GIGACHAT_MAX_CONCURRENCY holds for this process alone "
                "until it does",
                type(error).__name__,
            )

    def _came_back(self) -> None:
        if self._is_away:
            self._is_away = False
            _LOG.info("GIGACHAT_LIMIT_URL: Redis answers again; the limit holds for all processes")


def _failures() -> tuple[type[BaseException], ...]:
    from redis.exceptions import RedisError

    return (RedisError, OSError, asyncio.TimeoutError)


def _connect(url: Secret) -> Any:
    """No retries of its own: here it is decided how long a Redis that does not answer is waited for."""
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    return Redis.from_url(
        url.reveal(), socket_timeout=_ANSWER, socket_connect_timeout=_ANSWER, retry=Retry(NoBackoff(), 0)
    )


_limits: weakref.WeakValueDictionary[Hashable, SharedLimit] = weakref.WeakValueDictionary()
_limits_lock = threading.Lock()


def shared_limit_for(url: Secret | None, account: str) -> SharedLimit | None:
    """The one limit of an account at a Redis. Raises InvalidRequestError for what can never work."""
    if url is None:
        return None
    try:
        _connect(url)
    except ImportError:
        problem, remedy = "needs the package redis", "pip install 'litellm-gigachat-provider[redis]'"
        raise InvalidRequestError("GIGACHAT_LIMIT_URL", problem, remedy) from None
    except ValueError:
        problem, remedy = "is not the URL of a Redis", "Write redis://host:6379/0 (rediss:// for TLS)"
        raise InvalidRequestError("GIGACHAT_LIMIT_URL", problem, remedy) from None
    with _limits_lock:
        found = _limits.get((url, account))
        if found is None:
            found = _limits[url, account] = SharedLimit(url, account)
        return found


def forget_all() -> None:
    """After a fork: the connections and slots are the parent's."""
    global _limits, _limits_lock
    _limits, _limits_lock = weakref.WeakValueDictionary(), threading.Lock()
