"""Editing a key: what stays, what needs the password, and two people at once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models import ApiKey, AuditEvent
from models.database import now
from tests.support.cast import Person
from tests.support.clients import Browser
from tests.support.key_pages import (
    all_hidden,
    edit,
    fresh,
    hidden,
    let_password_age,
    let_password_age_after_sign_in,
    live_in,
    opened_edit,
    put_on_plan,
    ticked,
    value,
    words,
)

Browse = Callable[[Person], Browser]
MakeKey = Callable[..., tuple[ApiKey, str]]


def test_an_edit_changes_what_was_typed(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada, name="CI", scopes={"read:data", "write:data"})
    answer = edit(browse(ada), key, ada, name="CI 2", note="Vault", scopes=["read:data"], networks="10.0.0.1")
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith(f"/api-keys/{key.id}")
    now_has = fresh(key).settings
    assert (now_has.name, now_has.note, now_has.networks) == ("CI 2", "Vault", ("10.0.0.1/32",))
    assert now_has.scopes == {"read:data"}
    assert "CI 2 is saved." in browse(ada).get(answer.headers["Location"]).text


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Kiritimati"])
def test_what_nobody_touched_stays_to_the_microsecond(
    ada: Person, browse: Browse, make_key: MakeKey, zone: str
) -> None:
    live_in(ada, zone)
    start, end = now() + timedelta(days=3, microseconds=7), now() + timedelta(days=50, microseconds=9)
    key, _ = make_key(ada, name="CI", note="Vault", networks=("10.0.0.0/8", "::1/128"), starts_at=start, expires_at=end)
    before = fresh(key).settings
    assert edit(browse(ada), key, ada).status_code == 303
    assert fresh(key).settings == before
    assert fresh(key).version == 1
    assert edit(browse(ada), key, ada, name="Other").status_code == 303
    assert (fresh(key).starts_at, fresh(key).expires_at) == (start, end)


def test_the_end_of_a_key_is_kept_unless_one_chooses(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    live_in(ada, "Europe/Berlin")
    key, _ = make_key(ada, expires_at=datetime(2040, 2, 4, 22, 59, 59, tzinfo=UTC))
    page = browse(ada).get(ada.settings(f"api-keys/{key.id}/edit"))
    assert ticked(page, "expires") == {"keep"}
    assert "Keep: Feb 4, 2040" in words(page)
    edit(browse(ada), key, ada, expires="30")
    assert fresh(key).expires_at < now() + timedelta(days=31)


def test_a_key_without_end_can_keep_that(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    page = browse(ada).get(ada.settings(f"api-keys/{key.id}/edit"))
    assert "Keep: none" in words(page)
    edit(browse(ada), key, ada, name="Other")
    assert fresh(key).expires_at is None


def test_what_a_smaller_plan_lacks_is_kept_by_an_edit(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada, scopes={"admin:workspace"}, networks=("10.0.0.0/8",))
    put_on_plan(ada, "free")
    answer = edit(browse(ada), key, ada, name="Other")
    assert answer.status_code == 303
    settings = fresh(key).settings
    assert (settings.name, settings.scopes, settings.networks) == ("Other", {"admin:workspace"}, ("10.0.0.0/8",))
    assert settings.expires_at is None


def test_a_mistake_in_an_edit_changes_nothing(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada, name="CI")
    make_key(ada, name="Taken")
    end = (now() + timedelta(days=5)).date().isoformat()
    for fields, said in (
        ({"name": ""}, "Enter a name."),
        ({"name": "taken", "expires": "custom", "expires_on": end}, "Another key has this name."),
        ({"scopes": []}, "Choose at least one scope."),
        ({"expires": "custom", "expires_on": "2020-01-01"}, "Choose an expiration in the future."),
    ):
        answer = edit(browse(ada), key, ada, **fields)
        assert answer.status_code == 422
        assert said in words(answer)
        assert "Keep: none" in words(answer)
    assert fresh(key).version == 1


NARROWER = {
    "a scope less": {"scopes": ["read:data"]},
    "an earlier end": {"expires": "30"},
    "fewer addresses": {"networks": "10.1.0.0/16"},
    "another name": {"name": "Other"},
}


WIDER = {
    "another scope": {"scopes": ["read:data", "write:data", "read:chats"]},
    "administration": {"scopes": ["admin:workspace"]},
    "a later end": {"expires": "90"},
    "no end": {"expires": "none"},
    "more addresses": {"networks": "10.0.0.0/8\n192.0.2.1"},
    "any address": {"networks": ""},
}


def a_key(ada: Person, make_key: MakeKey) -> ApiKey:
    end = now() + timedelta(days=60)
    return make_key(ada, scopes={"read:data", "write:data"}, networks=("10.0.0.0/8",), expires_at=end)[0]


@pytest.mark.parametrize("fields", NARROWER.values(), ids=NARROWER)
def test_taking_from_a_key_asks_no_password(
    ada: Person, browse: Browse, make_key: MakeKey, fields: dict[str, Any]
) -> None:
    key = a_key(ada, make_key)
    let_password_age_after_sign_in(ada, browse)
    assert edit(browse(ada), key, ada, **fields).status_code == 303
    assert AuditEvent.about(ada.workspace.id, key.id)[0].action == "api_key.edited"


@pytest.mark.parametrize("fields", WIDER.values(), ids=WIDER)
def test_giving_a_key_more_asks_the_password_and_then_goes_on_once(
    ada: Person, browse: Browse, make_key: MakeKey, fields: dict[str, Any]
) -> None:
    key = a_key(ada, make_key)
    let_password_age_after_sign_in(ada, browse)
    asked = edit(browse(ada), key, ada, **fields)
    assert asked.status_code == 403
    assert "Confirm your password" in asked.text
    assert fresh(key).version == 1
    again = {**all_hidden(asked), "password_again": ada.password}
    assert browse(ada).post(ada.settings(f"api-keys/{key.id}/edit"), again).status_code == 303
    assert fresh(key).version == 2
    assert AuditEvent.about(ada.workspace.id, key.id)[0].action == "api_key.widened"


def test_two_who_edit_at_once_lose_nothing(ada: Person, olga: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada, name="CI", note="Vault")
    mine = opened_edit(browse(ada), key, ada, note="1Password", name="Mine")
    assert edit(browse(olga), key, olga, name="Hers").status_code == 303
    told = browse(ada).post(ada.settings(f"api-keys/{key.id}/edit"), mine)
    assert told.status_code == 409
    assert "Olga Ladyzhenskaya changed this key while you had it open." in words(told)
    assert "Name Stored “Hers” Yours “Mine”" in words(told)
    assert "Kept in Stored “Vault” Yours “1Password”" in words(told)
    assert (value(told, "name"), value(told, "note")) == ("Mine", "1Password")
    assert fresh(key).name == "Hers"
    knowing = mine | {"version": hidden(told, "version")}
    assert browse(ada).post(ada.settings(f"api-keys/{key.id}/edit"), knowing).status_code == 303
    assert (fresh(key).name, fresh(key).note) == ("Mine", "1Password")


def test_a_conflict_comes_before_the_password(ada: Person, olga: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    mine = opened_edit(browse(ada), key, ada, scopes=["read:chats"])
    edit(browse(olga), key, olga, note="Hers")
    let_password_age(ada)
    assert browse(ada).post(ada.settings(f"api-keys/{key.id}/edit"), mine).status_code == 409


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 50, "٣", "\0"])
def test_an_edit_without_a_version_is_out_of_date(ada: Person, browse: Browse, make_key: MakeKey, version: str) -> None:
    key, _ = make_key(ada)
    assert edit(browse(ada), key, ada, name="Other", version=version).status_code == 409
    assert fresh(key).version == 1


def test_a_revoked_key_is_not_edited_or_rotated(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    form = opened_edit(browse(ada), key, ada, name="Other")
    key.revoke(by=ada.actor)
    assert browse(ada).post(ada.settings(f"api-keys/{key.id}/edit"), form).status_code == 409
    for verb in ("edit", "rotate", "revoke"):
        # A link in a mail may be older than the end of the key: it leads to its page.
        answer = browse(ada).get(ada.settings(f"api-keys/{key.id}/{verb}"))
        assert (answer.status_code, answer.headers["Location"]) == (303, ada.settings(f"api-keys/{key.id}"))
        assert f"{key.name} is revoked. It cannot be changed" in words(browse(ada).get(answer.headers["Location"]))
    for verb in ("rotate", "disable", "enable"):
        assert browse(ada).post(ada.settings(f"api-keys/{key.id}/{verb}")).status_code == 409
    assert fresh(key).name == key.name


def test_htmx_gets_the_edit_and_its_mistakes_as_a_dialog(
    ada: Person, olga: Person, browse: Browse, make_key: MakeKey
) -> None:
    key, _ = make_key(ada)
    path = ada.settings(f"api-keys/{key.id}/edit")
    form = opened_edit(browse(ada), key, ada, name="Mine")
    assert browse(ada).htmx_get(path).headers["HX-Retarget"] == "#dlg"
    assert browse(ada).htmx_post(path, form | {"name": ""}).headers["HX-Retarget"] == "#dlg"
    edit(browse(olga), key, olga, name="Hers")
    conflict = browse(ada).htmx_post(path, form)
    assert (conflict.status_code, conflict.headers["HX-Retarget"]) == (409, "#dlg")
    saved = browse(ada).htmx_post(path, form | {"version": "2"}, follow_redirects=True)
    assert saved.headers["HX-Retarget"] == "#main"
    assert saved.headers["HX-Push-Url"].endswith(key.id)
    assert "Mine is saved." in saved.text
