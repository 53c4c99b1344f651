"""A person's own account: password, time zone and sessions."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from models import BrowserSession, Throttle, User
from tests.support import ledger
from tests.support.cast import Person
from tests.support.clients import Browser
from views.account import client_words

Browse = Callable[[Person], Browser]

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "


@pytest.fixture
def new_password() -> str:
    return ledger.fresh("password")


def change(browser: Browser, current: str, new: str) -> int:
    return browser.post("/account/password", {"current": current, "new": new}).status_code


def opens(browser: Browser) -> bool:
    return browser.get("/account").status_code == 200


def test_the_page_shows_the_person_their_workspaces_and_the_menu(ada: Person, browse: Browse) -> None:
    shown = browse(ada).get("/account").text
    assert "ada@example.com" in shown
    assert ada.settings("general") in shown
    assert ada.settings("members") in shown, "the menu of the workspace stays"


def test_who_is_not_signed_in_has_no_account(app: Flask) -> None:
    assert app.test_client().get("/account").location == "/login?next=/account"


def test_a_new_password_replaces_the_old_one(ada: Person, app: Flask, browse: Browse, new_password: str) -> None:
    assert change(browse(ada), ada.password, new_password) == 303
    assert "Your password is changed." in browse(ada).get("/account").text
    assert ada.user
    assert User.with_password(ada.user.email, new_password)
    assert not User.with_password(ada.user.email, ada.password)


def test_a_new_password_ends_every_other_session(ada: Person, app: Flask, browse: Browse, new_password: str) -> None:
    elsewhere = Browser(app).sign_in(ada)
    change(browse(ada), ada.password, new_password)
    assert opens(browse(ada))
    assert not opens(elsewhere)


def test_a_new_password_gives_this_session_a_new_token(
    ada: Person, app: Flask, browse: Browse, new_password: str
) -> None:
    kept = browse(ada).client.get_cookie("gravity")
    change(browse(ada), ada.password, new_password)
    assert kept
    thief = Browser(app)
    thief.client.set_cookie("gravity", kept.value)
    assert not opens(thief)


def test_changing_the_password_takes_the_current_one(ada: Person, browse: Browse, new_password: str) -> None:
    answer = browse(ada).post("/account/password", {"current": "not it", "new": new_password})
    assert answer.status_code == 422
    assert "That is not your password." in answer.text
    assert new_password not in answer.text
    assert ada.user
    assert User.with_password(ada.user.email, ada.password)


@pytest.mark.parametrize(
    ("new", "advice"),
    [
        ("short", "Use at least 12 characters."),
        ("x" * 257, "Use at most 256 characters."),
        ("qwertyuiop123", "Choose another one."),
        ("", "Enter a new password."),
    ],
)
def test_a_weak_password_is_refused_with_advice(ada: Person, browse: Browse, new: str, advice: str) -> None:
    answer = browse(ada).post("/account/password", {"current": ada.password, "new": new})
    assert answer.status_code == 422
    assert advice in answer.text
    assert answer.text.count("autofocus") == 1


def test_a_form_without_fields_is_refused(ada: Person, browse: Browse) -> None:
    assert browse(ada).post("/account/password").status_code == 422


def test_guessing_the_current_password_is_slowed_down(ada: Person, browse: Browse, new_password: str) -> None:
    browser = browse(ada)
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        assert [change(browser, "not it", new_password) for _ in range(6)] == [422] * 5 + [429]
        waiting = browser.post("/account/password", {"current": ada.password, "new": new_password})
        assert waiting.headers["Retry-After"] == "1"
        assert "Try again in 1 second." in waiting.text
        clock.shift(2)
        assert change(browser, ada.password, new_password) == 303


def test_a_weak_new_password_does_not_count_as_a_guess(ada: Person, browse: Browse) -> None:
    assert [change(browse(ada), ada.password, "short") for _ in range(7)] == [422] * 7
    assert not Throttle.select().exists()


def test_the_time_zone_is_chosen_from_the_list(ada: Person, browse: Browse) -> None:
    browser = browse(ada)
    assert browser.post("/account/time-zone", {"time_zone": "Europe/Berlin"}).status_code == 303
    shown = browser.get("/account").text
    assert '<option selected value="Europe/Berlin">Berlin</option>' in shown
    assert "CET there." in shown or "CEST there." in shown


@pytest.mark.parametrize("name", ["No/Where", "", "../../etc/passwd", "a\0b", "x" * 10_000])
def test_an_unknown_time_zone_is_refused(ada: Person, browse: Browse, name: str) -> None:
    answer = browse(ada).post("/account/time-zone", {"time_zone": name})
    assert answer.status_code == 422
    assert "Choose a time zone from the list." in answer.text


def test_a_time_zone_with_an_old_name_stays_in_the_list(ada: Person, browse: Browse) -> None:
    assert ada.user
    ada.user.choose_zone("US/Pacific")
    assert '<option selected value="US/Pacific">' in browse(ada).get("/account").text


def test_the_sessions_are_listed_with_this_one_marked(ada: Person, app: Flask, browse: Browse) -> None:
    shown = browse(ada).get("/account").text
    assert shown.count("This one") == 1
    assert "End all others" not in shown
    Browser(app).sign_in(ada)
    shown = browse(ada).get("/account").text
    assert shown.count("This one") == 1
    assert "End all others" in shown


def test_a_session_that_ran_out_is_not_listed(ada: Person, app: Flask) -> None:
    Browser(app).sign_in(ada)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=8)):
        assert "End all others" not in Browser(app).sign_in(ada).get("/account").text


def test_one_session_can_be_ended(ada: Person, app: Flask, browse: Browse) -> None:
    elsewhere = Browser(app).sign_in(ada)
    other = next(iter(BrowserSession.of(ada.user)))
    assert browse(ada).post(f"/account/sessions/{other.id}/end").status_code == 303
    assert not opens(elsewhere)
    assert opens(browse(ada))


def test_all_other_sessions_can_be_ended(ada: Person, app: Flask, browse: Browse) -> None:
    others = [Browser(app).sign_in(ada) for _ in range(2)]
    assert browse(ada).post("/account/sessions/end-others").status_code == 303
    assert "2 other sessions have ended." in browse(ada).get("/account").text
    assert not any(opens(each) for each in others)


def test_nobody_ends_the_session_of_someone_else(ada: Person, mallory: Person, browse: Browse) -> None:
    browse(ada)
    hers = next(iter(BrowserSession.of(ada.user)))
    for session_id in (hers.id, "ses_0000000000000000", "%00", "x" * 10_000):
        assert browse(mallory).post(f"/account/sessions/{session_id}/end").status_code == 404
    browse(mallory).post("/account/sessions/end-others")
    assert opens(browse(ada))


@pytest.mark.parametrize(
    ("client", "words"),
    [
        (WINDOWS + "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile", "Chrome on Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Safari/605.1.15", "Safari on macOS"),
        ("curl/8.9.1", "Unknown browser"),
        ("<script>alert(1)</script>", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_a_client_is_named_in_few_words(client: str, words: str) -> None:
    assert client_words(client) == words
