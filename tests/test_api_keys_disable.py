"""Disabling and enabling a key."""

from collections.abc import Callable

from models import ApiKey
from tests.support.cast import Person
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import code, fresh, let_password_age_after_sign_in

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
