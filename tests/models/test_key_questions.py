"""What is asked about the use of a key: how far back each question looks, to the day, and which calls it is about."""

import pytest

from models import ApiKey, impact, key_advice, key_networks, usage
from models.actor import COMMAND_LINE
from models.database import now
from models.impact import STOP, Change
from models.plan import PLANS
from models.tenancy import change_plan
from models.usage import KeyPlace
from tests.support.cast import Person, make_key
from tests.support.key_pages import fresh
from tests.support.usage import ago, used

TEAM = PLANS["team"]
OTHER = "198.51.100.9"


@pytest.fixture
def old(ada: Person) -> tuple[ApiKey, str]:
    """A key that was first used long ago."""
    key, text = make_key(ada, scopes={"read:members", "write:members", "read:data", "read:chats"})
    used(text, at=ago(days=100), scope="")
    ApiKey.update(created_at=ago(days=120)).where(ApiKey.id == key.id).execute()
    return fresh(key), text


def test_the_advice_looks_at_thirty_and_at_ninety_days(old: tuple[ApiKey, str]) -> None:
    key, text = old
    for days, times in ((0, 1), (29, 2), (30, 4), (89, 8), (90, 16)):
        used(text, at=ago(days=days), times=times)
    (members,) = [use for use in key_advice.of(key, TEAM, now()).uses if use.name == "read:members"]
    assert (members.recent, members.calls) == (3, 15)


def test_a_call_that_failed_after_it_was_let_in_used_its_scope(old: tuple[ApiKey, str]) -> None:
    key, text = old
    used(text)
    used(text, scope="write:members", status=422)
    used(text, scope="read:data", status=503)
    used(text, scope="read:chats", status=403, verdict="r")
    assert key_advice.of(key, TEAM, now()).keep == {"read:members", "write:members", "read:data"}


def test_undo_gives_scopes_back_and_touches_nothing_else(ada: Person, old: tuple[ApiKey, str]) -> None:
    key, text = old
    used(text)
    key_advice.narrow(key, frozenset({"read:members"}), version=key.version, by=ada.actor)
    fresh(key).change({"networks": ("192.0.2.0/24",), "note": "Locked"}, disabled=None, by=ada.actor)
    key_advice.undo(key, by=ada.actor)
    done = fresh(key)
    assert (done.networks, done.note) == ("192.0.2.0/24", "Locked")
    assert done.settings.scopes == old[0].settings.scopes


def test_what_would_break_is_of_seven_days_and_of_calls_that_were_let_in(old: tuple[ApiKey, str]) -> None:
    key, text = old
    for days, times in ((0, 1), (6, 2), (7, 4)):
        used(text, at=ago(days=days), times=times)
    used(text, times=8, status=403, verdict="r")
    used(text, times=16, status=403, verdict="r", request="GET /elsewhere")
    found = impact.of_stop(key)
    assert [(route.at_least, route.at_most, route.addresses) for route in found.routes] == [(3, 3, 1)]


def test_what_a_key_may_not_do_any_more_does_not_break(old: tuple[ApiKey, str]) -> None:
    """It lost a scope and an address lately, which the calls of last week still had."""
    key, text = old
    used(text, times=3)
    used(text, times=5, scope="read:data")
    used(text, times=7, address=OTHER)
    scopes = frozenset({"read:members"})
    lately = impact.calls_since(key.id, usage.day_of(now()) - 6)
    lock = Change(scopes, scopes, "192.0.2.0/24", "203.0.113.0/24")
    assert sum(route.at_least for route in impact.judged(lately, lock)) == 3
    less = Change(scopes | {"read:chats"}, frozenset({"read:chats"}), "192.0.2.0/24", "192.0.2.0/24")
    assert sum(route.at_least for route in impact.judged(lately, less)) == 3
    assert impact.of(key, STOP).at_least == 15


def test_networks_are_of_thirty_days(old: tuple[ApiKey, str]) -> None:
    key, text = old
    for days, times in ((0, 1), (29, 2), (30, 4)):
        used(text, at=ago(days=days), times=times)
    (found,) = key_networks.learned(key, TEAM, now())
    assert found.calls == 3
    assert key_networks.simulate(key, ("203.0.113.0/24",)).at_least == 3


def test_no_question_looks_beyond_the_history_of_the_plan(ada: Person, old: tuple[ApiKey, str]) -> None:
    key, text = old
    for days, times in ((6, 1), (7, 2), (20, 4)):
        used(text, at=ago(days=days), times=times)
    change_plan(ada.workspace, "free", by=COMMAND_LINE)
    found = key_networks.simulate(key, ("203.0.113.0/24",))
    assert (found.days, found.at_least) == (7, 1)
    assert [each.calls for each in key_networks.learned(key, PLANS["free"], now())] == [1]
    assert max(use.calls for use in key_advice.of(key, PLANS["free"], now()).uses) == 1


def test_the_five_latest_places_are_of_all_secrets(ada: Person, old: tuple[ApiKey, str]) -> None:
    key, text = old
    for number in range(4):
        used(text, at=ago(minutes=20 - number), client=f"old/{number}")
    newer = fresh(key).rotate(by=ada.actor).reveal()
    for number in range(4):
        used(newer, at=ago(minutes=10 - number), client=f"new/{number}")
    assert [place.client for place in KeyPlace.of(key.id)] == ["new/3", "new/2", "new/1", "new/0", "old/3"]
