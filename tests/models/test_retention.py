"""A smaller plan hides older history at once, and deletes it a month later: who comes back in time has lost nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from models import ApiKey, AuditEvent, Refusal, UsageDay, Workspace, database, usage, usage_purge
from models.actor import COMMAND_LINE
from models.audit import SPARED
from models.database import now
from models.tenancy import change_plan
from tests.support.cast import Person, make_key
from tests.support.usage import ago, used

AGES = (5, 20, 50, 110, 300, 420)


def refuse(key: ApiKey) -> None:
    Refusal.record(
        workspace_id=key.workspace_id, key_id=key.id, request_id="req_1", code="rate_limited", status=429,
        request="GET /", scope=None, address="", client="",
    )  # fmt: skip


def left(table: type) -> list[int]:
    """The ages in days of what is left."""
    if table is UsageDay:
        return sorted(usage.day_of(now()) - row.day for row in UsageDay.select())
    kept = table.select() if table is Refusal else AuditEvent.select().where(AuditEvent.action == "a.test")
    return sorted((now() - row.at).days for row in kept)


@pytest.fixture
def history(ada: Person, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Use, refusals and events of more than a year, on the Business plan."""
    monkeypatch.setattr("models.refusal.A_SECOND", {"rate_limited": 99})
    with database.at(ago(days=500)):
        change_plan(ada.workspace, "business", by=COMMAND_LINE)
        key, text = make_key(ada)
    for days in AGES:
        used(text, at=ago(days=days))
        with database.at(ago(days=days)):
            refuse(key)
            AuditEvent.write("a.test", key.id, workspace=ada.workspace.id, by=COMMAND_LINE)
    return ada.workspace


PURGES = [(UsageDay, usage_purge.purge), (Refusal, Refusal.purge), (AuditEvent, AuditEvent.purge)]


@pytest.mark.parametrize(("table", "purge"), PURGES)
def test_a_smaller_plan_deletes_nothing_for_a_month(history: Workspace, table: type, purge: Callable[[], int]) -> None:
    for days, plan in ((29, "free"), (3, "team"), (1, "free")):
        with database.at(ago(days=days)):
            change_plan(history, plan, by=COMMAND_LINE)
    purge()
    # Business had them 30 days ago.
    assert left(table) == list(AGES)
    with database.at(now() + timedelta(days=2)):
        purge()
    # From 28 days ago on it was Free, then Team two days long, then Free.
    assert left(table) == [5, 20, 50]


@pytest.mark.parametrize(("table", "purge"), PURGES)
def test_a_larger_plan_keeps_what_comes_back_into_sight(
    history: Workspace, table: type, purge: Callable[[], int]
) -> None:
    with database.at(ago(days=20)):
        change_plan(history, "free", by=COMMAND_LINE)
    with database.at(ago(days=10)):
        change_plan(history, "team", by=COMMAND_LINE)
    with database.at(now() + SPARED - timedelta(days=15)):
        purge()
    # Free for the first five days of that month, and Team since: it shows 90 days before it began.
    assert left(table) == [5, 20, 50]
    change_plan(history, "business", by=COMMAND_LINE)
    purge()
    assert left(table) == [5, 20, 50]
