"""Clean-up in stages, over simulated time: each key its days at each stage, and nothing ends that is used or kept."""

from collections.abc import Callable
from datetime import datetime

import pytest
import time_machine

from jobs import clean_up, flag_keys, send_mail
from models import ApiKey, database
from models.database import now
from models.outbox import Notice
from tests.support.cast import Person
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import all_hidden, code, fresh, words
from tests.support.keys import actions
from tests.support.policies import policy_of, rule, save
from tests.support.stages import DAY, daily, run_at, stage, start, used_at

Browse = Callable[[Person], Browser]
Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]
# It has the journal that the job reads first.
pytestmark = pytest.mark.usefixtures("app")
__all__ = ["start"]


def test_the_stages_of_a_key_that_nobody_uses(ada: Person, start: datetime, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    used_at(key, start)
    assert daily(start, 0, 100) == [(60, "flagged: 1"), (74, "quarantined: 1"), (88, "revoked: 1")]
    assert actions(key) == [
        "api_key.created", "api_key.flagged", "api_key.quarantined", "api_key.revoked",
    ]  # fmt: skip
    found = fresh(key)
    assert (found.revoked_by, found.revoke_reason) == ("Gravity Rail", "unneeded")
    kinds = [row.kind for row in Notice.select().where(Notice.key_id == key.id).order_by(Notice.created_at)]
    assert kinds == ["key_created", "unused", "quarantined", "cleaned_up"]


def test_it_is_off_until_an_owner_wants_it(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    assert policy_of(ada).staged_cleanup is False
    assert daily(now(), 0, 200) == []
    assert (stage(key), fresh(key).expires_at) == ("none", None)


def test_a_late_start_and_a_stopped_scheduler_still_give_each_stage_its_days(
    ada: Person, start: datetime, make_key: MakeKey
) -> None:
    key, _ = make_key(ada)
    assert run_at(start + 400 * DAY) == "flagged: 1"
    assert daily(start, 401, 413) == []
    assert run_at(start + 460 * DAY) == "quarantined: 1"
    assert daily(start, 461, 473) == []
    assert run_at(start + 474 * DAY) == "revoked: 1"
    assert stage(key) == "revoked"


def test_a_use_while_flagged_resets_it(ada: Person, start: datetime, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    run_at(start + 30 * DAY)
    assert stage(key) == "flagged"
    used_at(key, start + 40 * DAY)
    assert daily(start, 41, 99) == [(41, "no longer flagged: 1")]
    assert run_at(start + 100 * DAY) == "flagged: 1"


def test_a_use_on_the_last_second_before_quarantine_counts(
    ada: Person, start: datetime, make_key: MakeKey, call: Call
) -> None:
    """Over HTTP: the use is in the journal only, and the job reads that first."""
    key, text = make_key(ada)
    run_at(start + 30 * DAY)
    with time_machine.travel(start + 44 * DAY, tick=False):
        assert call(text).get(ada.api()).status_code == 200
        assert clean_up.run() == "no longer flagged: 1"
    assert stage(key) == "none"


def test_calls_to_a_key_in_quarantine_keep_it_from_being_revoked(
    ada: Person, start: datetime, make_key: MakeKey, call: Call, browse: Browse
) -> None:
    key, text = make_key(ada)
    run_at(start + 30 * DAY)
    run_at(start + 44 * DAY)
    with time_machine.travel(start + 57 * DAY, tick=False):
        assert code(call(text).get(ada.api())) == "key_quarantined"
        assert clean_up.run() == ""
    assert daily(start, 58, 70) == []
    assert stage(key) == "quarantined", "only people wake it"
    assert run_at(start + 71 * DAY) == "revoked: 1"


def test_waking_begins_the_wait_anew(ada: Person, start: datetime, make_key: MakeKey, browse: Browse) -> None:
    key, _ = make_key(ada)
    run_at(start + 30 * DAY)
    run_at(start + 44 * DAY)
    with database.at(start + 50 * DAY):
        fresh(key).wake(by=ada.actor)
    assert stage(key) == "none"
    assert daily(start, 50, 100) == [(80, "flagged: 1"), (94, "quarantined: 1")]


def test_what_is_kept_disabled_or_ends_by_itself_is_left_alone(ada: Person, start: datetime, make_key: MakeKey) -> None:
    kept, _ = make_key(ada)
    kept.exempt("For emergencies", by=ada.actor)
    paused, _ = make_key(ada)
    paused.disable(by=ada.actor)
    ended, _ = make_key(ada, expires_at=start + 20 * DAY)
    later, _ = make_key(ada, starts_at=start + 150 * DAY)
    assert daily(start, 0, 120) == []
    assert [stage(key) for key in (kept, paused, ended, later)] == ["none"] * 4
    fresh(kept).end_exemption(by=ada.actor)
    assert run_at(start + 121 * DAY) == "flagged: 1"


def test_to_keep_a_flagged_key_ends_its_stages(ada: Person, start: datetime, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    run_at(start + 30 * DAY)
    fresh(key).exempt("Once a year", by=ada.actor)
    assert daily(start, 31, 100) == []


def test_switched_off_nothing_goes_on(ada: Person, start: datetime, make_key: MakeKey, browse: Browse) -> None:
    flagged, _ = make_key(ada)
    run_at(start + 30 * DAY)
    aside, _ = make_key(ada)
    aside.quarantine(by=ada.actor)
    rule(ada, staged_cleanup=False)
    assert (stage(flagged), stage(aside)) == ("none", "quarantined")
    assert daily(start, 31, 120) == []


def test_of_each_workspace_by_its_own_policy(ada: Person, mallory: Person, start: datetime, make_key: MakeKey) -> None:
    mine, theirs = make_key(ada)[0], make_key(mallory)[0]
    assert run_at(start + 45 * DAY) == "flagged: 1"
    assert (stage(mine), stage(theirs)) == ("flagged", "none")


def test_before_it_is_switched_on_it_says_with_which_keys_it_would_begin(
    ada: Person, browse: Browse, make_key: MakeKey
) -> None:
    idle, _ = make_key(ada, name="Idle")
    ApiKey.update(created_at=now() - 40 * DAY).where(ApiKey.id == idle.id).execute()
    make_key(ada, name="Fresh")
    answer = save(browse(ada), ada, staged_cleanup="y")
    shown = words(answer)
    assert "1 unused key would be flagged" in shown and "Idle" in shown and "Fresh" not in shown
    assert not policy_of(ada).staged_cleanup and stage(idle) == "none"
    assert browse(ada).post(ada.settings("policy"), all_hidden(answer) | {"anyway": "1"}).status_code == 303
    assert policy_of(ada).staged_cleanup
    assert clean_up.run() == "flagged: 1"
    page = words(browse(ada).get(ada.settings(f"api-keys/{idle.id}")))
    assert "It will be put in quarantine on" in page and "found the key unused" in page
    assert "Unused" in words(browse(ada).get(ada.settings()))


def test_a_longer_wait_takes_the_flag_from_a_key_that_was_never_used(
    ada: Person, start: datetime, make_key: MakeKey
) -> None:
    key, _ = make_key(ada)
    rule(ada, unused_days=10)
    run_at(start + 12 * DAY)
    rule(ada, unused_days=60)
    assert run_at(start + 13 * DAY) == "no longer flagged: 1"
    assert stage(key) == "none"


def test_people_are_told_once_and_not_of_what_is_not_true(ada: Person, start: datetime, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    with database.at(start + 30 * DAY):
        assert "unused" not in flag_keys.run(), "the clean-up tells of it, with the day"
        clean_up.run()
        assert "unused" not in flag_keys.run()
    with database.at(start + 44 * DAY):
        clean_up.run()
        fresh(key).wake(by=ada.actor)
    with database.at(start + 46 * DAY):
        send_mail.run()
    dropped = {row.kind: row.reason for row in Notice.select().where(Notice.dropped_at.is_null(False))}
    assert dropped["quarantined"] == "The key was woken meanwhile."
