"""Requests forged on other sites, and methods that must not act: nothing happens."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from models import ApiKey, AuditEvent, Workspace
from tests.support.cast import Person
from tests.support.clients import Browser

Browse = Callable[[Person], Browser]
Maker = Callable[..., tuple[ApiKey, str]]


def name_of(person: Person) -> str:
    return str(Workspace.get_by_id(person.workspace.id).name)


def rename(browser: Browser, person: Person, **kwargs: Any) -> int:
    return browser.post(person.settings("general"), {"name": "Granite"}, **kwargs).status_code


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_a_form_without_its_token_changes_nothing(ada: Person, browse: Browse, headers: dict[str, str]) -> None:
    client = browse(ada).client
    for token in ({}, {"csrf_token": ""}, {"csrf_token": "x"}, {"csrf_token": "ä" * 5000}):
        answer = client.post(ada.settings("general"), data={"name": "Granite", **token}, headers=headers)
        assert answer.status_code == 400
        assert "Reload the page and send it again. Nothing was changed." in answer.text
        assert ("<html" in answer.text) is not bool(headers), "htmx gets a part of a page"
    assert name_of(ada) == "Fieldstone"


def test_the_token_of_someone_else_is_refused(ada: Person, mallory: Person, browse: Browse) -> None:
    hers = browse(mallory).token()
    assert rename_with(browse(ada), ada, hers) == 400
    assert name_of(ada) == "Fieldstone"


def test_the_token_of_an_earlier_session_is_refused(ada: Person, app: Flask) -> None:
    browser = Browser(app).sign_in(ada)
    earlier = browser.token()
    browser.sign_out()
    browser.sign_in(ada)
    assert rename_with(browser, ada, earlier) == 400
    assert name_of(ada) == "Fieldstone"


def rename_with(browser: Browser, person: Person, token: str) -> int:
    form = {"name": "Granite", "csrf_token": token}
    return browser.client.post(person.settings("general"), data=form).status_code


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": ""}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Origin": "http://localhost"}, 303),
    ],
)
def test_a_request_from_another_site_is_refused_even_with_the_token(
    ada: Person, browse: Browse, headers: dict[str, str], status: int
) -> None:
    assert rename(browse(ada), ada, headers=headers) == status
    assert name_of(ada) == ("Granite" if status == 303 else "Fieldstone")


def test_signing_in_for_someone_else_is_refused(mallory: Person, app: Flask) -> None:
    """A stranger's page must not sign a visitor in to an account of the stranger's."""
    assert mallory.user
    form = {"email": mallory.user.email, "password": mallory.password}
    for path in ("/login", "/set-password", "/theme"):
        assert app.test_client().post(path, data=form).status_code == 400


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "application/octet-stream"])
def test_a_body_that_is_no_form_changes_nothing(ada: Person, browse: Browse, content_type: str) -> None:
    token = browse(ada).token()
    for body in (f"csrf_token={token}&name=Granite", "[1, 2]", '{"name": "Granite"}', "\0"):
        for headers in ({}, {"X-CSRFToken": token}):
            answer = browse(ada).client.post(
                ada.settings("general"), data=body, content_type=content_type, headers=headers
            )
            assert answer.status_code in (400, 422)
    assert name_of(ada) == "Fieldstone"


def test_safe_methods_change_nothing(ada: Person, bob: Person, browse: Browse, make_key: Maker) -> None:
    key, _ = make_key(ada)
    events = AuditEvent.select().count()
    browser = browse(ada)
    for page in (
        *(f"members/{bob.member.id}/{action}" for action in ("edit", "remove")),
        *(
            f"api-keys/{key.id}/{action}"
            for action in ("edit", "rotate", "finish-rotation", "extend-rotation", "undo-rotation", "revoke", "delete")
        ),
        "members/new",
        "api-keys/new",
        "general",
    ):
        for method in ("GET", "HEAD"):
            answer = browser.client.open(ada.settings(page), method=method, query_string={"name": "x", "role": "owner"})
            assert answer.status_code in (200, 409), (method, page)
            assert "gr_" not in answer.headers.get("Location", "")
    assert AuditEvent.select().count() == events
