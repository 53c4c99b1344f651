"""A key that was found in public: what its page says, what can be done there, and what the workspace chose."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from models import ApiKey, AuditEvent, Leak, Workspace, leak, leak_report
from models.actor import Actor
from models.database import now
from models.leak import Place
from models.tenancy import choose_leak_policy
from tests.support.cast import Person
from tests.support.clients import Browser
from tests.support.key_pages import let_password_age_after_sign_in, names, value, words
from tests.support.keys import actions, reread, works

Browse = Callable[[Person], Browser]
MakeKey = Callable[..., tuple[ApiKey, str]]

GITHUB = Actor("system", "GitHub secret scanning")
URL = "https://github.com/octo/site/blob/1f/app.py"


def report(text: str, url: str = URL, reporter: str = leak.GITHUB, **more: str) -> str:
    [found] = leak.known([text]).values()
    return leak_report.report(found, Place(reporter, url, **more), by=GITHUB)


def page(person: Person, key: ApiKey) -> str:
    return person.settings(f"api-keys/{key.id}")


def tell_only(person: Person) -> None:
    choose_leak_policy(person.workspace, "tell", by=person.actor)


def test_the_page_says_where_and_what_was_done(ada: Person, make_key: MakeKey, browse: Browse) -> None:
    key, text = make_key(ada)
    with time_machine.travel("2026-11-24T15:30:00Z", tick=False):
        assert report(text, source="pull_request_comment") == "revoked"
        shown = browse(ada).get(page(ada, key))
    assert "Found in public, Nov 24, 2026, 15:30 UTC." in words(shown)
    assert "reported by GitHub secret scanning. The key was revoked at once, so requests" in words(shown)
    assert f'href="{URL}" rel="noopener noreferrer">github.com/octo/site/blob/1f/app.py</a> (pull request comment)' in (
        shown.text
    )
    assert "GitHub secret scanning reported that the key was found in public" in words(shown)
    assert f"At {URL}" in words(shown)
    assert "Revoke now" not in shown.text


def test_a_workspace_that_wants_to_be_told_only_is_told(ada: Person, make_key: MakeKey, browse: Browse) -> None:
    key, text = make_key(ada, name="Nightly report")
    tell_only(ada)
    assert report(text) == "told"
    assert works(text)
    shown = browse(ada).get(page(ada, key))
    listed = words(browse(ada).get(ada.settings()))
    assert "Nightly report was found in public and still works." in listed
    assert "It still works, since your workspace wants to be told only." in words(shown)
    dialog = browse(ada).get(f"{page(ada, key)}/revoke?reason=leaked&confirm=Nightly+report")
    assert '<option selected value="leaked">' in dialog.text
    assert value(dialog, "confirm") == "", "a link cannot type the name"
    form = {"reason": "leaked", "confirm": "Nightly report", "note": ""}
    assert browse(ada).post(f"{page(ada, key)}/revoke", form).status_code == 303
    assert "The key does not work any more." in words(browse(ada).get(page(ada, key)))
    assert "found in public and still works" not in words(browse(ada).get(ada.settings()))


def test_what_is_public_comes_first_in_the_list_until_it_is_rotated(
    ada: Person, mallory: Person, make_key: MakeKey, browse: Browse
) -> None:
    soon, _ = make_key(ada, name="Soon over", expires_at=now() + timedelta(days=1))
    ApiKey.update(last_used_at=now()).where(ApiKey.id == soon.id).execute()
    tell_only(ada)
    keys = [make_key(ada, name=name)[0] for name in ("One", "Two")]
    for key in keys:
        report(key.rotate(by=ada.actor).reveal())
    listed = browse(ada).get(ada.settings())
    assert "and 1 more key were found in public and still work." in words(listed)
    assert names(listed) == ["Two", "One", "Soon over"] and words(listed).count(" Public ") == 2
    assert "found in public and" not in words(browse(mallory).get(mallory.settings()))
    for key in keys:
        reread(key).rotate(by=ada.actor)
    shown = words(browse(ada).get(ada.settings()))
    assert "found in public and" not in shown and " Public " not in shown and "Soon over expires" in shown


def test_whoever_changes_the_policy_is_heard_at_the_next_report(ada: Person, make_key: MakeKey) -> None:
    key, text = make_key(ada)
    tell_only(ada)
    assert [report(text), report(text)] == ["told", "told"]
    assert actions(key) == ["api_key.created", "api_key.leaked"]
    choose_leak_policy(Workspace.get_by_id(ada.workspace.id), "revoke", by=ada.actor)
    assert [report(text), report(text)] == ["revoked", "dead"]
    assert [row.outcome for row in Leak.of(reread(key))] == ["revoked"]
    assert actions(key)[2:] == ["api_key.leaked", "api_key.revoked"]


def test_an_old_secret_is_told_of_and_people_decide(ada: Person, make_key: MakeKey, browse: Browse) -> None:
    key, old = make_key(ada)
    fresh = key.rotate(by=ada.actor).reveal()
    assert report(old) == "dead"
    shown = words(browse(ada).get(page(ada, key)))
    assert "An old secret was found in public" in shown
    assert f"It is gr_{old[3:7]}…{old[-2:]}, reported by" in shown
    assert "This secret does not work any more, the one in use does." in shown
    assert "Revoke now" in shown
    assert works(fresh)
    with time_machine.travel(now() + timedelta(days=6), tick=False):
        assert "An old secret was found" in words(browse(ada).get(page(ada, key)))
    Leak.update(at=now() - timedelta(days=31)).execute()
    assert "An old secret was found" not in words(browse(ada).get(page(ada, key)))


def test_several_places_are_listed(ada: Person, make_key: MakeKey, browse: Browse) -> None:
    key, text = make_key(ada)
    for number in range(3):
        report(text, f"https://github.com/octo/{number}")
    shown = browse(ada).get(page(ada, key)).text
    assert shown.count("Found in public") == 1
    assert shown.count('rel="noopener noreferrer">github.com/octo/') == 3


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "http://a.example/", "//evil.example", "<img>"]
)
def test_only_an_https_address_that_github_named_is_a_link(
    ada: Person, make_key: MakeKey, browse: Browse, url: str
) -> None:
    key, text = make_key(ada)
    report(text, url)
    report(text, "https://evil.example/", leak.HOLDER)
    shown = browse(ada).get(page(ada, key)).text
    assert f'href="{url}' not in shown and "<img" not in shown
    assert 'href="https://evil.example' not in shown
    assert "evil.example/" in shown


def test_a_report_without_a_place_says_who_told(ada: Person, make_key: MakeKey, browse: Browse) -> None:
    key, text = make_key(ada)
    report(text, "", leak.HOLDER)
    shown = words(browse(ada).get(page(ada, key)))
    assert "reported by someone who had the key." in shown
    assert "Take it out there" not in shown


def test_other_keys_and_other_workspaces_see_nothing(
    ada: Person, mallory: Person, make_key: MakeKey, browse: Browse
) -> None:
    _, text = make_key(ada)
    other, _ = make_key(ada)
    theirs, _ = make_key(mallory)
    report(text)
    assert "Found in public" not in browse(ada).get(page(ada, other)).text
    assert "Found in public" not in browse(mallory).get(page(mallory, theirs)).text
    assert browse(mallory).get(mallory.settings(f"api-keys/{Leak.get().key_id}")).status_code == 404


# The choice on the Policy page


def choose(browser: Browser, person: Person, policy: Any) -> int:
    return browser.post(person.settings("policy/leaks"), {"leak_policy": policy}).status_code


def policy_of(person: Person) -> str:
    return str(Workspace.get_by_id(person.workspace.id).leak_policy)


def test_keys_are_revoked_unless_an_owner_chose_otherwise(ada: Person, browse: Browse) -> None:
    assert policy_of(ada) == "revoke"
    assert 'value="revoke" checked' in browse(ada).get(ada.settings("policy")).text
    assert choose(browse(ada), ada, "tell") == 303
    shown = browse(ada).get(ada.settings("policy")).text
    assert 'value="tell" checked' in shown and "The choice is saved." in shown
    assert choose(browse(ada), ada, "tell") == 303
    changes = [event.facts for event in AuditEvent.select().where(AuditEvent.action == "workspace.leak_policy_changed")]
    assert changes == [{"leak_policy": ["revoke", "tell"]}]


@pytest.mark.parametrize("who", ["olga", "bob"])
def test_only_owners_choose(who: str, ada: Person, request: pytest.FixtureRequest, browse: Browse) -> None:
    person = request.getfixturevalue(who)
    shown = browse(person).get(ada.settings("policy")).text
    assert "Save choice" not in shown and "Revoke it at once." in shown and "Owners can change this." in shown
    assert choose(browse(person), ada, "tell") == 403
    assert policy_of(ada) == "revoke"


@pytest.mark.parametrize("policy", ["", "none", "REVOKE", "revoke tell"])
def test_what_is_no_choice_is_refused(ada: Person, browse: Browse, policy: str) -> None:
    answer = browse(ada).post(ada.settings("policy/leaks"), {"leak_policy": policy})
    assert answer.status_code == 422
    assert "Choose what happens to a key that was found in public." in answer.text
    assert value(answer, "unused_days") == "90"
    assert policy_of(ada) == "revoke"


def test_the_choice_asks_for_the_password(ada: Person, browse: Browse) -> None:
    let_password_age_after_sign_in(ada, browse)
    answer = browse(ada).post(ada.settings("policy/leaks"), {"leak_policy": "tell"})
    assert (answer.status_code, policy_of(ada)) == (403, "revoke")
    form = {"leak_policy": "tell", "password_again": ada.password}
    assert browse(ada).post(ada.settings("policy/leaks"), form).status_code == 303
    assert policy_of(ada) == "tell"


def test_strangers_choose_nothing(ada: Person, mallory: Person, browse: Browse) -> None:
    assert choose(browse(mallory), ada, "tell") == 404
    assert policy_of(ada) == "revoke"
