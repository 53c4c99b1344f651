"""The month of a workspace: its days, its busiest keys, and where it will end if it goes on like this."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from peewee import Case, fn

from models import monthly_use, usage
from models.api_key import ApiKey
from models.database import from_microseconds, to_microseconds
from models.monthly_use import Month
from models.plan import Plan
from models.usage import CLIENT_ERROR, SERVER_ERROR, SUCCEEDED, UsageDay
from models.usage_series import Series, Span, of_workspace, oldest_shown
from models.workspace import Workspace

# An average over whole weeks is the same whatever day it is.
AVERAGED = 7
TOP = 5
# What counts against the quota: a request that was refused spends nothing.
SPENT = (SUCCEEDED, CLIENT_ERROR, SERVER_ERROR)
DAY = timedelta(days=1)


class Projection(NamedTuple):
    """Where the month ends at the average of its last full days."""

    days: int
    a_day: float
    expected: int
    # When the quota is used up, if that is before the month ends.
    used_up: datetime | None


@dataclass(frozen=True, slots=True)
class TopKey:
    """A key and its requests since the first day that is looked at."""

    id: str
    name: str
    is_deleted: bool
    total: int
    failed: int


def month(workspace: Workspace, moment: datetime) -> Series:
    """The days of the month at hand; those to come are not known."""
    mine = _month(moment)
    first, last = usage.hour_of(from_microseconds(mine.starts)), usage.hour_of(from_microseconds(mine.ends))
    return of_workspace(workspace, Span(first, 24, (last - first) // 24), moment)


def projection(workspace: Workspace, used: int, moment: datetime) -> Projection | None:
    """None while no full day is known."""
    today = usage.day_of(moment)
    # As it was known when today began: later, a short history would leave out the first of these days.
    series = of_workspace(workspace, Span((today - AVERAGED) * 24, 24, AVERAGED), usage.start_of_day(today))
    # The day on which it was founded is no full one.
    full = [bucket for bucket in series.known if bucket.starts >= workspace.created_at]
    if not full:
        return None
    a_day = sum(bucket.counts[outcome] for bucket in full for outcome in SPENT) / len(full)
    ends = from_microseconds(_month(moment).ends)
    expected = used + round(a_day * ((ends - moment) / DAY))
    return Projection(len(full), a_day, expected, _used_up(workspace.plan, used, a_day, moment, ends))


def _used_up(plan: Plan, used: int, a_day: float, moment: datetime, ends: datetime) -> datetime | None:
    left = None if plan.requests_per_month is None else plan.requests_per_month - used
    if left is None or left <= 0 or not a_day:
        return None
    days = left / a_day
    return moment + days * DAY if days < (ends - moment) / DAY else None


def top_from(plan: Plan, moment: datetime) -> datetime:
    """The first day whose requests are looked at: of the month, and within the history of the plan."""
    first = from_microseconds(_month(moment).starts)
    oldest = oldest_shown(plan, moment)
    return first if first >= oldest else usage.start_of_day(usage.day_of(oldest) + 1)


def top_keys(workspace: Workspace, moment: datetime) -> list[TopKey]:
    """The keys with the most requests, deleted ones included."""
    total = fn.SUM(UsageDay.count)
    failed = fn.SUM(Case(UsageDay.outcome, ((SUCCEEDED, 0),), UsageDay.count))
    first = usage.day_of(top_from(workspace.plan, moment))
    query: Any = (
        UsageDay.select(ApiKey.id, ApiKey.name, ApiKey.deleted_at, total, failed)
        .join(ApiKey, on=UsageDay.key_id == ApiKey.id)
        .where(ApiKey.workspace == workspace.id, UsageDay.day >= first, UsageDay.day <= usage.day_of(moment))
        .group_by(ApiKey.id, ApiKey.name, ApiKey.deleted_at)
        .order_by(total.desc(), ApiKey.name, ApiKey.id)
        .limit(TOP)
    )
    return [
        TopKey(key_id, name, deleted_at is not None, int(count), int(bad))
        for key_id, name, deleted_at, count, bad in query.tuples()
    ]


def _month(moment: datetime) -> Month:
    return monthly_use.month_at(to_microseconds(moment))
