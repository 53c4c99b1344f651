"""A session that ended meanwhile: to the sign-in, back to the same page, and nothing happened."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from models import BrowserSession, Member, Workspace
from tests.support.cast import Person
from tests.support.clients import Browser

Browse = Callable[[Person], Browser]


def name_of(person: Person) -> str:
    return str(Workspace.get_by_id(person.workspace.id).name)


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page))


@pytest.mark.parametrize("asked", ["https://evil.example/x", "http://[", "", "http://localhost//evil.example/x"])
def test_htmx_is_sent_to_the_sign_in_and_nowhere_else(ada: Person, browse: Browse, app: Flask, asked: str) -> None:
    answer = app.test_client().get(ada.settings("members"), headers={"HX-Request": "true", "HX-Current-URL": asked})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] in ("/login", "/login?next=/x")


@pytest.mark.parametrize("cookie_too", [False, True])
def test_htmx_with_an_ended_session_comes_back_to_the_same_page(
    ada: Person, bob: Person, browse: Browse, cookie_too: bool
) -> None:
    browser = browse(ada)
    seen = ada.settings("members?q=bob")
    browser.get(seen)
    browser.token()
    if cookie_too:
        browser.client.delete_cookie("gravity")
    else:
        assert ada.user
        BrowserSession.end_all(ada.user)
    answer = browser.htmx_post(ada.settings(f"members/{bob.member.id}/remove"))
    assert answer.status_code == 401
    assert answer.text == ""
    assert Member.get_or_none(Member.id == bob.member.id)
    target = answer.headers["HX-Redirect"]
    assert target.startswith("/login?next=")
    page = browser.get(target)
    form = hidden(page.text) | {"email": "ada@example.com", "password": ada.password}
    assert browser.post("/login", form).location == seen


def test_a_browser_with_an_ended_session_is_sent_to_the_sign_in(ada: Person, app: Flask) -> None:
    client = app.test_client()
    assert client.get(ada.settings("members?q=a")).location == f"/login?next={ada.settings('members')}?q%3Da"
    answer = client.post(ada.settings("general"), data={"name": "Granite"})
    assert answer.location == "/login"
    assert name_of(ada) == "Fieldstone"
