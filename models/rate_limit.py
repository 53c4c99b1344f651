"""Limits of the plan: requests a minute for each key, requests a month for each workspace.

A key has one budget however many secrets it has, and a refusal spends nothing. Header fields and names follow
draft-ietf-httpapi-ratelimit-headers.
"""

import logging
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from models import monthly_use, network
from models.limit_stores import MINUTE, Ask, LocalStore, RedisStore, Spent, Store
from models.plan import Plan
from models.verification import Credential

# An address may send this many bad credentials a minute before they are answered with 429. A good key is never refused
# for its address.
BAD_CREDENTIALS_A_MINUTE = 60
# Reports of found keys that are looked at, of one address.
REPORTS_A_MINUTE = 60

log = logging.getLogger(__name__)


class Limits(NamedTuple):
    """The stores of this process."""

    local: LocalStore
    store: Store
    keeper: monthly_use.Keeper


class Standing(NamedTuple):
    """Where a key stands after a request: what refused it, if anything, and what is left. Times are seconds."""

    refused: str
    minute_left: int
    minute_ends: int
    month_left: int | None
    month_ends: int

    @property
    def retry_after(self) -> int:
        return self.month_ends if self.refused == "quota_exceeded" else self.minute_ends


_limits: Limits | None = None


def use(folder: Path, redis_url: str = "") -> None:
    """Count in a file of this folder, or in Redis where there is one."""
    global _limits
    if _limits is not None:
        _limits.local.counters.close()
    local = LocalStore(folder)
    _limits = Limits(local, RedisStore(redis_url, local) if redis_url else local, monthly_use.Keeper())


def spend(credential: Credential, moment: int) -> Standing:
    """Count a request against both limits, or tell which one refuses it."""
    limits, plan, month = _chosen(), credential.plan, monthly_use.month_at(moment)
    key_id, workspace_id = credential.key_id, credential.workspace_id
    ask = Ask(key_id, workspace_id, plan.requests_per_minute, plan.requests_per_month, month.ends, moment)
    spent = limits.store.spend(ask, None)
    if spent.month is None:
        spent = limits.store.spend(ask, monthly_use.kept(workspace_id, month))
    if not spent.refused and limits.keeper.is_due(workspace_id, moment):
        limits.keeper.keep(workspace_id, spent.month or 0, moment)
    return _standing(spent, plan, month, moment)


def look(credential: Credential, moment: int) -> Standing:
    """Where the key stands, without counting anything."""
    plan, month = credential.plan, monthly_use.month_at(moment)
    ask = Ask(credential.key_id, credential.workspace_id, 0, None, month.ends, moment)
    spent = _chosen().store.look(ask)
    if spent.month is None:
        spent = spent._replace(month=monthly_use.kept(credential.workspace_id, month))
    return _standing(spent, plan, month, moment)


def used_this_month(workspace_id: str, moment: int) -> int:
    """The requests of a workspace that were counted since the month began."""
    ask = Ask("", workspace_id, 0, None, monthly_use.month_at(moment).ends, moment)
    return _chosen().store.look(ask).month or 0


def bad_credential(address: str, moment: int) -> int:
    """Count a credential that is not good. Returns the seconds to wait, or 0 while there were few."""
    failures, ends = _chosen().local.fail(f"bad {network.block_of(address)}", moment)
    return _seconds(ends - moment) if failures > BAD_CREDENTIALS_A_MINUTE else 0


def lets_report(address: str, moment: int) -> bool:
    """Count a report of a found key; whether there were few enough in this minute to look at it."""
    count, _ = _chosen().local.fail(f"report {network.block_of(address)}", moment)
    return count <= REPORTS_A_MINUTE


@lru_cache(maxsize=64)
def policy(plan: Plan, month_seconds: int) -> str:
    """The `RateLimit-Policy` field: quota and window of each limit."""
    minute = f'"minute";q={plan.requests_per_minute};w={MINUTE // 1_000_000}'
    if plan.requests_per_month is None:
        return minute
    return f'{minute}, "month";q={plan.requests_per_month};w={month_seconds}'


def fields(standing: Standing, plan: Plan, moment: int) -> tuple[tuple[str, str], tuple[str, str]]:
    """The header fields `RateLimit` and `RateLimit-Policy`."""
    rest = f'"minute";r={standing.minute_left};t={standing.minute_ends}'
    if standing.month_left is not None:
        rest = f'{rest}, "month";r={standing.month_left};t={standing.month_ends}'
    return ("RateLimit", rest), ("RateLimit-Policy", policy(plan, monthly_use.month_at(moment).seconds))


def _standing(spent: Spent, plan: Plan, month: monthly_use.Month, moment: int) -> Standing:
    month_left = None
    if plan.requests_per_month is not None:
        month_left = max(0, plan.requests_per_month - (spent.month or 0))
    return Standing(
        spent.refused,
        max(0, plan.requests_per_minute - spent.minute_used),
        _seconds(spent.minute_ends - moment),
        month_left,
        _seconds(month.ends - moment),
    )


def _seconds(microseconds: int) -> int:
    """Whole seconds, rounded up: whoever waits for so long does not come too early."""
    return max(1, -(-microseconds // 1_000_000))


def _chosen() -> Limits:
    if _limits is None:
        raise RuntimeError("rate_limit.use was not called")
    return _limits
