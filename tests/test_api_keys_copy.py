"""A new key with the settings of another one."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from models import ApiKey
from models.database import now
from tests.support.cast import Person
from tests.support.clients import Browser
from tests.support.key_pages import create, put_on_plan, ticked, value

Browse = Callable[[Person], Browser]
MakeKey = Callable[..., tuple[ApiKey, str]]


def test_a_copy_starts_with_the_settings_of_its_original(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    expires = now() + timedelta(days=30)
    settings = {"scopes": {"read:chats", "write:chats"}, "networks": ("10.0.0.0/8",), "note": "Vault"}
    key, _ = make_key(ada, name="CI", expires_at=expires, starts_at=now() + timedelta(days=1), **settings)
    page = browse(ada).get(ada.settings("api-keys/new"), query_string={"copy": key.id})
    assert value(page, "name") == "CI copy"
    assert value(page, "note") == "Vault"
    assert ticked(page) == {"read:chats", "write:chats"}
    assert ticked(page, "expires") == {"30"}
    assert value(page, "starts_at") == ""
    assert "10.0.0.0/8" in page.text


def test_a_copy_lives_as_long_as_its_original_was_given(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    forever, _ = make_key(ada, name="Forever")
    weeks, _ = make_key(ada, name="Weeks", expires_at=now() + timedelta(days=45))
    browser = browse(ada)
    copied = [browser.get(ada.settings("api-keys/new"), query_string={"copy": key.id}) for key in (forever, weeks)]
    assert [ticked(page, "expires") for page in copied] == [{"none"}, {"custom"}]
    assert value(copied[1], "expires_on") == (now() + timedelta(days=45)).date().isoformat()


def test_the_name_of_a_copy_is_free(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada, name="x" * 80)
    browser = browse(ada)
    for name in ("x" * 75 + " copy", "x" * 73 + " copy 2"):
        page = browser.get(ada.settings("api-keys/new"), query_string={"copy": key.id})
        assert value(page, "name") == name
        assert create(browser, ada, name=name).status_code == 201


def test_a_revoked_key_can_be_copied_and_that_of_a_stranger_cannot(
    ada: Person, mallory: Person, browse: Browse, make_key: MakeKey
) -> None:
    key, _ = make_key(ada, name="CI")
    key.revoke(by=ada.actor)
    assert browse(ada).get(ada.settings("api-keys/new"), query_string={"copy": key.id}).status_code == 200
    assert browse(mallory).get(mallory.settings("api-keys/new"), query_string={"copy": key.id}).status_code == 404


@pytest.mark.parametrize("key_id", ["", "key_unknown", "\0", "x" * 10_000, "\u202e"])
def test_a_copy_of_nothing_is_not_found(ada: Person, browse: Browse, key_id: str) -> None:
    assert browse(ada).get(ada.settings("api-keys/new"), query_string={"copy": key_id}).status_code == 404


def test_a_copy_leaves_out_what_the_plan_lost(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada, scopes={"admin:workspace", "read:data"}, networks=("10.0.0.0/8",))
    put_on_plan(ada, "free")
    page = browse(ada).get(ada.settings("api-keys/new"), query_string={"copy": key.id})
    assert ticked(page) == {"read:data"}
    assert ticked(page, "expires") == {"90"}
