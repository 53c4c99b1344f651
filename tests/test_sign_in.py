"""Signing in and out: who gets in, and where they land."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from models import BrowserSession, User
from models.database import now
from tests.support.cast import Person
from tests.support.clients import TOKEN, Browser
from tests.support.sign_in import email_of, try_password


@pytest.fixture
def stranger(app: Flask) -> Browser:
    """A browser that nobody has signed in with."""
    return Browser(app)


def test_owners_start_at_the_keys_and_members_at_the_people(ada: Person, bob: Person, app: Flask) -> None:
    for person, page in ((ada, "api-keys"), (bob, "members")):
        browser = Browser(app).sign_in(person)
        assert browser.get("/").location == person.settings(page)


def test_who_is_not_signed_in_starts_at_the_sign_in(client: FlaskClient) -> None:
    assert client.get("/").location == "/login"


def test_who_is_in_no_workspace_starts_at_their_account(ada: Person, mallory: Person, app: Flask) -> None:
    ada.member.delete_instance()
    browser = Browser(app).sign_in(ada)
    assert browser.get("/").location == "/account"
    assert "You are in no workspace." in browser.get("/account").text


def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(ada: Person, stranger: Browser) -> None:
    wrong = try_password(stranger, email_of(ada), "not the password")
    unknown = try_password(stranger, "nobody@example.com", "not the password")
    assert wrong.status_code == unknown.status_code == 422
    plain = [
        TOKEN.sub("", each.text.replace(email, "E-MAIL"))
        for each, email in ((wrong, email_of(ada)), (unknown, "nobody@example.com"))
    ]
    assert plain[0] == plain[1]
    assert "This e-mail address and password do not go together." in wrong.text


def test_a_failed_sign_in_keeps_the_address_and_forgets_the_password(ada: Person, stranger: Browser) -> None:
    shown = try_password(stranger, email_of(ada), "hunter2 hunter2").text
    assert f'value="{email_of(ada)}"' in shown
    assert "hunter2" not in shown


def test_an_address_is_known_in_any_case_and_with_blanks_around(ada: Person, stranger: Browser) -> None:
    assert try_password(stranger, f" {email_of(ada).upper()} ", ada.password).status_code == 303


@pytest.mark.parametrize(("email", "password"), [("", ""), ("ada@example.com", ""), ("not an address", "x" * 20)])
def test_an_incomplete_form_comes_back_with_what_to_do(stranger: Browser, email: str, password: str) -> None:
    answer = try_password(stranger, email, password)
    assert answer.status_code == 422
    assert "<title>Error: Sign in" in answer.text
    assert answer.text.count("autofocus") == 1


def test_a_session_from_before_the_sign_in_is_not_signed_in(ada: Person, app: Flask) -> None:
    victim = Browser(app)
    victim.get("/login")
    planted = cookie(victim)
    victim.sign_in(ada)
    assert cookie(victim) != planted
    assert with_cookie(app, planted).get("/account").location == "/login?next=/account"


def test_two_sign_ins_are_two_sessions(ada: Person, app: Flask) -> None:
    first, second = Browser(app).sign_in(ada), Browser(app).sign_in(ada)
    assert cookie(first) != cookie(second)
    first.sign_out()
    assert second.get("/account").status_code == 200


def test_a_session_that_ended_cannot_be_replayed(ada: Person, app: Flask) -> None:
    browser = Browser(app).sign_in(ada)
    kept = cookie(browser)
    assert with_cookie(app, kept).get("/account").status_code == 200
    assert browser.sign_out().location == "/login"
    assert with_cookie(app, kept).get("/account").location == "/login?next=/account"
    assert BrowserSession.of(ada.user) == []


def test_signing_out_is_a_post(ada: Person, app: Flask) -> None:
    browser = Browser(app).sign_in(ada)
    assert browser.get("/logout").status_code == 405
    assert browser.get("/account").status_code == 200


def test_signing_out_twice_leads_to_the_sign_in(ada: Person, app: Flask) -> None:
    browser = Browser(app).sign_in(ada)
    other_tab = browser.token()
    browser.sign_out()
    assert browser.client.post("/logout", data={"csrf_token": other_tab}).location == "/login"


@pytest.mark.parametrize("idle", [timedelta(days=7, minutes=1), timedelta(days=31)])
def test_a_session_ends_when_it_is_idle_or_old(ada: Person, app: Flask, idle: timedelta) -> None:
    browser = Browser(app).sign_in(ada)
    with time_machine.travel(now() + idle):
        assert browser.get("/account").status_code == 302


@pytest.mark.parametrize(
    "target", ["/account", "/w/ws_1/settings/members?q=a&page=2", "/help#errors", "/%2f%2fevil.example"]
)
def test_signing_in_leads_back_to_a_path_of_ours(ada: Person, stranger: Browser, target: str) -> None:
    assert try_password(stranger, email_of(ada), ada.password, next=target).location == target


EVIL = (
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https://evil.example",
    "javascript:alert(1)",
    "/\t/evil.example",
    "/\r\nSet-Cookie: a=b",
    " //evil.example",
    "evil.example",
    "http://[",
    "/\0",
    "",
)


def test_signing_in_never_leads_away(ada: Person, app: Flask) -> None:
    for target in EVIL[:3]:
        assert try_password(Browser(app), email_of(ada), ada.password, next=target).location == "/"


def test_who_is_signed_in_is_not_led_away_either(ada: Person, browse: Callable[[Person], Browser]) -> None:
    for target in EVIL:
        assert browse(ada).get("/login", query_string={"next": target}).location == "/", target
    for encoded in ("%2f%2fevil.example", "/%0d%0aSet-Cookie:a=b", "/%5cevil.example", "%ed%a0%80"):
        answer = browse(ada).get(f"/login?next={encoded}")
        assert answer.location == "/", encoded
        assert "Set-Cookie:a" not in str(answer.headers)


def test_who_is_signed_in_needs_no_sign_in(ada: Person, browse: Callable[[Person], Browser]) -> None:
    assert browse(ada).get("/login").location == "/"
    assert browse(ada).get("/login?next=/help").location == "/help"


def test_the_sign_in_learns_the_time_zone_once(ada: Person, app: Flask) -> None:
    for guess, zone in (("No/Where", "UTC"), ("Europe/Berlin", "Europe/Berlin"), ("Asia/Tokyo", "Europe/Berlin")):
        browser = Browser(app)
        assert try_password(browser, email_of(ada), ada.password, time_zone_guess=guess).status_code == 303
        assert User.by_email(email_of(ada)).time_zone == zone  # type: ignore[union-attr]


def test_a_hostile_form_is_refused_in_peace(ada: Person, app: Flask) -> None:
    browser = Browser(app)
    browser.get("/login")
    for field in ("email", "password"):
        for value in ("a\0b", "\ud800", "x" * 10_000, "\u202e@", "' OR 1=1 --", "a@\0.example"):
            form = {"email": email_of(ada), "password": "not it", field: value.encode("utf-8", "surrogatepass")}
            with time_machine.travel(now() + timedelta(hours=1)):
                assert browser.post("/login", form).status_code in (422, 429), (field, value)


@pytest.mark.parametrize("field", ["email", "password"])
def test_a_file_does_not_pass_for_text(stranger: Browser, field: str) -> None:
    form = {"email": "ada@example.com", "password": "x" * 20}
    stranger.get("/login")
    with open(__file__, "rb") as file:  # noqa: PTH123 the test client wants an open file
        assert stranger.post("/login", {**form, field: (file, "name.txt")}).status_code == 422


@pytest.mark.parametrize("value", ["dark", "light"])
def test_the_theme_is_remembered_and_forgotten(stranger: Browser, connected: str, value: str) -> None:
    stranger.get("/login")
    assert stranger.post("/theme", {"theme": value, "next": "/help?x=1"}).location == "/help?x=1"
    assert f'data-theme="{value}"' in stranger.get("/login").text
    assert stranger.post("/theme", {"theme": ""}).location == "/"
    assert "data-theme" not in stranger.get("/login").text


def test_the_theme_leads_nowhere_else(stranger: Browser, connected: str) -> None:
    stranger.get("/login")
    assert stranger.post("/theme", {"theme": "dark", "next": "//evil.example"}).location == "/"
    stranger.client.set_cookie("theme", '"><script>')
    assert "<script>" not in stranger.get("/login").text


def cookie(browser: Browser, name: str = "gravity") -> str:
    found = browser.client.get_cookie(name)
    assert found
    return found.value


def with_cookie(app: Flask, value: str) -> FlaskClient:
    client = app.test_client()
    client.set_cookie("gravity", value)
    return client
