"""Every request that can be tied to a key is counted, and nothing else is; what cannot be counted is told."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from models import (
    ApiKey,
    KeyPlace,
    Member,
    UsageGap,
    UsageHour,
    usage,
    usage_fold,
    usage_journal,
)
from models.database import now
from models.usage import OUTCOMES, UsageRoute
from tests.support.cast import Person
from tests.support.clients import ApiClient, Browser
from tests.support.scrapes import scrape
from tests.support.usage import counts, disk_is_full

Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_an_answer_counts_by_what_the_route_asks_for_and_how_it_ended(
    ada: Person, call: Call, make_key: MakeKey
) -> None:
    key, text = make_key(ada, scopes={"read:members", "write:members"})
    client = call(text)
    client.get(ada.api())
    client.get("/api/v2/key")
    client.get(ada.api("members/mem_none"))
    client.post(ada.api(), json={"name": ""})
    client.get(ada.api("chats"))
    assert counts(key) == {
        ("read:members", "succeeded"): 1,
        ("", "succeeded"): 1,
        ("read:members", "client_error"): 1,
        ("write:members", "client_error"): 1,
        ("read:chats", "denied"): 1,
    }


@pytest.mark.parametrize("verb", ["revoke", "disable"])
def test_a_secret_that_is_not_good_now_is_counted_as_denied_and_is_no_use(
    ada: Person, call: Call, make_key: MakeKey, verb: str
) -> None:
    key, text = make_key(ada)
    getattr(key, verb)(by=ada.actor)
    assert call(text).get(ada.api()).status_code == 401
    assert counts(key) == {("read:members", "denied"): 1}
    assert ApiKey.get_by_id(key.id).last_used_at is None


def test_refusals_for_address_and_workspace_are_counted(
    ada: Person, mallory: Person, call: Call, make_key: MakeKey
) -> None:
    key, text = make_key(ada, networks=("198.51.100.0/24",))
    assert call(text).get(ada.api()).status_code == 403
    assert call(text).get(mallory.api()).status_code == 404
    assert counts(key) == {("read:members", "denied"): 1, ("read:members", "client_error"): 1}
    (row,) = UsageRoute.select().where(UsageRoute.key_id == key.id)
    assert (row.accepted, row.refused, row.network) == (0, 2, "192.0.2.7")


def test_requests_over_the_limit_are_counted_apart(call: Call, make_key: MakeKey, ada: Person) -> None:
    ada.workspace.plan_slug = "free"
    ada.workspace.save()
    moment = now().replace(microsecond=0)
    key, text = make_key(ada, expires_at=moment + timedelta(days=30))
    with time_machine.travel(moment, tick=False):
        statuses = [call(text).get(ada.api()).status_code for _ in range(63)]
    assert statuses.count(429) == 3
    assert counts(key) == {("read:members", "succeeded"): 60, ("read:members", "rate_limited"): 3}


def test_a_view_that_crashes_is_counted(
    ada: Person, call: Call, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("it broke")

    key, text = make_key(ada)
    monkeypatch.setattr(Member, "page", broken)
    assert call(text).get(ada.api()).status_code == 500
    assert counts(key) == {("read:members", "server_error"): 1}


def test_guesses_pages_and_edits_are_no_use(
    ada: Person, call: Call, make_key: MakeKey, browse: Callable[[Person], Browser]
) -> None:
    key, text = make_key(ada)
    changed = text[:-1] + ("0" if text[-1] != "0" else "1")
    assert call(changed).get(ada.api()).status_code == 401
    browse(ada).get(ada.settings(f"api-keys/{key.id}"))
    key.disable(by=ada.actor)
    key.enable(by=ada.actor)
    assert counts(key) == {}
    assert UsageHour.select().count() == 0
    assert ApiKey.get_by_id(key.id).last_used_at is None


def test_a_rotated_key_counts_each_secret_by_itself(ada: Person, call: Call, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    call(old).get(ada.api())
    new = key.rotate(by=ada.actor).reveal()
    call(new).get(ada.api())
    call(old).get(ada.api())
    usage_fold.fold()
    rows = list(UsageHour.select().where(UsageHour.key_id == key.id))
    by_secret: dict[str, list[str]] = {}
    for row in rows:
        by_secret.setdefault(row.secret_id, []).append(OUTCOMES[row.outcome])
    assert sorted(map(sorted, by_secret.values())) == [["denied", "succeeded"], ["succeeded"]]


def test_the_hour_and_the_day_are_of_utc(ada: Person, call: Call, make_key: MakeKey) -> None:
    key, text = make_key(ada)
    for moment in (NOON, NOON + timedelta(minutes=59, seconds=59), NOON + timedelta(hours=1)):
        with time_machine.travel(moment, tick=False):
            call(text).get(ada.api())
    usage_fold.fold()
    rows = {usage.start_of_hour(row.hour): row.count for row in UsageHour.select().where(UsageHour.key_id == key.id)}
    assert rows == {NOON: 2, NOON + timedelta(hours=1): 1}


def test_a_client_that_sends_odd_bytes_is_told_of_in_plain_ones(ada: Person, call: Call, make_key: MakeKey) -> None:
    key, text = make_key(ada)
    call(text).get(ada.api(), headers={"User-Agent": "a\tb\x7f\x85c\xa0ü" + "x" * 300})
    assert counts(key) == {("read:members", "succeeded"): 1}
    (place,) = KeyPlace.of(key.id)
    assert place.client == ("abcü" + "x" * 300)[:200]


@pytest.fixture
def full_disk(app: Flask) -> Iterator[Callable[[], None]]:
    """As `disk_is_full`, of a worker that has written nothing yet."""
    usage_journal.use(app.config["SETTINGS"].data_dir)
    with disk_is_full() as make_room:
        yield make_room


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_full_disk_costs_no_request_and_the_gap_is_known(
    ada: Person,
    call: Call,
    make_key: MakeKey,
    client: FlaskClient,
    full_disk: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    key, text = make_key(ada)
    before = scrape(client).value("gravity_usage_lost_total")
    assert [call(text).get(ada.api()).status_code for _ in range(3)] == [200, 200, 200]
    assert scrape(client).value("gravity_usage_lost_total") - before == 3
    assert [record.message for record in caplog.records].count("requests are not being counted") == 1
    full_disk()
    usage_journal.journal().again_at = 0.0  # The pause after a failure is over.
    call(text).get(ada.api())
    assert counts(key) == {("read:members", "succeeded"): 1}
    assert {row.hour: row.count for row in UsageGap.select()} == {usage.hour_of(now()): 3}
    assert "requests were not counted" in [record.message for record in caplog.records]


def test_the_recorder_watches_itself(ada: Person, call: Call, make_key: MakeKey, client: FlaskClient) -> None:
    age, newest = "gravity_usage_oldest_uncounted_seconds", "gravity_usage_newest_count_timestamp_seconds"
    _, text = make_key(ada)
    assert (scrape(client).value(age), scrape(client).value(newest)) == (0, 0)
    call(text).get(ada.api())
    assert scrape(client).value(age) > 0
    usage_fold.fold()
    found = scrape(client)
    assert found.value(age) == 0
    counted = found.value(newest)
    assert 0 <= now().timestamp() - counted < 600
    # The worker is gone, its file is folded and removed: when that was is still known.
    usage_journal.journal().close()
    usage_fold.fold()
    assert scrape(client).value(newest) == counted


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_locked_database_costs_no_request_and_no_count(
    ada: Person, call: Call, make_key: MakeKey, database_url: str
) -> None:
    key, text = make_key(ada)
    lock = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    assert [call(text).get("/api/v2/key").status_code for _ in range(3)] == [200, 200, 200]
    lock.execute("ROLLBACK")
    lock.close()
    assert counts(key) == {("", "succeeded"): 3}
