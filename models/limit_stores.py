"""Where requests are counted against limits: on one machine, or in a Redis that several machines share.

Both count the minute of a key and the month of its workspace in one indivisible step: either both are spent or none.
"""

import logging
import time
from pathlib import Path
from typing import NamedTuple, Protocol

import redis

from models.shared_counters import Count, SharedCounters, place

MINUTE = 60_000_000
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
    minute: Count
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
        counters, minute_at, month_at = self.counters, place(ask.key_id), place(ask.workspace_id)
        # Not `with`: this is the path of every request, and a context manager takes as long as the count.
        counters.threads.acquire()
        try:
            counters.lock()
            try:
                month = counters.read(month_at, ask.moment)
                if month is None or month.ends != ask.month_ends:
                    if month_before is None:
                        return Spent("", Count(0, ask.moment + MINUTE), None)
                    month = Count(month_before, ask.month_ends)
                minute = counters.read(minute_at, ask.moment)
                # A minute that ends later than it could is one from before the clock was set back.
                if minute is None or minute.ends > ask.moment + MINUTE:
                    minute = Count(0, ask.moment + MINUTE)
                if minute.used >= ask.per_minute:
                    return Spent("rate_limited", minute, month.used)
                if ask.per_month is not None and month.used >= ask.per_month:
                    return Spent("quota_exceeded", minute, month.used)
                minute = Count(minute.used + 1, minute.ends)
                counters.write(minute_at, minute)
                counters.write(month_at, Count(month.used + 1, ask.month_ends))
                return Spent("", minute, month.used + 1)
            finally:
                counters.unlock()
        finally:
            counters.threads.release()

    def look(self, ask: Ask) -> Spent:
        """The counts as they stand."""
        with self.counters.locked():
            minute = self.counters.read(place(ask.key_id), ask.moment)
            month = self.counters.read(place(ask.workspace_id), ask.moment)
        known = month is not None and month.ends == ask.month_ends
        return Spent("", minute or Count(0, ask.moment + MINUTE), month.used if known and month else None)

    def fail(self, name: str, moment: int) -> Count:
        """Count a failure under a name, in its minute."""
        at = place(name)
        with self.counters.locked():
            before = self.counters.read(at, moment) or Count(0, moment + MINUTE)
            after = Count(before.used + 1, before.ends)
            self.counters.write(at, after)
        return after


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
        # Requests that were counted by this machine alone.
        self.lost = 0

    def spend(self, ask: Ask, month_before: int | None = None) -> Spent:
        return self._ask(ask, month_before, "") or self.local.spend(ask, month_before)

    def look(self, ask: Ask) -> Spent:
        return self._ask(ask, None, "look") or self.local.look(ask)

    def _ask(self, ask: Ask, month_before: int | None, mode: str) -> Spent | None:
        if time.monotonic() < self.away_until:
            self.lost += mode == ""
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
            self.lost += mode == ""
            self.away_until = time.monotonic() + REDIS_PAUSE
            log.warning("redis is away: limits hold on this machine alone", extra={"reason": type(problem).__name__})
            return None
        return Spent(refused.decode(), Count(minute, ask.moment + left * 1000), None if month < 0 else month)
