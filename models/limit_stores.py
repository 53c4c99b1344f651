"""Where requests are counted against limits: on one machine, or in a Redis that several machines share.

Both count the minute of a key and the month of its workspace in one indivisible step: either both are spent or none.
"""

import logging
import time
from pathlib import Path
from typing import NamedTuple, Protocol

import redis

from models import metrics
from models.shared_counters import SharedCounters, place

MINUTE = 60_000_000
# A window that ends later than a minute and this from now is one from before the clock was set back. Requests take
# their moment before they wait for the lock, so a window may well have begun after it.
SLACK = 10_000_000
# Longer than a healthy Redis takes by far, and short enough to be waited for.
REDIS_SECONDS = 0.25
# After a failure Redis is left alone for this long, so that requests do not queue up for it.
REDIS_PAUSE = 2.0

log = logging.getLogger(__name__)


class Ask(NamedTuple):
    """What one request asks for. Moments are microseconds; no `per_month` means no quota."""

    key_id: str
    workspace_id: str
    per_minute: int
    per_month: int | None
    month_ends: int
    moment: int


class Spent(NamedTuple):
    """The counts after the request, or as they stand when it was refused; `month` is None when nobody knows it yet."""

    refused: str
    minute_used: int
    minute_ends: int
    month: int | None


class Store(Protocol):
    def spend(self, ask: Ask, month_before: int | None) -> Spent: ...

    def look(self, ask: Ask) -> Spent: ...


class LocalStore:
    """Counts in a file that all workers of this machine map."""

    def __init__(self, folder: Path) -> None:
        self.counters = SharedCounters(folder / "limits-1")

    def spend(self, ask: Ask, month_before: int | None = None) -> Spent:
        """Count one request, unless a limit is reached.

        The answer's `month` is None when this machine has not met the workspace this month: then nothing was
        counted, and the call is to be repeated with what the database knows as `month_before`.
        """
        # Without context managers, which take as long as the count, on the path of every request.
        counters = self.counters
        counters.threads.acquire()
        try:
            counters.lock()
            try:
                return self._spend(ask, month_before)
            finally:
                counters.unlock()
        finally:
            counters.threads.release()

    def _spend(self, ask: Ask, month_before: int | None) -> Spent:
        key_id, workspace_id, per_minute, per_month, month_ends, moment = ask
        counters, minute_at, month_at = self.counters, place(key_id), place(workspace_id)
        month_used, month_until = counters.read(month_at)
        if month_until != month_ends:
            if month_before is None:
                return Spent("", 0, moment + MINUTE, None)
            month_used = month_before
        minute_used, minute_ends = counters.read(minute_at)
        if not moment < minute_ends <= moment + MINUTE + SLACK:
            minute_used, minute_ends = 0, moment + MINUTE
        if minute_used >= per_minute:
            return Spent("rate_limited", minute_used, minute_ends, month_used)
        if per_month is not None and month_used >= per_month:
            return Spent("quota_exceeded", minute_used, minute_ends, month_used)
        counters.write(minute_at, minute_used + 1, minute_ends)
        counters.write(month_at, month_used + 1, month_ends)
        return Spent("", minute_used + 1, minute_ends, month_used + 1)

    def look(self, ask: Ask) -> Spent:
        """The counts as they stand."""
        with self.counters.locked():
            minute_used, minute_ends = self.counters.read(place(ask.key_id))
            month_used, month_until = self.counters.read(place(ask.workspace_id))
        if not ask.moment < minute_ends <= ask.moment + MINUTE + SLACK:
            minute_used, minute_ends = 0, ask.moment + MINUTE
        return Spent("", minute_used, minute_ends, month_used if month_until == ask.month_ends else None)

    def fail(self, name: str, moment: int) -> tuple[int, int]:
        """Count a failure under a name; returns how many there were in its minute, and when that ends."""
        at = place(name)
        with self.counters.locked():
            used, ends = self.counters.read(at)
            if not moment < ends <= moment + MINUTE + SLACK:
                used, ends = 0, moment + MINUTE
            self.counters.write(at, used + 1, ends)
        return used + 1, ends


SPEND = """
local month = redis.call('GET', KEYS[2])
if not month then
  if ARGV[5] == '' then return {'', 0, tonumber(ARGV[1]), -1} end
  month = ARGV[5]
end
month = tonumber(month)
local minute = tonumber(redis.call('GET', KEYS[1]) or 0)
local left = redis.call('PTTL', KEYS[1])
if left <= 0 then
  minute = 0
  left = tonumber(ARGV[1])
end
if ARGV[6] == 'look' then return {'', minute, left, month} end
if minute >= tonumber(ARGV[2]) then return {'rate_limited', minute, left, month} end
if ARGV[3] ~= '' and month >= tonumber(ARGV[3]) then return {'quota_exceeded', minute, left, month} end
redis.call('SET', KEYS[1], minute + 1, 'PX', left)
redis.call('SET', KEYS[2], month + 1, 'PX', ARGV[4])
return {'', minute + 1, left, month + 1}
"""
# So that a month that has just ended is gone by itself, and one that is asked for late is not.
SPARE = 24 * 3600 * 1000


class RedisStore:
    """Counts in Redis, for several machines. While it cannot be reached, each machine counts for itself."""

    def __init__(self, url: str, local: LocalStore) -> None:
        self.local = local
        self.client = redis.Redis.from_url(
            url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS, retry_on_timeout=False
        )
        self.script = self.client.register_script(SPEND)
        self.away_until = 0.0

    def spend(self, ask: Ask, month_before: int | None = None) -> Spent:
        return self._ask(ask, month_before, "") or self.local.spend(ask, month_before)

    def look(self, ask: Ask) -> Spent:
        return self._ask(ask, None, "look") or self.local.look(ask)

    def _ask(self, ask: Ask, month_before: int | None, mode: str) -> Spent | None:
        if time.monotonic() < self.away_until:
            self._lose(mode)
            return None
        # The braces keep both on one node of a cluster.
        keys = [f"gravity:{{{ask.workspace_id}}}:{name}" for name in (ask.key_id, str(ask.month_ends))]
        limits = [
            MINUTE // 1000,
            ask.per_minute,
            "" if ask.per_month is None else ask.per_month,
            (ask.month_ends - ask.moment) // 1000 + SPARE,
            "" if month_before is None else month_before,
            mode,
        ]
        try:
            refused, minute, left, month = self.script(keys, limits)
        except (redis.RedisError, OSError) as problem:
            self._lose(mode)
            self.away_until = time.monotonic() + REDIS_PAUSE
            log.warning("redis is away: limits hold on this machine alone", extra={"reason": type(problem).__name__})
            return None
        return Spent(refused.decode(), minute, ask.moment + left * 1000, None if month < 0 else month)

    def _lose(self, mode: str) -> None:
        if not mode:
            metrics.COUNTED_ALONE.inc()
