"""Signing in and out: who gets in, who has to wait, and where they land."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from models import BrowserSession, Throttle, User, user
from models.database import now
from tests.support.cast import Person
from tests.support.clients import TOKEN, Browser

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def stranger(app: Flask) -> Browser:
    """A browser that nobody has signed in with."""
    return Browser(app)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were hashed and compared, in order."""
    compared: list[str] = []
    matches = user._matches

    def noting(password_hash: str, password: str) -> bool:
        compared.append(password)
        return matches(password_hash, password)

    monkeypatch.setattr(user, "_matches", noting)
    return compared


def try_password(browser: Browser, email: str, password: str, **more: Any) -> TestResponse:
    browser.get("/login")
    return browser.post("/login", {"email": email, "password": password, **more})


def email_of(person: Person) -> str:
    return person.member.email


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


def test_an_unknown_address_costs_the_same_work(ada: Person, stranger: Browser, hashed: list[str]) -> None:
    try_password(stranger, email_of(ada), "one")
    try_password(stranger, "nobody@example.com", "two")
    assert hashed == ["one", "two"]


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


def test_after_five_failures_an_account_has_to_wait(ada: Person, stranger: Browser, hashed: list[str]) -> None:
    with time_machine.travel(START, tick=False) as clock:
        for _ in range(5):
            assert try_password(stranger, email_of(ada), "wrong").status_code == 422
        answer = try_password(stranger, email_of(ada), ada.password)
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "1"
        assert "Try again in 1 second." in answer.text
        assert f'value="{email_of(ada)}"' in answer.text
        assert len(hashed) == 5, "who has to wait costs no hashing"
        clock.shift(2)
        assert try_password(stranger, email_of(ada), ada.password).status_code == 303


def test_an_unknown_account_has_to_wait_just_the_same(stranger: Browser, connected: str) -> None:
    with time_machine.travel(START, tick=False):
        answers = [try_password(stranger, "nobody@example.com", "wrong").status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]


def test_the_wait_never_grows_past_a_minute(ada: Person, stranger: Browser) -> None:
    with time_machine.travel(START, tick=False):
        for _ in range(100):
            Throttle.fail(f"account:{email_of(ada)}")
        answer = try_password(stranger, email_of(ada), ada.password)
        assert answer.headers["Retry-After"] == "60"


def test_nobody_locks_an_owner_out_of_a_browser_they_used_before(ada: Person, app: Flask, stranger: Browser) -> None:
    hers = Browser(app).sign_in(ada)
    hers.sign_out()
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1), tick=False):
        for _ in range(6):
            try_password(stranger, email_of(ada), "wrong")
        assert try_password(stranger, email_of(ada), ada.password).status_code == 429
        assert try_password(hers, email_of(ada), ada.password).status_code == 303


def test_a_browser_that_was_used_before_has_to_wait_for_its_own_failures(ada: Person, app: Flask) -> None:
    hers = Browser(app).sign_in(ada)
    hers.sign_out()
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1), tick=False):
        answers = [try_password(hers, email_of(ada), "wrong").status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]


@pytest.mark.parametrize("forged", [False, True])
def test_the_browser_of_someone_else_has_no_count_of_its_own(
    ada: Person, mallory: Person, app: Flask, forged: bool
) -> None:
    hers = Browser(app).sign_in(mallory)
    hers.sign_out()
    if forged:
        assert ada.user
        hers.client.set_cookie("device", f'["{ada.user.id}","0"].signature')
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1), tick=False):
        for _ in range(6):
            Throttle.fail(f"account:{email_of(ada)}")
        assert try_password(hers, email_of(ada), ada.password).status_code == 429


def test_one_address_cannot_try_many_accounts(ada: Person, app: Flask, stranger: Browser) -> None:
    with time_machine.travel(START, tick=False) as clock:
        for number in range(30):
            Throttle.fail(f"account:{number}@example.com", "address:127.0.0.1")
        assert try_password(stranger, email_of(ada), ada.password).status_code == 429
        clock.shift(5)
        assert try_password(stranger, email_of(ada), ada.password).status_code == 303
        # To be right once does not buy the address another thirty tries.
        others = Browser(app)
        try_password(others, "nobody@example.com", "wrong")
        assert try_password(others, email_of(ada), ada.password).status_code == 429


def test_addresses_of_one_ipv6_network_count_together(ada: Person, stranger: Browser) -> None:
    with time_machine.travel(START, tick=False):
        for _ in range(31):
            Throttle.fail("address:2001:db8:1:2::/64")
        stranger.get("/login")
        form = {"email": email_of(ada), "password": ada.password}
        for address, status in (("2001:db8:1:2:a::7", 429), ("2001:db8:1:3::7", 303)):
            assert stranger.post("/login", form, environ_base={"REMOTE_ADDR": address}).status_code == status


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
    assert BrowserSession.of(ada.user) == []  # type: ignore[arg-type]


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
