"""Guessing passwords is slowed down, and nobody can lock somebody else out."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from models import Throttle, user
from tests.support.cast import Person
from tests.support.clients import Browser
from tests.support.sign_in import email_of, try_password

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


def test_an_unknown_address_costs_the_same_work(ada: Person, stranger: Browser, hashed: list[str]) -> None:
    try_password(stranger, email_of(ada), "one")
    try_password(stranger, "nobody@example.com", "two")
    assert hashed == ["one", "two"]


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


def test_nobody_in_the_same_office_locks_an_owner_out_either(ada: Person, app: Flask, stranger: Browser) -> None:
    hers = Browser(app).sign_in(ada)
    hers.sign_out()
    for _ in range(31):
        Throttle.fail("address:127.0.0.1")
    assert try_password(stranger, "someone@example.com", "wrong").status_code == 429
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
