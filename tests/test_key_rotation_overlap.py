"""An overlap on the pages of a key: what one sees of it, and how it is ended, lengthened and undone."""

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
    let_password_age_after_sign_in,
    shown_secret,
    words,
)
from tests.support.rotation import ACTS, act, hint, page_of, rotate
from tests.support.usage import used

Browse = Callable[[Person], Browser]
MakeKey = Callable[..., tuple[ApiKey, str]]
Call = Callable[..., ApiClient]


def test_the_list_and_the_page_show_what_is_going_on(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, old = make_key(ada, name="CI")
    make_key(ada, name="Quiet")
    start = now()
    with time_machine.travel(start, tick=False) as clock:
        browser = Browser(browse(ada).client.application).sign_in(ada)
        rotate(browser, key, ada)
        clock.shift(timedelta(hours=9, minutes=30))
        listed = words(browser.get(ada.settings()))
        assert listed.count("Rotating") == 1 and "Old key: 14 hr left" in listed
        shown = words(browser.get(page_of(key, ada))).replace(" ,", ",")
        assert f"Rotating. The old key, {hint(old)}, works until" in shown and "(14 hr left)" in shown
        assert all(each in shown for each in ("Finish now", "More time", "Undo"))
        clock.shift(timedelta(hours=14, minutes=30))
        over = Browser(browser.client.application).sign_in(ada)
        for path in (ada.settings(), page_of(key, ada)):
            assert "Rotating" not in words(over.get(path)) and "Old key" not in words(over.get(path))


def test_the_page_tells_who_still_uses_the_old_key(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, old = make_key(ada, name="CI")
    browse(ada)
    with time_machine.travel("2027-03-01T12:10:00Z", tick=False) as clock:
        used(old, times=1200, address="192.0.2.9")
        clock.shift(timedelta(minutes=10))
        new = key.rotate(by=ada.actor, overlap="7d").reveal()
        clock.shift(timedelta(minutes=10))
        browser = Browser(browse(ada).client.application).sign_in(ada)

        def told(verb: str = "") -> str:
            return words(browser.get(page_of(key, ada, verb))).replace(" ,", ",")

        used(new, times=7, address="192.0.2.10")
        assert "The old key has not been used since the rotation." in told()
        clock.shift(timedelta(minutes=45))
        used(old, times=14, address="10.0.3.4", client="python-requests/2.32")
        said = "1,214 calls since 12:00 UTC from 10.0.3.4, python-requests/2.32 (just now)."
        assert said in told() and said in told("finish-rotation") and said in told("undo-rotation")
        clock.shift(timedelta(minutes=50))
        used(old, times=1, address="10.0.3.5", client="")
        assert "15 calls since 13:00 UTC from 10.0.3.5, an unnamed client (just now); 10.0.3.4," in told()
        clock.shift(timedelta(hours=2))
        browser.sign_in(ada)
        assert "The old key had no calls in the last hour. Before, it was used from 10.0.3.5," in told()
        used(old, times=14, address="10.0.3.4", client="python-requests/2.32")
        assert "The old key had 14 calls in the last hour from 10.0.3.4, python-requests/2.32 (just now)" in told()
        # Neither from before the rotation, nor with the new key.
        assert "192.0.2." not in told("finish-rotation")


def test_a_disabled_key_shows_that_first(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    key.rotate(by=ada.actor, overlap="24h")
    key.disable(by=ada.actor)
    listed = words(browse(ada).get(ada.settings()))
    assert "Disabled" in listed and "Old key: 23 hr left" in listed and "Rotating" not in listed


def test_finishing_now_stops_the_old_key(ada: Person, browse: Browse, call: Call, make_key: MakeKey) -> None:
    key, old = make_key(ada, name="CI")
    new = shown_secret(rotate(browse(ada), key, ada))
    asked = browse(ada).get(page_of(key, ada, "finish-rotation"))
    assert f"The next request with {hint(old)} will fail with 401." in words(asked)
    answer = act(browse(ada), key, ada, "finish-rotation")
    assert answer.status_code == 303
    assert "The old key of CI has stopped working." in words(browse(ada).get(answer.headers["Location"]))
    assert code(call(old).get(ada.api("members"))) == "revoked_key"
    assert call(new).get(ada.api("members")).status_code == 200


def test_more_time_moves_the_end(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada, name="CI")
    rotate(browse(ada), key, ada, "1h")
    asked = browse(ada).get(page_of(key, ada, "extend-rotation"))
    # An hour from now is no later, or hardly: what is offered is later than what there is.
    assert {"24h", "7d"} <= {each for each in ("1h", "24h", "7d") if f'value="{each}"' in asked.text}
    answer = act(browse(ada), key, ada, "extend-rotation", overlap="7d")
    assert answer.status_code == 303
    old = KeySecret.retiring_of(key.id, now())
    assert old and old.ends_at - now() > timedelta(days=6)
    assert "The old key of CI works until" in words(browse(ada).get(answer.headers["Location"]))
    again = act(browse(ada), key, ada, "extend-rotation", overlap="1h")
    assert again.status_code == 422 and "Choose a later end" in words(again)


def test_more_time_is_not_offered_where_there_is_none(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada, expires_at=now() + timedelta(hours=5))
    rotate(browse(ada), key, ada, "7d")
    asked = browse(ada).get(page_of(key, ada, "extend-rotation"))
    assert "It works until the key expires." in words(asked) and 'type="radio"' not in asked.text


def test_undoing_says_what_it_kills_and_does_it(ada: Person, browse: Browse, call: Call, make_key: MakeKey) -> None:
    key, old = make_key(ada, name="CI")
    new = shown_secret(rotate(browse(ada), key, ada))
    asked = words(browse(ada).get(page_of(key, ada, "undo-rotation")))
    assert "The new key stops working at once, and cannot be brought back." in asked and hint(new) in asked
    answer = act(browse(ada), key, ada, "undo-rotation")
    assert answer.status_code == 303
    assert "The rotation of CI is undone." in words(browse(ada).get(answer.headers["Location"]))
    assert code(call(new).get(ada.api("members"))) == "revoked_key"
    assert call(old).get(ada.api("members")).status_code == 200
    assert hint(old) in words(browse(ada).get(ada.settings())).replace("gr_ ", "gr_")


def test_the_history_tells_each_step(ada: Person, olga: Person, browse: Browse, make_key: MakeKey) -> None:
    key, old = make_key(ada, name="CI")
    with time_machine.travel("2027-03-01T12:00:00Z", tick=False):
        first = key.rotate(by=ada.actor, overlap="1h").reveal()
        key.extend_rotation(by=olga.actor, overlap="24h")
        key.undo_rotation(by=olga.actor)
        key.rotate(by=ada.actor, overlap="24h")
        last = key.rotate(by=ada.actor).reveal()
        key.rotate(by=ada.actor, overlap="7d")
        key.finish_rotation(by=ada.actor)
        told = words(Browser(browse(ada).client.application).sign_in(ada).get(page_of(key, ada)))
    for said in (
        f"The old key, {hint(old)}, works until Mar 1, 2027, 13:00 UTC at most",
        f"The old key, {hint(old)}: Mar 1, 2027, 13:00 UTC → Mar 2, 2027, 12:00 UTC",
        "Olga Ladyzhenskaya gave the old key more time",
        "Olga Ladyzhenskaya undid the rotation",
        f"The new key, {hint(first)}, stopped working at once, and {hint(old)} works on",
        f"So did the one before it, {hint(old)}",
        "Ada Byron stopped the old key",
        f"The old key, {hint(last)}, stopped working at once",
    ):
        assert said in told, said


@pytest.mark.parametrize("verb", ACTS)
def test_what_ends_or_lengthens_an_overlap_asks_the_password(
    ada: Person, browse: Browse, make_key: MakeKey, verb: str
) -> None:
    key, _ = make_key(ada)
    key.rotate(by=ada.actor, overlap="1h")
    let_password_age_after_sign_in(ada, browse)
    before = AuditEvent.select().count()
    asked = act(browse(ada), key, ada, verb, overlap="7d")
    assert asked.status_code == 403 and AuditEvent.select().count() == before
    form = {**all_hidden(asked), "password_again": ada.password}
    assert browse(ada).post(page_of(key, ada, verb), form).status_code == 303
    assert AuditEvent.select().count() == before + 1


@pytest.mark.parametrize("verb", ACTS)
def test_there_is_nothing_to_do_after_the_overlap(ada: Person, browse: Browse, make_key: MakeKey, verb: str) -> None:
    key, _ = make_key(ada)
    key.rotate(by=ada.actor, overlap="24h")
    form = {**all_hidden(browse(ada).get(page_of(key, ada, verb))), "overlap": "7d"}
    key.finish_rotation(by=ada.actor)
    assert browse(ada).get(page_of(key, ada, verb)).status_code == 409
    late = browse(ada).post(page_of(key, ada, verb), form)
    assert late.status_code == 409 and "has stopped working in the meantime" in words(late)
