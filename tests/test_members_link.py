"""The link with which an invited person gets in: once, for a week, and with the right password."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from models import AuditEvent, Member, User
from tests.support import ledger
from tests.support.cast import Person
from tests.support.clients import Browser
from tests.support.member_pages import add, edit, grace, opened, remove, set_password, token_in

Browse = Callable[[Person], Browser]


def test_a_link_lets_a_new_person_in_once(ada: Person, browse: Browse, app: Flask) -> None:
    token = token_in(add(browse(ada), ada))
    hers, page = opened(app, token)
    assert "Join Fieldstone" in page.text
    assert "grace@example.com" in page.text
    answer = set_password(hers, token, ledger.fresh("password"))
    assert answer.status_code == 303
    assert answer.location == ada.settings("members")
    assert "You are in Fieldstone now." in hers.get(answer.location).text
    assert grace().status == "active"
    events = [event.action for event in AuditEvent.about(ada.workspace.id, grace().id)]
    assert events == ["member.joined", "member.invited", "member.added"]
    late = Browser(app)
    late.get("/login")
    again = set_password(late, token, ledger.fresh("password"))
    assert again.status_code == 404
    assert "This link does not work" in again.text and "It was used already" in again.text


def test_a_link_ends_after_seven_days(ada: Person, browse: Browse, app: Flask) -> None:
    token = token_in(add(browse(ada), ada))
    with time_machine.travel(datetime.now(UTC) + timedelta(days=7, minutes=1)):
        assert opened(app, token)[1].status_code == 404
        browser = Browser(app)
        browser.get("/login")
        assert set_password(browser, token, ledger.fresh("password")).status_code == 404


def test_a_new_link_replaces_the_old_one(ada: Person, browse: Browse, app: Flask) -> None:
    old = token_in(add(browse(ada), ada))
    answer = browse(ada).post(ada.settings(f"members/{grace().id}/link"))
    new = token_in(answer)
    assert answer.status_code == 201
    assert opened(app, old)[1].status_code == 404
    assert opened(app, new)[1].status_code == 200


def test_who_is_in_already_needs_no_link(ada: Person, bob: Person, carla: Person, browse: Browse) -> None:
    for person in (bob, carla):
        assert browse(ada).post(ada.settings(f"members/{person.member.id}/link")).status_code == 409


def test_a_link_ends_when_its_person_is_removed_or_kept_as_a_contact(ada: Person, browse: Browse, app: Flask) -> None:
    first = token_in(add(browse(ada), ada))
    edit(browse(ada), ada, grace(), role="contact")
    assert opened(app, first)[1].status_code == 404
    edit(browse(ada), ada, grace(), role="member")
    second = token_in(browse(ada).post(ada.settings(f"members/{grace().id}/link")))
    remove(browse(ada), ada, grace())
    assert opened(app, second)[1].status_code == 404


def test_a_link_ends_when_the_address_is_corrected(ada: Person, browse: Browse, app: Flask) -> None:
    token = token_in(add(browse(ada), ada, email="grcae@example.com"))
    wrong = Member.get(Member.email == "grcae@example.com")
    assert edit(browse(ada), ada, wrong, email="grace@example.com").status_code == 303
    assert opened(app, token)[1].status_code == 404


@pytest.mark.parametrize("token", ["", "nope", "\0", "x" * 10_000, "%ED%A0%80", "ä"])
def test_a_bad_link_says_what_to_do(ada: Person, app: Flask, token: str) -> None:
    browser, page = opened(app, token)
    assert page.status_code == 404
    assert "Ask for a new one." in page.text
    browser.get("/login")
    assert set_password(browser, token, "x" * 20).status_code == 404


def test_a_weak_password_is_refused_and_the_link_stays(ada: Person, browse: Browse, app: Flask) -> None:
    token = token_in(add(browse(ada), ada))
    hers = opened(app, token)[0]
    for _ in range(7):
        answer = set_password(hers, token, "short")
        assert answer.status_code == 422
        assert "Use at least 12 characters." in answer.text
    assert opened(app, token)[1].status_code == 200


def test_who_has_an_account_proves_its_password(ada: Person, mallory: Person, browse: Browse, app: Flask) -> None:
    token = token_in(add(browse(ada), ada, email="mallory@example.com", name="Mallory Vane"))
    hers, page = opened(app, token)
    assert "Enter the password of your account" in page.text
    wrong = set_password(hers, token, "not her password")
    assert wrong.status_code == 422
    assert "That is not the password of your account." in wrong.text
    assert set_password(hers, token, mallory.password).location == ada.settings("members")
    assert User.select().where(User.email == "mallory@example.com").count() == 1
    shown = hers.get("/account").text
    assert "Fieldstone" in shown
    assert "Rival" in shown


def test_a_link_is_no_way_to_guess_the_password_of_an_account(
    ada: Person, mallory: Person, browse: Browse, app: Flask
) -> None:
    """Whoever invites an address gets the link, so it must be no better for guessing than the sign-in."""
    token = token_in(add(browse(mallory), mallory, email="ada@example.com", name="Ada"))
    browser = opened(app, token)[0]
    with time_machine.travel(datetime.now(UTC), tick=False):
        assert [set_password(browser, token, "guess").status_code for _ in range(5)] == [422] * 5
        answer = set_password(browser, token, ada.password)
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "1"
        sign_in = {"email": "ada@example.com", "password": ada.password}
        assert browser.post("/login", sign_in).status_code == 429


def test_joining_ends_the_session_of_whoever_was_signed_in_there(
    ada: Person, mallory: Person, browse: Browse, app: Flask
) -> None:
    token = token_in(add(browse(ada), ada))
    browser = browse(mallory)
    kept = browser.client.get_cookie("gravity")
    browser.get(f"/set-password?token={token}")
    assert set_password(browser, token, ledger.fresh("password")).status_code == 303
    assert "grace@example.com" in browser.get("/account").text
    assert kept
    replay = Browser(app)
    replay.client.set_cookie("gravity", kept.value)
    assert replay.get("/account").status_code == 302
