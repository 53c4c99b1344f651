"""What is hard to undo asks for the password again, and then goes on, once."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from models import ApiKey, AuditEvent, Member
from tests.support.cast import Person
from tests.support.clients import Browser

Browse = Callable[[Person], Browser]
Maker = Callable[..., tuple[ApiKey, str]]


@pytest.fixture
def later() -> Iterator[None]:
    """Twenty minutes after the sign-in: too late for what is hard to undo."""
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=20), tick=False):
        yield


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page))


def test_a_removal_asks_for_the_password_and_then_goes_on_once(
    ada: Person, bob: Person, browse: Browse, request: pytest.FixtureRequest
) -> None:
    browser, path = browse(ada), ada.settings(f"members/{bob.member.id}/remove")
    browser.token()
    request.getfixturevalue("later")
    prompt = browser.post(path, {"reason": 'it is "over"'})
    assert prompt.status_code == 403
    assert "Confirm your password" in prompt.text
    assert f'action="{path}"' in prompt.text
    assert 'autocomplete="current-password"' in prompt.text
    assert Member.get_or_none(Member.id == bob.member.id)
    form = hidden(prompt.text)
    assert form["reason"] == "it is &#34;over&#34;"
    assert browser.post(path, {**form, "password_again": ada.password}).status_code == 303
    assert not Member.get_or_none(Member.id == bob.member.id)
    assert len([each for each in AuditEvent.select() if each.action == "member.removed"]) == 1


def test_a_wrong_password_in_the_prompt_changes_nothing(
    ada: Person, bob: Person, browse: Browse, request: pytest.FixtureRequest
) -> None:
    browser, path = browse(ada), ada.settings(f"members/{bob.member.id}/remove")
    browser.token()
    request.getfixturevalue("later")
    answers = [browser.post(path, {"password_again": "guess"}) for _ in range(6)]
    assert [each.status_code for each in answers] == [403] * 5 + [429]
    assert "That is not your password. Try again." in answers[0].text
    assert "guess" not in answers[0].text
    assert answers[5].headers["Retry-After"] == "1"
    assert Member.get_or_none(Member.id == bob.member.id)


def test_the_prompt_is_a_dialog_for_htmx(
    ada: Person, bob: Person, browse: Browse, request: pytest.FixtureRequest
) -> None:
    browser = browse(ada)
    browser.token()
    request.getfixturevalue("later")
    answer = browser.htmx_post(ada.settings(f"members/{bob.member.id}/link"))
    assert answer.status_code == 403
    assert answer.headers["HX-Retarget"] == "#dlg"
    assert '<h2 id="dlg-h">Confirm your password</h2>' in answer.text


def test_the_password_counts_for_a_while_and_gives_the_session_a_new_token(
    ada: Person, bob: Person, browse: Browse, app: Flask, request: pytest.FixtureRequest
) -> None:
    browser = browse(ada)
    kept = browser.client.get_cookie("gravity")
    browser.token()
    request.getfixturevalue("later")
    path = ada.settings("members/new")
    form = {"name": "Grace Hopper", "email": "grace@example.com", "role": "member", "title": ""}
    assert browser.post(path, form).status_code == 403
    assert browser.post(path, {**form, "password_again": ada.password}).status_code == 201
    assert browser.post(ada.settings(f"members/{bob.member.id}/remove")).status_code == 303
    assert kept
    thief = Browser(app)
    thief.client.set_cookie("gravity", kept.value)
    assert thief.get("/account").status_code == 302


def test_only_a_change_of_role_asks_for_the_password(
    ada: Person, bob: Person, browse: Browse, request: pytest.FixtureRequest
) -> None:
    browser, path = browse(ada), ada.settings(f"members/{bob.member.id}/edit")
    browser.token()
    request.getfixturevalue("later")
    assert browser.post(path, {"name": "Bob", "role": "member", "title": "x"}).status_code == 303
    assert browser.post(path, {"name": "Bob", "role": "owner", "title": "x"}).status_code == 403
    assert Member.get_by_id(bob.member.id).role == "member"


def test_the_way_back_from_the_prompt_leads_somewhere(
    ada: Person, bob: Person, browse: Browse, make_key: Maker, request: pytest.FixtureRequest
) -> None:
    key, _ = make_key(ada)
    browser = browse(ada)
    browser.token()
    request.getfixturevalue("later")
    for page in (f"members/{bob.member.id}/remove", "members/new", "api-keys/new", f"api-keys/{key.id}/rotate"):
        back = re.search(r'href="([^"]+)" data-close', browser.post(ada.settings(page)).text)
        assert back
        assert browser.get(back[1], follow_redirects=True).status_code == 200
