"""Rotating a key on its page: the dialog, the secrets, and whoever does it twice."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from models import ApiKey, AuditEvent, KeySecret
from models.database import now
from tests.support.cast import Person
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import (
    all_hidden,
    code,
    fresh,
    let_password_age_after_sign_in,
    live_in,
    shown_secret,
    ticked,
    words,
)
from tests.support.rotation import ACTS, act, hint, page_of, rotate
from tests.support.usage import used

Browse = Callable[[Person], Browser]
MakeKey = Callable[..., tuple[ApiKey, str]]
Call = Callable[..., ApiClient]


def test_a_rotated_key_has_a_new_secret_and_the_old_one_works_on(
    ada: Person, browse: Browse, call: Call, make_key: MakeKey
) -> None:
    key, old = make_key(ada, name="CI")
    answer = rotate(browse(ada), key, ada)
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    new = shown_secret(answer)
    assert f"Old key {hint(old)} works until" in words(answer)
    for secret in (old, new):
        assert call(secret).get(ada.api("members")).status_code == 200
    assert fresh(key).hint_start == new[3:7]


def test_a_key_that_leaked_is_stopped_at_once(ada: Person, browse: Browse, call: Call, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    answer = rotate(browse(ada), key, ada, "none")
    assert call(shown_secret(answer)).get(ada.api("members")).status_code == 200
    assert code(call(old).get(ada.api("members"))) == "revoked_key"
    assert "Old key" not in words(answer)
    assert "Rotating" not in words(browse(ada).get(page_of(key, ada)))


def test_each_overlap_says_when_it_ends(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    live_in(ada, "Europe/Berlin")
    browse(ada)
    with time_machine.travel("2026-11-24T12:00:00Z", tick=False):
        key, _ = make_key(ada)
        asked = Browser(browse(ada).client.application).sign_in(ada).get(page_of(key, ada, "rotate"))
    assert ticked(asked, "overlap") == {"24h"}
    told = words(asked)
    assert "Keep the old key working for Stop it now Use this if the key may have leaked." in told
    assert "1 hour Until Tuesday, November 24, 14:00 CET." in told
    assert "24 hours Until Wednesday, November 25, 13:00 CET." in told
    assert "7 days Until Tuesday, December 1, 13:00 CET." in told


def test_no_overlap_is_offered_beyond_the_end_of_the_key(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada, expires_at=now() + timedelta(hours=5))
    asked = browse(ada).get(page_of(key, ada, "rotate"))
    assert ticked(asked, "overlap") == {"24h"}
    assert words(asked).count("when the key expires") == 1 and "7 days" not in words(asked)
    rotate(browse(ada), key, ada, "7d")
    old = KeySecret.retiring_of(key.id, now())
    assert old and old.ends_at == key.expires_at


def test_a_choice_is_needed(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    for wrong in ("", "2h"):
        answer = rotate(browse(ada), key, ada, wrong)
        assert answer.status_code == 422
        assert "Choose none, 1h, 24h or 7d." in words(answer)
    assert KeySecret.select().count() == 1


def test_the_same_rotation_sent_twice_is_one(ada: Person, browse: Browse, call: Call, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    browser, path = browse(ada), page_of(key, ada, "rotate")
    form = {**all_hidden(browser.get(path)), "overlap": "24h"}
    first, second = browser.post(path, form), browser.post(path, form)
    assert (first.status_code, second.status_code) == (201, 409)
    assert "This key was already rotated. If you did not copy it, rotate it again." in words(second)
    assert KeySecret.select().where(KeySecret.key == key).count() == 2
    assert call(shown_secret(first)).get(ada.api("members")).status_code == 200


def test_of_two_people_who_rotate_the_second_is_told(
    ada: Person, olga: Person, browse: Browse, make_key: MakeKey
) -> None:
    key, _ = make_key(ada)
    path = page_of(key, ada, "rotate")
    hers = {**all_hidden(browse(olga).get(path)), "overlap": "none"}
    assert rotate(browse(ada), key, ada, "none").status_code == 201
    late = browse(olga).post(path, hers)
    assert late.status_code == 409
    assert "This key was rotated in the meantime." in words(late)
    assert KeySecret.select().where(KeySecret.key == key).count() == 2
    # What came back shows the key as it is now: sent again, it is meant.
    assert browse(olga).post(path, {**all_hidden(late), "overlap": "none"}).status_code == 201


def test_a_second_rotation_during_an_overlap_stops_both_and_says_so(
    ada: Person, browse: Browse, call: Call, make_key: MakeKey
) -> None:
    key, old = make_key(ada)
    new = shown_secret(rotate(browse(ada), key, ada))
    asked = browse(ada).get(page_of(key, ada, "rotate"))
    assert "Rotating now stops both keys that work." in words(asked) and 'type="radio"' not in asked.text
    last = shown_secret(browse(ada).post(page_of(key, ada, "rotate"), all_hidden(asked)))
    assert [call(each).get(ada.api("members")).status_code for each in (old, new, last)] == [401, 401, 200]


def test_rotating_says_who_uses_the_key(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, secret = make_key(ada)
    path = page_of(key, ada, "rotate")
    assert "It has never been used." in words(browse(ada).get(path))
    used(secret)
    assert "It was last used just now from 192.0.2.7. Update that client before the old key stops." in words(
        browse(ada).get(path)
    )


def test_rotating_asks_the_password_after_a_while(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    let_password_age_after_sign_in(ada, browse)
    asked = rotate(browse(ada), key, ada, "7d")
    assert asked.status_code == 403
    assert KeySecret.select().where(KeySecret.key == key).count() == 1
    form = {**all_hidden(asked), "password_again": ada.password}
    assert browse(ada).post(page_of(key, ada, "rotate"), form).status_code == 201
    old = KeySecret.retiring_of(key.id, now())
    assert old and old.ends_at - now() > timedelta(days=6)


@pytest.mark.parametrize("verb", ("rotate", *ACTS))
def test_members_cannot_rotate(ada: Person, bob: Person, browse: Browse, make_key: MakeKey, verb: str) -> None:
    key, _ = make_key(ada)
    key.rotate(by=ada.actor, overlap="24h")
    assert browse(bob).get(page_of(key, ada, verb)).status_code == 403
    assert browse(bob).post(page_of(key, ada, verb), {"overlap": "none"}).status_code == 403


@pytest.mark.parametrize("verb", ("rotate", *ACTS))
def test_htmx_gets_a_dialog(ada: Person, browse: Browse, make_key: MakeKey, verb: str) -> None:
    key, _ = make_key(ada)
    if verb != "rotate":
        key.rotate(by=ada.actor, overlap="1h")
    answer = browse(ada).htmx_get(page_of(key, ada, verb))
    assert answer.headers["HX-Retarget"] == "#dlg" and "<html" not in answer.text


def test_the_secret_of_a_disabled_key_says_when_it_works(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    key.disable(by=ada.actor)
    assert "The key is disabled: it works once you enable it." in words(rotate(browse(ada), key, ada))


def test_an_event_never_holds_a_secret(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    secret = shown_secret(rotate(browse(ada), key, ada))
    act(browse(ada), key, ada, "undo-rotation")
    for event in AuditEvent.about(ada.workspace.id, key.id):
        assert secret not in json.dumps(event.__data__, default=str)
