"""The month on Plan & usage: by day, its busiest keys, and where it will end if it goes on like this."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from models import ApiKey, Member, MonthlyUse, database, quota, usage_fold, usage_month
from models.actor import COMMAND_LINE
from models.tenancy import change_plan
from tests.support.cast import Person, make_key
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import words
from tests.support.usage import used
from tests.support.usage_pages import caption, from_csv, from_json, rows, titles, totals

Browse = Callable[[Person], Browser]
NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


def at(**ago: float) -> datetime:
    return NOON - timedelta(**ago)


@pytest.fixture
def old(ada: Person) -> Person:
    """Ada, whose workspace has been there for long."""
    ada.workspace.created_at = at(days=600)
    ada.workspace.save()
    return ada


@pytest.fixture
def keys(old: Person) -> dict[str, tuple[ApiKey, str]]:
    with database.at(at(days=500)):
        return {name: make_key(old, name=name) for name in ("Sync", "=Formula", "Gone")}


def spend(person: Person, number: int) -> None:
    MonthlyUse.create(workspace=person.workspace, month=202611, used=number)


def test_the_month_is_shown_by_day(old: Person, browse: Browse, keys: dict[str, tuple[ApiKey, str]]) -> None:
    used(keys["Sync"][1], at=at(days=10), times=300)
    used(keys["Gone"][1], at=at(days=10), times=20, status=429)
    used(keys["Gone"][1], at=at(days=19), times=5000)
    page = browse(old).get(old.settings("plan"))
    assert totals(page) == [300, 0, 0, 20, 0]
    assert caption(page) == "320 requests from Nov 1 to Nov 19, UTC. 93.8% succeeded."
    table = rows(page)
    assert len(table) == 30 and dict(table)["Nov 9"] == [300, 0, 0, 20, 0, 320]
    assert table[-1] == ("Nov 30", [None] * 6) and titles(page)[-1] == "Nov 30: still to come"
    assert "Denied and rate limited requests do not count against the quota." in words(page)


def test_the_projection_says_how_it_was_reckoned(
    old: Person, browse: Browse, keys: dict[str, tuple[ApiKey, str]]
) -> None:
    for days in range(1, 8):
        used(keys["Sync"][1], at=at(days=days), times=1200)
    spend(old, 20_000)
    page = words(browse(old).get(old.settings("plan")))
    # 11.5 days are left.
    assert (
        "At the average of the last 7 full days, 1,200 a day, the month ends near 33,800 requests, 3.4% of the quota."
        in page
    )
    assert "used up on" not in page
    MonthlyUse.update(used=994_000).execute()
    page = words(browse(old).get(old.settings("plan")))
    assert "The quota would be used up on Nov 24, UTC." in page
    assert "near 1,010,000 requests, 101% of the quota." in page
    change_plan(old.workspace, "enterprise", by=COMMAND_LINE)
    assert "the month ends near 1,010,000 requests." in words(browse(old).get(old.settings("plan")))


def test_what_is_projected_is_what_the_quota_counts(
    old: Person, call: Callable[..., ApiClient], keys: dict[str, tuple[ApiKey, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests of yesterday, of each outcome: whatever spends is projected, and nothing else."""
    client = call(keys["Sync"][1])
    with time_machine.travel(at(days=1), tick=False):
        statuses = [client.get(old.api(path)).status_code for path in ("members", "members/mem_none", "chats")]
        statuses.append(client.post(old.api(), json={}).status_code)
        monkeypatch.setattr(Member, "page", None)
        statuses.append(client.get(old.api()).status_code)
    assert statuses == [200, 404, 403, 403, 500]
    usage_fold.fold()
    found = usage_month.projection(old.workspace, 0, NOON)
    assert found and round(found.a_day * found.days) == quota.used(old.workspace.id) == 3


def test_a_week_is_averaged_on_every_plan(old: Person, keys: dict[str, tuple[ApiKey, str]]) -> None:
    """Also where the plan shows less than a whole week of full days: or a weekend would count for more on a Monday."""
    for days in range(1, 8):
        if (at(days=days)).weekday() < 5:
            used(keys["Sync"][1], at=at(days=days), times=700)
    for plan in ("team", "free"):
        change_plan(old.workspace, plan, by=COMMAND_LINE)
        found = usage_month.projection(old.workspace, 0, NOON)
        assert found and (found.days, found.a_day) == (7, 500)


def test_a_month_ends_with_what_it_has(old: Person, keys: dict[str, tuple[ApiKey, str]]) -> None:
    for days in range(1, 8):
        used(keys["Sync"][1], at=datetime(2026, 12, 31, 12, tzinfo=UTC) - timedelta(days=days), times=240)
    last = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    found = usage_month.projection(old.workspace, 5_000, last)
    assert found and (found.expected, found.used_up) == (5_000, None)
    first = usage_month.projection(old.workspace, 0, datetime(2027, 1, 1, tzinfo=UTC))
    assert first and first.expected == round(first.a_day * 31)
    assert usage_month.month(old.workspace, last).buckets[-1].starts.day == 31
    (only,) = usage_month.month(old.workspace, datetime(2027, 1, 1, tzinfo=UTC)).known
    assert (only.starts.day, only.total) == (1, 0)


def test_the_busiest_keys_begin_with_the_first_day(old: Person, keys: dict[str, tuple[ApiKey, str]]) -> None:
    used(keys["Sync"][1], at=datetime(2026, 11, 1, tzinfo=UTC), times=7)
    used(keys["Gone"][1], at=datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC), times=9)
    assert [(key.name, key.total) for key in usage_month.top_keys(old.workspace, NOON)] == [("Sync", 7)]
    change_plan(old.workspace, "free", by=COMMAND_LINE)
    used(keys["=Formula"][1], at=datetime(2026, 11, 13, tzinfo=UTC), times=3)
    used(keys["Gone"][1], at=datetime(2026, 11, 12, 23, tzinfo=UTC), times=9)
    assert [(key.name, key.total) for key in usage_month.top_keys(old.workspace, NOON)] == [("=Formula", 3)]


def test_a_new_workspace_has_no_projection(ada: Person, browse: Browse) -> None:
    page = words(browse(ada).get(ada.settings("plan")))
    assert "At the average" not in page and "No key was used in this time." in page


def test_the_busiest_keys_lead_to_their_pages(
    old: Person, bob: Person, browse: Browse, keys: dict[str, tuple[ApiKey, str]]
) -> None:
    used(keys["Sync"][1], at=at(days=3), times=600)
    used(keys["Sync"][1], at=at(days=3), times=30, status=500)
    used(keys["=Formula"][1], at=at(days=3), times=270)
    used(keys["Gone"][1], at=at(days=3), times=100)
    keys["Gone"][0].revoke(by=old.actor)
    keys["Gone"][0].delete(by=old.actor)
    page = browse(old).get(old.settings("plan"))
    assert "Sync 630 63.0% 30 (4.8%) =Formula 270 27.0% 0 Gone (deleted) 100 10.0% 0" in words(page)
    assert f'href="{old.settings("api-keys/" + keys["Sync"][0].id)}"' in page.text
    assert keys["Gone"][0].id not in page.text
    # Who may not manage keys sees their names, as elsewhere on this page.
    seen = browse(bob).get(old.settings("plan"))
    assert "Sync" in seen.text and "settings/api-keys/key_" not in seen.text


def test_the_history_of_the_plan_holds_here_too(
    old: Person, browse: Browse, keys: dict[str, tuple[ApiKey, str]]
) -> None:
    used(keys["Sync"][1], at=at(days=3), times=4)
    used(keys["Sync"][1], at=at(days=12), times=7777)
    change_plan(old.workspace, "free", by=COMMAND_LINE)
    page = browse(old).get(old.settings("plan"))
    assert totals(page)[0] == 4 and "7,777" not in page.text
    assert "History on the Free plan goes back 7 days." in words(page) and "Since Nov 13, UTC" in words(page)
    for file in ("usage.csv", "usage.json", "top-keys.csv"):
        assert "7777" not in browse(old).get(old.settings(f"plan/{file}")).text


def test_the_files_hold_what_is_shown(old: Person, browse: Browse, keys: dict[str, tuple[ApiKey, str]]) -> None:
    used(keys["Sync"][1], at=at(days=3), times=600)
    used(keys["=Formula"][1], at=at(days=2), times=270, status=404)
    spend(old, 870)
    browser = browse(old)
    page = browser.get(old.settings("plan"))
    for file in ("usage.csv", "usage.json", "top-keys.csv"):
        assert f'href="{old.settings("plan/" + file)}" download' in page.text
    shown = [numbers for _, numbers in rows(page)]
    month = browser.get(old.settings("plan/usage.csv"))
    assert month.headers["Content-Disposition"] == f"attachment; filename=usage-{old.workspace.id}-2026-11.csv"
    body = browser.get(old.settings("plan/usage.json")).json
    assert body and shown == from_csv(month) == from_json(body)
    assert (body["used"], body["quota"], body["projection"]["days"]) == (870, 1_000_000, 7)
    assert [(key["name"], key["requests"], key["failed"]) for key in body["top_keys"]] == [
        ("Sync", 600, 0), ("=Formula", 270, 270),
    ]  # fmt: skip
    top = browser.get(old.settings("plan/top-keys.csv")).data.decode("utf-8-sig")
    read = list(csv.reader(io.StringIO(top, newline="")))
    assert [row[1:] for row in read] == [
        ["name", "deleted", "requests", "failed"], ["Sync", "false", "600", "0"], ["'=Formula", "false", "270", "270"],
    ]  # fmt: skip
