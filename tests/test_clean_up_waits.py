"""Whatever held the stages of the clean-up up, a key has its days again when they go on; the report says so first."""

import json
from collections.abc import Callable
from datetime import datetime

import pytest
import time_machine
from flask import Flask

from jobs import clean_up
from models import ApiKey, database
from models.database import now
from tests.support.cast import Person
from tests.support.clients import Browser
from tests.support.key_pages import fresh, words
from tests.support.policies import rule, save
from tests.support.stages import DAY, daily, run_at, stage, start, used_at

Browse = Callable[[Person], Browser]
MakeKey = Callable[..., tuple[ApiKey, str]]
# It has the journal that the job reads first.
pytestmark = pytest.mark.usefixtures("app")
__all__ = ["start"]


def put_aside(ada: Person, key: ApiKey, start: datetime) -> None:
    run_at(start + 30 * DAY)
    run_at(start + 44 * DAY)
    assert stage(key) == "quarantined"


def spared_until(ada: Person, key: ApiKey, day: datetime) -> None:
    fresh(key).exempt("For emergencies", by=ada.actor)
    with database.at(day):
        fresh(key).end_exemption(by=ada.actor)


def disabled_until(ada: Person, key: ApiKey, day: datetime) -> None:
    fresh(key).disable(by=ada.actor)
    with database.at(day):
        fresh(key).enable(by=ada.actor)


def switched_off_until(ada: Person, key: ApiKey, day: datetime) -> None:
    rule(ada, staged_cleanup=False)
    with database.at(day):
        rule(ada, staged_cleanup=True)


HELD_UP = [spared_until, disabled_until, switched_off_until]


@pytest.mark.parametrize("hold_up", HELD_UP)
def test_a_key_in_quarantine_has_its_days_once_more(
    ada: Person, start: datetime, make_key: MakeKey, browse: Browse, hold_up: Callable[..., None]
) -> None:
    key, _ = make_key(ada)
    put_aside(ada, key, start)
    with database.at(start + 50 * DAY):
        hold_up(ada, key, start + 100 * DAY)
    with time_machine.travel(start + 101 * DAY, tick=False):
        shown = words(browse(ada).get(ada.settings(f"api-keys/{key.id}")))
        assert f"It will be revoked on {start + 114 * DAY:%b %-d}, " in shown
    assert daily(start, 100, 120) == [(114, "revoked: 1")]


@pytest.mark.parametrize("hold_up", HELD_UP)
def test_a_flagged_key_is_not_put_aside_the_moment_it_is_looked_at_again(
    ada: Person, start: datetime, make_key: MakeKey, browse: Browse, hold_up: Callable[..., None]
) -> None:
    key, _ = make_key(ada)
    run_at(start + 30 * DAY)
    with database.at(start + 32 * DAY):
        hold_up(ada, key, start + 100 * DAY)
    with time_machine.travel(start + 100 * DAY, tick=False):
        assert "Let it wait longer" not in words(browse(ada).get(ada.settings(f"api-keys/{key.id}")))
    flagged = 100 if hold_up is switched_off_until else 130
    assert daily(start, 100, 145)[:2] == [(flagged, "flagged: 1"), (flagged + 14, "quarantined: 1")]


def test_what_people_put_aside_is_told_of_before_the_stages_are_switched_on(
    ada: Person, browse: Browse, make_key: MakeKey, app: Flask
) -> None:
    """It was used the day before, and no run would flag it: but it would be revoked all the same."""
    key, _ = make_key(ada, name="Suspicious")
    spared, paused = (make_key(ada, name=name)[0] for name in ("Spared", "Paused"))
    began = now()
    for each in (key, spared, paused):
        used_at(each, began)
        each.quarantine(by=ada.actor)
    spared.exempt("An auditor looks at it", by=ada.actor)
    paused.disable(by=ada.actor)
    with time_machine.travel(began + 40 * DAY, tick=False):
        answer = words(save(browse(ada), ada, staged_cleanup="y"))
        assert "1 key in quarantine would be revoked in 14 days, unless it is woken, called or kept before." in answer
        assert "Suspicious" in answer and "Spared" not in answer and "Paused" not in answer
        args = ["workspace", "policy", ada.workspace.id, "--staged-cleanup", "--json"]
        told = json.loads(app.test_cli_runner().invoke(args=args).stdout)
        assert (told["keys_to_be_revoked"], told["keys_to_be_revoked_count"]) == ([key.id], 1)
        assert clean_up.run() == "", "they have their days from now on"
    with database.at(began + 54 * DAY):
        assert clean_up.run() == "revoked: 1"
        assert [stage(each) for each in (key, spared, paused)] == ["revoked", "quarantined", "quarantined"]


def test_a_change_of_another_rule_gives_no_key_more_days(ada: Person, start: datetime, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    put_aside(ada, key, start)
    with database.at(start + 50 * DAY):
        rule(ada, unused_days=20)
    assert daily(start, 50, 60) == [(58, "revoked: 1")]
