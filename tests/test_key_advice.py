"""Which scopes a key uses, narrowing it to those, the way back, and an allowlist from what was learned."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from models import ApiKey, key_advice
from models.actor import Actor, Grant
from models.database import now
from models.errors import Conflict, NotAllowed
from models.plan import PLANS
from tests.support.cast import Person, make_key
from tests.support.clients import Browser
from tests.support.key_pages import (
    edit,
    fresh,
    let_password_age_after_sign_in,
    put_on_plan,
    words,
)
from tests.support.keys import actions
from tests.support.usage import ago, used

Browse = Callable[[Person], Browser]
TEAM = PLANS["team"]


def old_key(person: Person, days: int = 60, **settings: Any) -> tuple[ApiKey, str]:
    """A key that was made so many days ago, and used first on that day."""
    with time_machine.travel(ago(days=days), tick=False):
        key, text = make_key(person, **settings)
        used(text, scope="")
    return key, text


def at(person: Person, key: ApiKey, verb: str = "") -> str:
    return person.settings(f"api-keys/{key.id}/{verb}".rstrip("/"))


def advice_of(answer: Any) -> str:
    """What the card says."""
    return words(answer).partition("Scopes in use")[2].partition(" History ")[0]


def kept(key: ApiKey, plan: str = "team") -> set[str]:
    return set(key_advice.of(fresh(key), PLANS[plan], now()).keep)


def narrow(browser: Browser, person: Person, key: ApiKey, **more: Any) -> Any:
    page = browser.get(at(person, key))
    form = {"version": str(fresh(key).version), "scopes": sorted(kept(key))}
    assert "Narrow to what it uses" in page.text
    return browser.post(at(person, key, "narrow"), form | more)


def test_a_key_is_narrowed_to_what_it_uses_by_one_click(ada: Person, browse: Browse) -> None:
    key, text = old_key(ada, name="Report", scopes={"read:members", "write:members", "read:data"})
    used(text, at=ago(days=40), times=7)
    used(text, times=1_200)
    used(text, scope="read:data", at=ago(days=50))
    used(text, scope="write:members", verdict="r", status=403)
    said = advice_of(browse(ada).get(at(ada, key)))
    assert "read:members 1,200 1,207 Today" in said
    assert "write:members 0 0 Not used" in said
    assert "It can do without write:members and keep read:members read:data" in said
    let_password_age_after_sign_in(ada, browse)
    answer = narrow(browse(ada), ada, key)
    assert answer.status_code == 303
    assert fresh(key).scopes == "read:members read:data"
    shown = words(browse(ada).get(at(ada, key)))
    assert "Ada Byron narrowed the key to what it uses Removed write:members" in shown
    assert "There is nothing to take away" in shown
    assert actions(key)[-1] == "api_key.narrowed"


def test_it_is_undone_within_seven_days_after_the_password(ada: Person, browse: Browse) -> None:
    key, text = old_key(ada, scopes={"read:members", "write:members"})
    used(text)
    browser = browse(ada)
    narrow(browser, ada, key)
    edit(browser, key, ada, name="Renamed")
    with time_machine.travel(now() + timedelta(days=6, hours=23), tick=False):
        assert "Undo" in advice_of(browser.get(at(ada, key)))
        assert browser.post(at(ada, key, "undo-narrow")).status_code == 403
        assert fresh(key).scopes == "read:members"
        done = browser.post(at(ada, key, "undo-narrow"), {"password_again": ada.password})
        assert done.status_code == 303
        assert (fresh(key).scopes, fresh(key).name) == ("read:members write:members", "Renamed")
        shown = advice_of(browser.get(at(ada, key)))
        # What somebody just gave back is not proposed for taking again.
        assert "Undo" not in shown and "Added" in shown and "Narrow" not in shown
        assert browser.post(at(ada, key, "undo-narrow"), {"password_again": ada.password}).status_code == 409
    assert actions(key)[-1] == "api_key.restored"


def test_after_seven_days_there_is_no_way_back(ada: Person, browse: Browse) -> None:
    key, text = old_key(ada, scopes={"read:members", "write:members"})
    used(text)
    narrow(browse(ada), ada, key)
    with time_machine.travel(now() + timedelta(days=4), tick=False):
        # A session that nobody uses for long ends.
        assert "Undo" in advice_of(browse(ada).get(at(ada, key)))
    with time_machine.travel(now() + timedelta(days=7), tick=False):
        shown = advice_of(browse(ada).get(at(ada, key)))
        assert "undo-narrow" not in shown and "Undo" not in shown
        answer = browse(ada).post(at(ada, key, "undo-narrow"), {"password_again": ada.password})
        assert answer.status_code == 409 and "longer than 7 days ago" in words(answer)
    assert fresh(key).scopes == "read:members"


def test_it_is_not_undone_over_what_somebody_chose_since(ada: Person, olga: Person, browse: Browse) -> None:
    key, text = old_key(ada, scopes={"read:members", "write:members"})
    used(text)
    narrow(browse(ada), ada, key)
    edit(browse(olga), key, olga, scopes=["read:data"], anyway="1")
    assert "Undo" not in advice_of(browse(ada).get(at(ada, key)))
    answer = browse(ada).post(at(ada, key, "undo-narrow"))
    assert answer.status_code == 409 and "were changed since it was narrowed" in words(answer)
    assert fresh(key).scopes == "read:data"


def test_only_whoever_may_give_them_gives_scopes_back(ada: Person) -> None:
    key, text = old_key(ada, scopes={"read:members", "write:members"})
    used(text)
    key_advice.narrow(key, frozenset({"read:members"}), version=1, by=ada.actor)
    small = Actor("key", "Small", "key_small", grant=Grant(frozenset({"read:members"}), (), None))
    itself = Actor("key", key.name, key.id, grant=Grant(frozenset({"admin:workspace"}), (), None))
    for by in (small, itself):
        with pytest.raises(NotAllowed):
            key_advice.undo(key, by=by)
    assert fresh(key).scopes == "read:members"


def test_a_smaller_plan_does_not_give_administration_back(ada: Person, browse: Browse) -> None:
    key, text = old_key(ada, scopes={"admin:workspace"}, expires_at=now() + timedelta(days=20))
    used(text)
    narrow(browse(ada), ada, key)
    put_on_plan(ada, "free")
    answer = browse(ada).post(at(ada, key, "undo-narrow"))
    assert answer.status_code == 403 and "does not include keys with admin:workspace" in words(answer)


def test_what_was_used_meanwhile_is_not_taken(ada: Person, browse: Browse) -> None:
    key, text = old_key(ada, scopes={"read:members", "write:members", "read:data"})
    used(text)
    form = {"version": "1", "scopes": ["read:members"]}
    used(text, scope="write:members")
    answer = browse(ada).post(at(ada, key, "narrow"), form)
    assert answer.status_code == 409 and "look at the advice again" in words(answer)
    assert fresh(key).version == 1
    assert browse(ada).post(at(ada, key, "narrow"), {"version": "1", "scopes": []}).status_code == 409
    edit(browse(ada), key, ada, name="Other")
    assert narrow(browse(ada), ada, key, version="1").status_code == 409


def test_administration_is_judged_by_what_calls_asked_for(ada: Person, browse: Browse) -> None:
    key, text = old_key(ada, scopes={"admin:workspace", "read:chats", "write:chats"})
    used(text)
    used(text, scope="read:chats")
    said = advice_of(browse(ada).get(at(ada, key)))
    assert "read:members Through admin:workspace 1 1 Today" in said
    assert "Its calls never needed admin:workspace itself." in said
    assert kept(key) == {"read:members", "read:chats"}
    narrow(browse(ada), ada, key)
    assert fresh(key).scopes == "read:members read:chats"
    browse(ada).post(at(ada, key, "undo-narrow"))
    assert fresh(key).scopes == "read:chats write:chats admin:workspace"


def test_a_key_that_manages_keeps_administration(ada: Person, browse: Browse) -> None:
    key, text = old_key(ada, scopes={"admin:workspace", "read:chats"})
    used(text, scope="admin:workspace", at=ago(days=80))
    assert kept(key) == set()
    assert "It needs admin:workspace, which covers all others." in advice_of(browse(ada).get(at(ada, key)))


def test_a_scope_that_was_just_added_is_not_taken(ada: Person, browse: Browse) -> None:
    key, text = old_key(ada, scopes={"read:members", "write:members"})
    used(text)
    edit(browse(ada), key, ada, scopes=["read:members", "write:members", "read:data"])
    assert kept(key) == {"read:members", "read:data"}
    with time_machine.travel(now() + timedelta(days=31), tick=False):
        used(text)
        assert kept(key) == {"read:members"}


REASONS: dict[str, tuple[dict[str, Any], str]] = {
    "not used and new": ({"made": 12}, "Not used yet. Advice comes after 30 days of use."),
    "used for a short while": ({"made": 60, "first": 12}, "Used for 12 days. Advice comes after 30."),
    "used for a day too short": ({"made": 60, "first": 29}, "Used for 29 days. Advice comes after 30."),
    "never used": ({"made": 60}, "Never used. Revoke it if nobody needs it."),
    "not used for long": ({"made": 150, "first": 140}, "None of its scopes was used in 90 days."),
    "all in use": ({"made": 60, "first": 30, "last": 1, "scopes": {"read:members"}}, "nothing to take away"),
    "little history": ({"made": 60, "first": 50, "plan": "free"}, "keeps 7 days of history. Advice needs 30."),
}


@pytest.mark.parametrize(("case", "said"), REASONS.values(), ids=REASONS)
def test_it_says_why_nothing_is_proposed(ada: Person, browse: Browse, case: dict[str, Any], said: str) -> None:
    with time_machine.travel(ago(days=case["made"]), tick=False):
        key, text = make_key(ada, scopes=case.get("scopes", {"read:members", "read:data"}))
    for days in filter(None, (case.get("first"), case.get("last"))):
        used(text, at=ago(days=days, minutes=1))
    put_on_plan(ada, case.get("plan", "team"))
    shown = browse(ada).get(at(ada, key))
    assert said in advice_of(shown) and "Narrow to what it uses" not in shown.text
    answer = browse(ada).post(at(ada, key, "narrow"), {"version": "1", "scopes": ["read:members"]})
    assert answer.status_code == 409
    assert fresh(key).version == 1


def test_a_key_that_is_over_gets_no_advice(ada: Person, browse: Browse) -> None:
    key, text = old_key(ada, scopes={"read:members", "read:data"})
    used(text)
    key.revoke(by=ada.actor)
    assert "Scopes in use" not in browse(ada).get(at(ada, key)).text
    form = {"version": "2", "scopes": ["read:members"]}
    assert browse(ada).post(at(ada, key, "narrow"), form).status_code == 409
    assert browse(ada).get(at(ada, key, "restrict")).status_code == 303


def test_only_those_who_manage_keys_do_any_of_this(ada: Person, bob: Person, browse: Browse) -> None:
    key, _ = make_key(ada)
    for verb in ("narrow", "undo-narrow", "restrict"):
        assert browse(bob).post(at(ada, key, verb), {"networks": "10.0.0.1", "save": "1"}).status_code == 403
    assert fresh(key).version == 1


def test_a_day_is_one_of_utc(ada: Person) -> None:
    key, text = old_key(ada)
    for days, times in ((1, 1), (29, 2), (30, 4), (89, 8), (90, 16)):
        used(text, at=ago(days=days), times=times)
    (use,) = key_advice.of(key, TEAM, now()).uses
    assert (use.recent, use.calls) == (1 + 2, 1 + 2 + 4 + 8)
    assert isinstance(use.last, datetime)
    assert use.last == (now() - timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def test_two_who_narrow_at_once_narrow_once(ada: Person) -> None:
    key, text = old_key(ada, scopes={"read:members", "read:data"})
    used(text)
    keep = frozenset({"read:members"})
    key_advice.narrow(key, keep, version=1, by=ada.actor)
    with pytest.raises(Conflict):
        key_advice.narrow(key, keep, version=1, by=ada.actor)
    assert actions(key).count("api_key.narrowed") == 1
