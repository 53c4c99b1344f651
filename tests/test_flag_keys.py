"""The job that finds keys to be told of: each fact once, nothing that is not true, whatever happens to a run."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs import flag_keys, send_mail
from models import ApiKey, Member, database, key_notices, outbox
from models.actor import COMMAND_LINE
from models.database import now
from models.outbox import Notice
from tests.support.cast import Person
from tests.support.policies import rule
from tests.support.threads import at_once

MakeKey = Callable[..., tuple[ApiKey, str]]
DAY = timedelta(days=1)


def told(key: ApiKey, kind: str | None = None) -> list[tuple[str, str]]:
    """Kind and what is shown of the threshold, in the order in which it was promised; one line for each fact."""
    rows = Notice.select().where(Notice.key_id == key.id, Notice.kind != "key_created").order_by(Notice.created_at)
    facts = [(row.kind, row.threshold_shown) for row in rows if kind in (None, row.kind)]
    return list(dict.fromkeys(facts))


def run_at(moment: datetime) -> str:
    with database.at(moment):
        return flag_keys.run()


def daily(start: datetime, days: int) -> None:
    for day in range(days):
        run_at(start + day * DAY)


def test_an_end_is_told_14_7_and_1_days_before_and_when_it_came(ada: Person, make_key: MakeKey) -> None:
    start = now()
    key, _ = make_key(ada, expires_at=start + 20 * DAY)
    daily(start, 40)
    assert told(key, "expiring") == [("expiring", "14d"), ("expiring", "7d"), ("expiring", "1d")]
    assert told(key, "expired") == [("expired", "expired")]
    assert Notice.select().where(Notice.key_id == key.id, Notice.kind == "expiring").count() == 3, "to Ada alone"


def test_everybody_who_manages_keys_is_promised_it_once(
    ada: Person, olga: Person, bob: Person, make_key: MakeKey
) -> None:
    make_key(ada, expires_at=now() + 5 * DAY)
    assert run_at(now()) == "expiring: 1"
    people = {row.recipient for row in Notice.select().where(Notice.kind == "expiring")}
    assert people == {ada.user.id, olga.user.id}
    assert run_at(now()) == "", "told already"


def test_after_downtime_only_the_truth_is_told(ada: Person, make_key: MakeKey) -> None:
    start = now()
    near, _ = make_key(ada, expires_at=start + 20 * DAY)
    over, _ = make_key(ada, expires_at=start + 10 * DAY)
    run_at(start + 19 * DAY + DAY / 2)
    assert told(near) == [("expiring", "1d")]
    assert told(over) == [("expired", "expired")]


def test_a_key_that_ended_long_ago_is_no_news(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada, expires_at=now() + DAY)
    run_at(now() + 60 * DAY)
    assert told(key, "expired") == []


def test_another_end_is_another_fact(ada: Person, make_key: MakeKey) -> None:
    start = now()
    key, _ = make_key(ada, expires_at=start + 5 * DAY)
    run_at(start)
    key.change({"expires_at": start + 90 * DAY}, disabled=None, by=ada.actor)
    assert run_at(start) == ""
    run_at(start + 80 * DAY)
    assert told(key, "expiring") == [("expiring", "7d"), ("expiring", "14d")]


@pytest.mark.parametrize("verb", ["revoke", "delete"])
def test_of_a_key_that_is_gone_nothing_is_told(ada: Person, make_key: MakeKey, verb: str) -> None:
    key, _ = make_key(ada, expires_at=now() + 5 * DAY)
    key.revoke(by=ada.actor)
    if verb == "delete":
        ApiKey.get_by_id(key.id).delete(by=ada.actor)
    run_at(now() + 3 * DAY)
    run_at(now() + 6 * DAY)
    assert told(key) == []


def test_a_key_without_expiration_never_ends_and_is_told_of_as_unused_and_old(ada: Person, make_key: MakeKey) -> None:
    rule(ada, expiry_required=True, longest_life_days=30)
    key, _ = make_key(ada, expires_at=now() + 20 * DAY)
    ApiKey.update(expires_at=None).where(ApiKey.id == key.id).execute()
    start = now()
    daily(start, 120)
    assert told(key) == [("unused", ""), ("rotation_due", "")]
    again = ApiKey.get_by_id(key.id)
    assert again.expires_at is None and again.is_live(start + 120 * DAY)


def test_unused_is_told_as_often_as_it_comes_true(ada: Person, make_key: MakeKey) -> None:
    start = now()
    rule(ada, unused_days=20, rotation_days=3000)
    key, _ = make_key(ada)
    daily(start, 30)
    assert told(key) == [("unused", "")]
    ApiKey.update(last_used_at=start + 30 * DAY).where(ApiKey.id == key.id).execute()
    assert run_at(start + 31 * DAY) == ""
    assert run_at(start + 51 * DAY) == "unused: 1"


def test_rotation_is_due_for_each_secret_once(ada: Person, make_key: MakeKey) -> None:
    start = now()
    rule(ada, unused_days=3000, rotation_days=10)
    key, _ = make_key(ada)
    ApiKey.update(last_used_at=start + 50 * DAY).where(ApiKey.id == key.id).execute()
    daily(start, 15)
    assert told(key) == [("rotation_due", "")]
    with database.at(start + 15 * DAY):
        key.rotate(by=ada.actor)
    assert run_at(start + 16 * DAY) == ""
    assert run_at(start + 25 * DAY) == "rotation due: 1"


def test_keys_of_those_who_left_or_lost_the_role_are_told_of(ada: Person, olga: Person, make_key: MakeKey) -> None:
    key, _ = make_key(olga)
    assert run_at(now()) == ""
    olga.member.change({"role": "member"}, by=ada.actor)
    assert run_at(now()) == "maker left: 1"
    assert run_at(now()) == ""
    Member.find(ada.workspace.id, olga.member.id).remove(by=ada.actor)
    assert run_at(now()) == "maker left: 1", "to have left is more than to have lost the role"
    assert told(key)[0][0] == "maker_left"


def test_workspaces_are_told_of_their_own(ada: Person, mallory: Person, make_key: MakeKey) -> None:
    rule(mallory, unused_days=5)
    mine, _ = make_key(ada)
    theirs, _ = make_key(mallory)
    run_at(now() + 10 * DAY)
    assert (told(mine), told(theirs)) == ([], [("unused", "")])
    assert {row.address for row in Notice.select().where(Notice.key_id == theirs.id)} == {mallory.user.email}


def many(person: Person, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch) -> list[ApiKey]:
    monkeypatch.setattr(key_notices, "BATCH", 3)
    return [make_key(person, expires_at=now() + 5 * DAY)[0] for _ in range(10)]


def facts() -> int:
    return int(Notice.select().where(Notice.kind == "expiring").count())


def test_a_run_that_is_cut_off_is_gone_on_with(
    ada: Person, olga: Person, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = many(ada, make_key, monkeypatch)
    real, left = outbox.promise, iter(range(8))

    def breaks(*given: Any, **more: Any) -> int:
        if next(left, None) is None:
            raise SystemExit
        return real(*given, **more)

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(outbox, "promise", breaks)
        flag_keys.run()
    assert facts() == 2 * 6, "two batches whole, and nothing of the third"
    assert flag_keys.run() == "expiring: 4"
    assert facts() == 2 * len(keys)


def test_two_runs_at_once_do_the_work_of_one(
    ada: Person, olga: Person, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = many(ada, make_key, monkeypatch)
    assert all(isinstance(said, str) for said in at_once(2, lambda _: flag_keys.run()))
    assert facts() == 2 * len(keys)


def test_what_is_not_true_any_more_is_dropped_before_it_is_sent(ada: Person, make_key: MakeKey, app: Any) -> None:
    key, _ = make_key(ada, expires_at=now() + 5 * DAY)
    rotated, _ = make_key(ada)
    run_at(now())
    rule(ada, rotation_days=1)
    run_at(now() + 2 * DAY)
    with database.at(now() + 2 * DAY + timedelta(minutes=1)):
        rotated.rotate(by=COMMAND_LINE)
        key.change({"expires_at": now() + 60 * DAY}, disabled=None, by=COMMAND_LINE)
    with database.at(now() + 4 * DAY):
        send_mail.run()
    reasons = {(row.kind, row.key_id): row.reason for row in Notice.select().where(Notice.dropped_at.is_null(False))}
    assert reasons["expiring", key.id] == "The key was extended meanwhile."
    assert reasons["rotation_due", rotated.id] == "The key was rotated meanwhile."
