"""Counts of uses as rows of buckets, for graphs, exports and the API: what is known, and why the rest is not."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from peewee import SQL, fn

from models import usage, usage_watch
from models.api_key import ApiKey
from models.plan import Plan
from models.usage import OUTCOMES, UsageDay, UsageGap, UsageHour, WorkspaceDay, start_of_hour
from models.usage_purge import HOURS_KEPT
from models.workspace import Workspace

# Hours of a bucket, and how many of them up to the one that is going on.
RANGES = {"24h": (1, 24), "7d": (6, 28), "30d": (24, 30), "90d": (24, 90)}
NOTHING = (0,) * len(OUTCOMES)

# Why the count of a bucket is not known. What is not here was counted, and zero is zero.
BEFORE, HISTORY, HOURS, LATER = "before", "history", "hours", "later"


class Span(NamedTuple):
    """Buckets in a row: the hour, counted from 1970, that the first begins with, the hours of each, how many."""

    first: int
    hours: int
    steps: int

    @property
    def starts(self) -> datetime:
        return start_of_hour(self.first)

    @property
    def ends(self) -> datetime:
        return start_of_hour(self.first + self.hours * self.steps)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Requests between two moments of UTC, by outcome."""

    starts: datetime
    ends: datetime
    counts: tuple[int, ...] = NOTHING
    unknown: str = ""
    # Whether requests of these hours, of whichever key, could not be written down.
    is_short: bool = False
    # Whether requests of this machine have waited for long to be counted, and some may be of these hours.
    is_late: bool = False

    @property
    def is_whole(self) -> bool:
        return not (self.unknown or self.is_short or self.is_late)

    @property
    def total(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Series:
    """Buckets in a row, and what they add up to."""

    span: Span
    buckets: list[Bucket]

    @property
    def counts(self) -> tuple[int, ...]:
        """What is known of all of it, by outcome."""
        return tuple(map(sum, zip(*(bucket.counts for bucket in self.buckets), strict=True)))

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def known(self) -> list[Bucket]:
        return [bucket for bucket in self.buckets if not bucket.unknown]

    def lacks(self, reason: str) -> bool:
        return any(bucket.unknown == reason for bucket in self.buckets)

    @property
    def is_short(self) -> bool:
        return any(bucket.is_short for bucket in self.buckets)


def latest(name: str, moment: datetime) -> Span:
    """The buckets of a range up to and with the one that is going on."""
    hours, steps = RANGES[name]
    return Span((usage.hour_of(moment) // hours - steps + 1) * hours, hours, steps)


def between(starts: datetime, ends: datetime, hours: int) -> Span:
    """The buckets that a time touches."""
    first = usage.hour_of(starts) // hours
    return Span(first * hours, hours, -(-_hours_up(ends) // hours) - first)


def of_key(key: ApiKey, plan: Plan, span: Span, moment: datetime, secret_id: str | None = None) -> Series:
    """The uses of a key, or of one secret of it."""
    table: Any = UsageDay if span.hours % 24 == 0 else UsageHour
    mine = table.key_id == key.id
    if secret_id is not None:
        mine &= table.secret_id == secret_id
    return _series(span, _counted(table, mine, span), _Horizon(key.created_at, plan, moment))


def of_workspace(workspace: Workspace, span: Span, moment: datetime) -> Series:
    """The uses of all keys of a workspace, by the day."""
    mine = WorkspaceDay.workspace_id == workspace.id
    return _series(span, _counted(WorkspaceDay, mine, span), _Horizon(workspace.created_at, workspace.plan, moment))


@dataclass(frozen=True, slots=True)
class _Horizon:
    """How far back and ahead counts are known."""

    made: datetime
    plan: Plan
    moment: datetime

    def hides(self, starts: datetime, ends: datetime) -> str:
        """Why nothing is known of a bucket, or nothing at all."""
        if starts > self.moment:
            return LATER
        if ends <= self.made:
            return BEFORE
        if starts < oldest_shown(self.plan, self.moment):
            return HISTORY
        return HOURS if ends - starts < timedelta(days=1) and starts < self.moment - HOURS_KEPT else ""


def oldest_shown(plan: Plan, moment: datetime) -> datetime:
    """Buckets that begin before it are beyond the history of the plan."""
    return moment - plan.history


def _series(span: Span, counted: dict[int, list[int]], horizon: _Horizon) -> Series:
    short, late = _short(span), usage_watch.late_since(horizon.moment)
    buckets = []
    for place in range(span.steps):
        first = span.first + place * span.hours
        starts, ends = start_of_hour(first), start_of_hour(first + span.hours)
        if unknown := horizon.hides(starts, ends):
            buckets.append(Bucket(starts, ends, unknown=unknown))
        else:
            counts = tuple(counted.get(place, NOTHING))
            is_late = late is not None and ends > late
            buckets.append(Bucket(starts, ends, counts, is_short=place in short, is_late=is_late))
    return Series(span, buckets)


def _counted(table: Any, mine: Any, span: Span) -> dict[int, list[int]]:
    """The counts of each bucket that has any."""
    column, unit = (table.hour, 1) if table is UsageHour else (table.day, 24)
    step = span.hours // unit
    first, last = span.first // unit, span.first // unit + span.steps * step
    place = column / step if step > 1 else column
    query = (
        table.select(place, table.outcome, fn.SUM(table.count))
        .where(mine, column >= first, column < last)
        .group_by(SQL("1"), SQL("2"))
    )
    counted: dict[int, list[int]] = {}
    for at, outcome, count in query.tuples():
        counted.setdefault(at - first // step, list(NOTHING))[outcome] += int(count)
    return counted


def _short(span: Span) -> set[int]:
    """The buckets in which requests could not be written down."""
    ends = span.first + span.steps * span.hours
    hours: Any = UsageGap.select(UsageGap.hour).where(UsageGap.hour >= span.first, UsageGap.hour < ends).tuples()
    return {(hour - span.first) // span.hours for (hour,) in hours}


def _hours_up(moment: datetime) -> int:
    hour = usage.hour_of(moment)
    return hour + (start_of_hour(hour) < moment)
