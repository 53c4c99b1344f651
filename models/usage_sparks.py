"""The last days of many keys in small, for the list of keys."""

from datetime import datetime
from typing import Any, NamedTuple

from peewee import Case, fn

from models import usage
from models.api_key import ApiKey
from models.plan import Plan
from models.usage import SUCCEEDED, UsageDay

MOST_DAYS = 30


class Spark(NamedTuple):
    """The days of one key: all requests, those that did not succeed, and the first day on which it existed."""

    totals: list[int]
    failed: list[int]
    known_from: int

    @property
    def total(self) -> int:
        return sum(self.totals)

    @property
    def total_failed(self) -> int:
        return sum(self.failed)


def days_of(plan: Plan) -> int:
    """How many days are shown: as many as the history of the plan goes back."""
    return min(MOST_DAYS, plan.history.days)


def sparks(keys: list[ApiKey], plan: Plan, moment: datetime) -> dict[str, Spark]:
    """The last days of each of these keys up to today, in one question to the database."""
    days = days_of(plan)
    first = usage.day_of(moment) - days + 1
    made = {key.id: Spark([0] * days, [0] * days, max(0, usage.day_of(key.created_at) - first)) for key in keys}
    if not made:
        return made
    failed = fn.SUM(Case(UsageDay.outcome, ((SUCCEEDED, 0),), UsageDay.count))
    query: Any = (
        UsageDay.select(UsageDay.key_id, UsageDay.day, fn.SUM(UsageDay.count), failed)
        .where(UsageDay.key_id.in_(list(made)), UsageDay.day >= first, UsageDay.day < first + days)
        .group_by(UsageDay.key_id, UsageDay.day)
    )
    for key_id, day, total, bad in query.tuples():
        made[key_id].totals[day - first] = int(total)
        made[key_id].failed[day - first] = int(bad)
    return made
