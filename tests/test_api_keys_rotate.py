"""Disabling and enabling a key, and rotating its secret."""

import json
from collections.abc import Callable

from werkzeug.test import TestResponse

from models import ApiKey, AuditEvent, KeySecret
from tests.support.cast import Person
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import (
    all_hidden,
    code,
    fresh,
    let_password_age_after_sign_in,
    shown_secret,
    words,
)

Browse = Callable[[Person], Browser]
MakeKey = Callable[..., tuple[ApiKey, str]]
Call = Callable[..., ApiClient]


def test_a_disabled_key_is_refused_until_it_is_enabled(
    ada: Person, browse: Browse, call: Call, make_key: MakeKey
) -> None:
    key, secret = make_key(ada, name="CI")
    browser = browse(ada)
    answer = browser.post(ada.settings(f"api-keys/{key.id}/disable"))
    assert answer.status_code == 303
    assert "CI is disabled." in browser.get(answer.headers["Location"]).text
    assert code(call(secret).get(ada.api("members"))) == "disabled_key"
    assert browser.post(ada.settings(f"api-keys/{key.id}/enable")).status_code == 303
    assert call(secret).get(ada.api("members")).status_code == 200


def test_disabling_is_free_and_enabling_asks_the_password(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    let_password_age_after_sign_in(ada, browse)
    assert browse(ada).post(ada.settings(f"api-keys/{key.id}/disable")).status_code == 303
    path = ada.settings(f"api-keys/{key.id}/enable")
    assert browse(ada).post(path).status_code == 403
    assert fresh(key).disabled_at is not None
    assert browse(ada).post(path, {"password_again": ada.password}).status_code == 303
    assert fresh(key).disabled_at is None


def rotate(browser: Browser, key: ApiKey, person: Person) -> TestResponse:
    path = person.settings(f"api-keys/{key.id}/rotate")
    return browser.post(path, all_hidden(browser.get(path)))


def test_a_rotated_key_has_a_new_secret_and_the_old_one_stops_at_once(
    ada: Person, browse: Browse, call: Call, make_key: MakeKey
) -> None:
    key, old = make_key(ada, name="CI")
    answer = rotate(browse(ada), key, ada)
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert call(shown_secret(answer)).get(ada.api("members")).status_code == 200
    assert code(call(old).get(ada.api("members"))) == "revoked_key"
    assert fresh(key).hint_start == shown_secret(answer)[3:7]


def test_the_same_rotation_sent_twice_is_one(ada: Person, browse: Browse, call: Call, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    browser, path = browse(ada), ada.settings(f"api-keys/{key.id}/rotate")
    form = all_hidden(browser.get(path))
    first, second = browser.post(path, form), browser.post(path, form)
    assert (first.status_code, second.status_code) == (201, 409)
    assert "This key was already rotated. If you did not copy it, rotate it again." in words(second)
    assert KeySecret.select().where(KeySecret.key == key).count() == 2
    assert call(shown_secret(first)).get(ada.api("members")).status_code == 200


def test_rotating_says_what_it_stops(ada: Person, browse: Browse, call: Call, make_key: MakeKey) -> None:
    key, secret = make_key(ada)
    path = ada.settings(f"api-keys/{key.id}/rotate")
    assert "The old secret stops working at once. It has never been used." in words(browse(ada).get(path))
    call(secret).get(ada.api("members"))
    assert "It was last used just now from 192.0.2.7" in words(browse(ada).get(path))


def test_rotating_asks_the_password_after_a_while(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    let_password_age_after_sign_in(ada, browse)
    asked = rotate(browse(ada), key, ada)
    assert asked.status_code == 403
    assert KeySecret.select().where(KeySecret.key == key).count() == 1
    form = {**all_hidden(asked), "password_again": ada.password}
    assert browse(ada).post(ada.settings(f"api-keys/{key.id}/rotate"), form).status_code == 201


def test_the_secret_of_a_disabled_key_says_when_it_works(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    key.disable(by=ada.actor)
    assert "The key is disabled: it works once you enable it." in words(rotate(browse(ada), key, ada))


def test_an_event_never_holds_a_secret(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    secret = shown_secret(rotate(browse(ada), key, ada))
    for event in AuditEvent.about(ada.workspace.id, key.id):
        assert secret not in json.dumps(event.__data__, default=str)
