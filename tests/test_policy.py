"""What owners ask of keys: the page, whom it tells that are affected, and who may choose."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from models import ApiKey, AuditEvent, Workspace
from models.database import now
from models.policy import Policy
from tests.support.cast import Person, joined, make_admin_key
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import all_hidden, let_password_age_after_sign_in, ticked, value, words
from tests.support.keys import works
from tests.support.policies import policy_of, rule, save

Browse = Callable[[Person], Browser]
Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]
CHANGED = "workspace.policy_changed"


def changes(person: Person) -> list[dict[str, Any]]:
    trail = AuditEvent.about(person.workspace.id, person.workspace.id)
    return [event.facts for event in trail if event.action == CHANGED]


def test_a_policy_that_affects_nobody_is_saved_at_once_and_on_record(ada: Person, browse: Browse) -> None:
    assert policy_of(ada) == Policy()
    answer = save(
        browse(ada), ada, longest_life_days=" 180 ", expiry_required="y", admin_allowlist="y", unused_days="60",
        rotation_days="30", creators="owners",
    )  # fmt: skip
    assert answer.status_code == 303
    assert policy_of(ada) == Policy(180, True, True, 60, 30, creators="owners")
    shown = browse(ada).get(ada.settings("policy"))
    assert "The policy is saved." in shown.text
    assert [value(shown, name) for name in ("longest_life_days", "unused_days", "rotation_days")] == ["180", "60", "30"]
    assert ticked(shown, "creators") == {"owners"} and ticked(shown, "expiry_required")
    [facts] = changes(ada)
    assert facts["longest_life_days"] == [None, 180] and facts["creators"] == ["managers", "owners"]
    assert "staged_cleanup" not in facts


def test_the_same_again_is_no_change(ada: Person, browse: Browse) -> None:
    assert save(browse(ada), ada).status_code == 303
    assert changes(ada) == []


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("longest_life_days", "0"), ("longest_life_days", "3651"), ("longest_life_days", "ten"),
        ("longest_life_days", "-5"), ("longest_life_days", "9" * 40), ("unused_days", ""), ("unused_days", "0"),
        ("rotation_days", "1.5"), ("rotation_days", "\u0663"), ("creators", ""), ("creators", "admins"),
    ],
)  # fmt: skip
def test_what_is_no_policy_comes_back_with_what_to_do(ada: Person, browse: Browse, field: str, text: str) -> None:
    answer = save(browse(ada), ada, **{field: text})
    assert answer.status_code == 422
    assert ("Choose who may create keys." if field == "creators" else "Enter a number of days from 1 to") in words(
        answer
    )
    assert policy_of(ada) == Policy()


def test_whom_it_affects_is_told_before_anything_is_saved(
    ada: Person, olga: Person, browse: Browse, make_key: MakeKey
) -> None:
    _, text = make_key(ada, name="Endless")
    far, _ = make_key(ada, name="Far", expires_at=now() + timedelta(days=200))
    make_key(ada, name="Near", expires_at=now() + timedelta(days=20))
    make_admin_key(ada, name="Boss", expires_at=now() + timedelta(days=20))
    old, _ = make_key(ada, name="Over")
    old.revoke(by=ada.actor)
    ApiKey.update(last_used_at=now() - timedelta(days=50)).where(ApiKey.id == far.id).execute()
    answer = save(
        browse(ada), ada, longest_life_days="90", admin_allowlist="y", unused_days="40", creators="owners"
    )  # fmt: skip
    assert answer.status_code == 200 and policy_of(ada) == Policy()
    shown = words(answer)
    assert "3 keys would not fit." in shown
    assert answer.text.count('id="dlg-d"') == 1, "what describes the dialog"
    assert all(name in shown for name in ("Endless", "Far", "Boss")) and "Near" not in shown and "Over" not in shown
    assert "Keys in this workspace live at most 90 days." in shown and "need an IP allowlist" in shown
    assert "Olga Ladyzhenskaya could not create keys any more." in shown
    assert "1 key with admin:workspace could not create keys any more." in shown
    assert "1 more key would be listed as unused." in shown
    back = browse(ada).post(ada.settings("policy"), all_hidden(answer) | {"back": "1"})
    assert value(back, "longest_life_days") == "90" and policy_of(ada) == Policy()
    assert browse(ada).post(ada.settings("policy"), all_hidden(answer) | {"anyway": "1"}).status_code == 303
    assert policy_of(ada) == Policy(90, admin_allowlist=True, unused_days=40, creators="owners")
    assert works(text), "no key stops for a rule"


def test_a_looser_policy_affects_nobody(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    rule(ada, longest_life_days=30, unused_days=10)
    make_key(ada, expires_at=now() + timedelta(days=20))
    assert save(browse(ada), ada).status_code == 303
    assert policy_of(ada) == Policy()


def test_what_did_not_fit_before_is_no_news(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    make_key(ada, name="Endless")
    rule(ada, expiry_required=True, staged_cleanup=True)
    ApiKey.update(created_at=now() - timedelta(days=40)).execute()
    same = {"expiry_required": "y", "staged_cleanup": "y"}
    assert save(browse(ada), ada, **same).status_code == 303, "the same again"
    asked = words(save(browse(ada), ada, **same, admin_allowlist="y"))
    assert "1 unused key would be flagged" in asked and "would not fit" not in asked


@pytest.mark.parametrize("who", ["olga", "bob"])
def test_only_owners_choose_and_the_others_read(
    who: str, ada: Person, request: pytest.FixtureRequest, browse: Browse
) -> None:
    person = request.getfixturevalue(who)
    rule(ada, longest_life_days=45)
    shown = browse(person).get(ada.settings("policy"))
    assert "45 days" in shown.text and "Owners can change this." in shown.text and "Save policy" not in shown.text
    answer = save(browse(person), ada)
    assert answer.status_code == 403 and "Ask one of them." in answer.text
    assert policy_of(ada) == Policy(45)


def test_strangers_see_and_choose_nothing(ada: Person, mallory: Person, browse: Browse) -> None:
    assert browse(mallory).get(ada.settings("policy")).status_code == 404
    assert save(browse(mallory), ada, unused_days="5").status_code == 404
    assert policy_of(ada) == Policy()


def test_it_asks_for_the_password(ada: Person, browse: Browse) -> None:
    let_password_age_after_sign_in(ada, browse)
    assert save(browse(ada), ada, unused_days="5").status_code == 403
    assert policy_of(ada) == Policy()
    assert save(browse(ada), ada, unused_days="5", password_again=ada.password).status_code == 303
    assert policy_of(ada) == Policy(unused_days=5)


def test_a_field_of_a_later_version_is_left_alone(ada: Person, browse: Browse) -> None:
    later = '{"unused_days": 7, "colour": "red"}'
    Workspace.update(policy_text=later).where(Workspace.id == ada.workspace.id).execute()
    assert policy_of(ada) == Policy(unused_days=7)
    assert browse(ada).get(ada.settings("policy")).status_code == 200


def test_of_two_owners_at_once_the_second_is_told_what_holds_and_takes_nothing_back(
    ada: Person, browse: Browse
) -> None:
    grace = joined(ada.workspace, "Grace Hopper", "owner")
    mine = all_hidden(browse(ada).get(ada.settings("policy")))["seen"]
    assert save(browse(grace), grace, longest_life_days="30").status_code == 303
    late = save(browse(ada), ada, unused_days="60", seen=mine)
    assert late.status_code == 409
    assert "Grace Hopper changed the policy while you had it open. Nothing of yours was saved." in words(late)
    assert (value(late, "longest_life_days"), value(late, "unused_days")) == ("30", "90")
    assert policy_of(ada) == Policy(30)
    now_seen = all_hidden(late)["seen"]
    assert save(browse(ada), ada, longest_life_days="30", unused_days="60", seen=now_seen).status_code == 303
    assert policy_of(ada) == Policy(30, unused_days=60)


def test_a_policy_that_changed_behind_the_question_is_not_replaced(
    ada: Person, browse: Browse, make_key: MakeKey
) -> None:
    make_key(ada)
    asked = save(browse(ada), ada, expiry_required="y")
    assert asked.status_code == 200 and "would not fit" in words(asked)
    rule(ada, rotation_days=30)
    assert browse(ada).post(ada.settings("policy"), all_hidden(asked) | {"anyway": "1"}).status_code == 409
    assert policy_of(ada) == Policy(rotation_days=30)


def test_a_life_may_be_as_long_as_the_rule_says_to_the_second(ada: Person, call: Call) -> None:
    _, text = make_admin_key(ada)
    rule(ada, longest_life_days=30)
    with time_machine.travel(now().replace(microsecond=0), tick=False):
        for seconds, status in ((0, 201), (1, 422)):
            end = now() + timedelta(days=30, seconds=seconds)
            given = {"name": f"{seconds}", "scopes": ["read:members"], "expires_at": end.isoformat()}
            assert call(text).post(ada.api("api-keys"), json=given).status_code == status
