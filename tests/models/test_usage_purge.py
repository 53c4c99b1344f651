"""How long counts are kept: hours for 90 days, days with the history of the plan, and 30 days more."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from models import UsageDay, UsageGap, UsageHour, WorkspaceDay, database, usage, usage_purge
from models.actor import COMMAND_LINE
from models.audit import SPARED
from models.database import now
from models.plan import PLANS
from models.tenancy import change_plan
from models.usage import UsageRoute
from tests.support.cast import Person, make_key
from tests.support.usage import ago, used

# Those in the middle of three are kept for the last day.
AGES = (0, 20, 36, 37, 38, 80, 89, 90, 91, 119, 120, 121, 300, 429, 430, 431)


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """No day and no hour ends in between."""
    with time_machine.travel(datetime(2026, 11, 19, 12, 20, tzinfo=UTC), tick=False):
        yield


def ages(table: type, column: str, day: int) -> list[int]:
    """The ages in days of what is left."""
    return sorted({(day - getattr(row, column) // (24 if column == "hour" else 1)) for row in table.select()})  # type: ignore[attr-defined]


@pytest.mark.parametrize("plan", ["free", "team", "business"])
def test_each_plan_keeps_its_history_and_a_month(ada: Person, plan: str) -> None:
    with database.at(ago(days=500)):
        key, text = make_key(ada)
        change_plan(ada.workspace, plan, by=COMMAND_LINE)
    for days in AGES:
        used(text, at=ago(days=days))
    # Kept longer than its key: counts outlive what was deleted, and go as others do.
    key.revoke(by=ada.actor)
    key.delete(by=ada.actor)
    assert usage_purge.purge() == gone(plan)
    today = usage.day_of(now())
    kept = [days for days in AGES if days <= (PLANS[plan].history + SPARED).days]
    assert ages(UsageDay, "day", today) == ages(UsageRoute, "day", today) == ages(WorkspaceDay, "day", today) == kept
    assert ages(UsageHour, "hour", today) == [days for days in kept if days <= 90]
    assert usage_purge.purge() == 0


def gone(plan: str) -> int:
    """Rows of days, of routes and of the workspace, and of hours."""
    old = [days for days in AGES if days > (PLANS[plan].history + SPARED).days]
    return 3 * len(old) + len([days for days in AGES if days > 90 or days in old])


def test_a_purge_that_is_killed_goes_on_the_next_time(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_purge, "BATCH", 1)
    with database.at(ago(days=500)):
        texts = [make_key(ada, name=f"Number {number}")[1] for number in range(3)]
    for text in texts:
        used(text, at=ago(days=200))
        used(text, at=ago(days=2))
    of_key, asked = usage_purge._of_key, []

    def dies(key_id: str, oldest: int) -> int:
        asked.append(key_id)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return of_key(key_id, oldest)

    monkeypatch.setattr(usage_purge, "_of_key", dies)
    with pytest.raises(KeyboardInterrupt):
        usage_purge.purge()
    assert UsageDay.select().count() == 5
    usage_purge.purge()
    assert UsageDay.select().count() == UsageHour.select().count() == 3


def test_marks_of_losses_go_with_the_longest_history(ada: Person) -> None:
    longest = max(plan.history for plan in PLANS.values())
    for age in (timedelta(days=3), longest, longest + timedelta(hours=1)):
        UsageGap.create(hour=usage.hour_of(now() - age), count=1)
    assert usage_purge.purge() == 1
    assert UsageGap.select().count() == 2
