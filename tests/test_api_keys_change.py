"""A key's page, editing it, disabling and enabling it, and rotating its secret."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from models import ApiKey, AuditEvent, KeySecret
from models.database import now
from models.key_settings import KeySettings
from tests.support.key_pages import (
    all_hidden,
    edit,
    fresh,
    hidden,
    let_password_age,
    live_in,
    opened_edit,
    put_on_plan,
    shown_secret,
    ticked,
    value,
    words,
)


def show(browser, key, person):
    answer = browser.get(person.settings(f"api-keys/{key.id}"))
    assert answer.status_code == 200, answer.text
    return answer


# The page of a key


def test_the_page_tells_what_a_key_may_do(ada, browse, make_key):
    end = now() + timedelta(days=40)
    scopes = {"read:members", "write:data"}
    key, secret = make_key(ada, name="CRM", note="Vault", scopes=scopes, networks=("10.0.0.0/8",), expires_at=end)
    page = show(browse(ada), key, ada)
    for said in ("View member information", "Create and update data", "10.0.0.0/8", "Vault", "600 requests a minute"):
        assert said in words(page)
    assert "in 39 days" in words(page)
    assert secret not in page.text


def test_a_key_that_was_never_used_shows_how_to_use_it(ada, browse, make_key):
    key, _ = make_key(ada, scopes={"read:data"})
    told = words(show(browse(ada), key, ada))
    assert "This key has not been used yet." in told
    assert 'curl http://localhost/api/v2/key \\ -H "Authorization: Bearer $GRAVITY_API_KEY"' in told


def test_the_page_shows_the_last_use(ada, browse, call, make_key):
    key, secret = make_key(ada)
    call(secret).get(ada.api("members"), headers={"User-Agent": "<b>sync</b>/2"})
    page = show(browse(ada), key, ada)
    for said in ("Just now", "192.0.2.7", fresh(key).last_used_request, "<b>sync</b>/2", "200"):
        assert said in words(page)
    assert "<b>sync" not in page.text


@pytest.mark.parametrize(
    ("columns", "state", "said"),
    [
        ({"disabled_at": -1}, "Disabled", "Requests with it fail with 401 until someone enables it."),
        ({"expires_at": -1}, "Expired", "Create a copy to go on with the same settings."),
        ({"starts_at": 30}, "Scheduled", "Until then requests with it fail with 401."),
        ({"expires_at": 6}, "Active", "Expires in 5 days"),
        ({"creator": None}, "Active", "Ada Byron is no longer here. The key works on."),
    ],
)
def test_the_page_says_what_is_special_about_a_key(ada, browse, make_key, columns, state, said):
    key, _ = make_key(ada)
    moments = {name: now() + timedelta(days=days) if days else None for name, days in columns.items()}
    ApiKey.update(**moments).where(ApiKey.id == key.id).execute()
    told = words(show(browse(ada), key, ada))
    assert f"{key.name} {state}" in told
    assert said in told


def test_the_history_tells_each_change(ada, olga, browse, make_key):
    key, _ = make_key(ada, name="CI", scopes={"read:data", "read:chats"})
    old = f"gr_{key.hint_start}…{key.hint_end}"
    changed = KeySettings(name="CI 2", scopes=frozenset({"read:data", "write:data"}), networks=("10.0.0.0/8",))
    key.edit(changed, version=1, by=olga.actor)
    key.rotate(by=ada.actor)
    key.disable(by=ada.actor)
    key.enable(by=ada.actor)
    told = words(show(browse(ada), key, ada))
    for said in (
        "Ada Byron created the key",
        "Olga Ladyzhenskaya gave the key more",
        "Added write:data",
        "Removed read:chats",
        "Name: “CI” → “CI 2”",
        "IP allowlist: any address → 10.0.0.0/8",
        f"The old secret, {old}, stopped working at once",
        "Ada Byron disabled the key",
        "Ada Byron enabled the key",
    ):
        assert said in told
    assert told.index("enabled the key") < told.index("disabled the key") < told.index("created the key")


def test_what_a_later_version_recorded_is_told_by_its_name(ada, browse, make_key):
    key, _ = make_key(ada)
    details = {"odd": [1], "worse": {"a": None}}
    AuditEvent.write("api_key.quarantine_ended", key.id, workspace=ada.workspace.id, by=ada.actor, **details)
    AuditEvent.write("strange", key.id, workspace=ada.workspace.id, by=ada.actor)
    told = words(show(browse(ada), key, ada))
    assert "Ada Byron quarantine ended" in told
    assert "Ada Byron strange" in told


# Editing


def test_an_edit_changes_what_was_typed(ada, browse, make_key):
    key, _ = make_key(ada, name="CI", scopes={"read:data", "write:data"})
    answer = edit(browse(ada), key, ada, name="CI 2", note="Vault", scopes=["read:data"], networks="10.0.0.1")
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith(f"/api-keys/{key.id}")
    now_has = fresh(key).settings
    assert (now_has.name, now_has.note, now_has.networks) == ("CI 2", "Vault", ("10.0.0.1/32",))
    assert now_has.scopes == {"read:data"}
    assert "CI 2 is saved." in browse(ada).get(answer.headers["Location"]).text


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Kiritimati"])
def test_what_nobody_touched_stays_to_the_microsecond(ada, browse, make_key, zone):
    live_in(ada, zone)
    start, end = now() + timedelta(days=3, microseconds=7), now() + timedelta(days=50, microseconds=9)
    key, _ = make_key(ada, name="CI", note="Vault", networks=("10.0.0.0/8", "::1/128"), starts_at=start, expires_at=end)
    before = fresh(key).settings
    assert edit(browse(ada), key, ada).status_code == 303
    assert fresh(key).settings == before
    assert fresh(key).version == 1
    assert edit(browse(ada), key, ada, name="Other").status_code == 303
    assert (fresh(key).starts_at, fresh(key).expires_at) == (start, end)


def test_the_end_of_a_key_is_kept_unless_one_chooses(ada, browse, make_key):
    live_in(ada, "Europe/Berlin")
    key, _ = make_key(ada, expires_at=datetime(2040, 2, 4, 22, 59, 59, tzinfo=UTC))
    page = browse(ada).get(ada.settings(f"api-keys/{key.id}/edit"))
    assert ticked(page, "expires") == {"keep"}
    assert "Keep: Feb 4, 2040" in words(page)
    edit(browse(ada), key, ada, expires="30")
    assert fresh(key).expires_at < now() + timedelta(days=31)


def test_a_key_without_end_can_keep_that(ada, browse, make_key):
    key, _ = make_key(ada)
    page = browse(ada).get(ada.settings(f"api-keys/{key.id}/edit"))
    assert "Keep: none" in words(page)
    edit(browse(ada), key, ada, name="Other")
    assert fresh(key).expires_at is None


def test_what_a_smaller_plan_lacks_is_kept_by_an_edit(ada, browse, make_key):
    key, _ = make_key(ada, scopes={"admin:workspace"}, networks=("10.0.0.0/8",))
    put_on_plan(ada, "free")
    answer = edit(browse(ada), key, ada, name="Other")
    assert answer.status_code == 303
    settings = fresh(key).settings
    assert (settings.name, settings.scopes, settings.networks) == ("Other", {"admin:workspace"}, ("10.0.0.0/8",))
    assert settings.expires_at is None


def test_a_mistake_in_an_edit_changes_nothing(ada, browse, make_key):
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


def a_key(ada, make_key):
    end = now() + timedelta(days=60)
    return make_key(ada, scopes={"read:data", "write:data"}, networks=("10.0.0.0/8",), expires_at=end)[0]


@pytest.mark.parametrize("fields", NARROWER.values(), ids=NARROWER)
def test_taking_from_a_key_asks_no_password(ada, browse, make_key, fields):
    key = a_key(ada, make_key)
    let_password_age_after_sign_in(ada, browse)
    assert edit(browse(ada), key, ada, **fields).status_code == 303
    assert AuditEvent.about(ada.workspace.id, key.id)[0].action == "api_key.edited"


@pytest.mark.parametrize("fields", WIDER.values(), ids=WIDER)
def test_giving_a_key_more_asks_the_password_and_then_goes_on_once(ada, browse, make_key, fields):
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


def let_password_age_after_sign_in(ada, browse):
    browse(ada)
    let_password_age(ada)


def test_two_who_edit_at_once_lose_nothing(ada, olga, browse, make_key):
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


def test_a_conflict_comes_before_the_password(ada, olga, browse, make_key):
    key, _ = make_key(ada)
    mine = opened_edit(browse(ada), key, ada, scopes=["read:chats"])
    edit(browse(olga), key, olga, note="Hers")
    let_password_age(ada)
    assert browse(ada).post(ada.settings(f"api-keys/{key.id}/edit"), mine).status_code == 409


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 50, "٣", "\0"])
def test_an_edit_without_a_version_is_out_of_date(ada, browse, make_key, version):
    key, _ = make_key(ada)
    assert edit(browse(ada), key, ada, name="Other", version=version).status_code == 409
    assert fresh(key).version == 1


def test_a_revoked_key_is_not_edited_or_rotated(ada, browse, make_key):
    key, _ = make_key(ada)
    form = opened_edit(browse(ada), key, ada, name="Other")
    key.revoke(by=ada.actor)
    assert browse(ada).post(ada.settings(f"api-keys/{key.id}/edit"), form).status_code == 409
    for verb in ("edit", "rotate", "revoke"):
        assert browse(ada).get(ada.settings(f"api-keys/{key.id}/{verb}")).status_code == 409
    for verb in ("rotate", "disable", "enable"):
        assert browse(ada).post(ada.settings(f"api-keys/{key.id}/{verb}")).status_code == 409
    assert fresh(key).name == key.name


def test_htmx_gets_the_edit_and_its_mistakes_as_a_dialog(ada, olga, browse, make_key):
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


# Disabling and enabling


def test_a_disabled_key_is_refused_until_it_is_enabled(ada, browse, call, make_key):
    key, secret = make_key(ada, name="CI")
    browser = browse(ada)
    answer = browser.post(ada.settings(f"api-keys/{key.id}/disable"))
    assert answer.status_code == 303
    assert "CI is disabled." in browser.get(answer.headers["Location"]).text
    assert call(secret).get(ada.api("members")).json["code"] == "disabled_key"
    assert browser.post(ada.settings(f"api-keys/{key.id}/enable")).status_code == 303
    assert call(secret).get(ada.api("members")).status_code == 200


def test_disabling_is_free_and_enabling_asks_the_password(ada, browse, make_key):
    key, _ = make_key(ada)
    let_password_age_after_sign_in(ada, browse)
    assert browse(ada).post(ada.settings(f"api-keys/{key.id}/disable")).status_code == 303
    path = ada.settings(f"api-keys/{key.id}/enable")
    assert browse(ada).post(path).status_code == 403
    assert fresh(key).disabled_at is not None
    assert browse(ada).post(path, {"password_again": ada.password}).status_code == 303
    assert fresh(key).disabled_at is None


def test_a_link_never_changes_a_key(ada, browse, make_key):
    key, _ = make_key(ada)
    for verb in ("disable", "enable"):
        assert browse(ada).get(ada.settings(f"api-keys/{key.id}/{verb}")).status_code == 405
    for verb in ("edit", "rotate", "revoke"):
        browse(ada).get(ada.settings(f"api-keys/{key.id}/{verb}"))
    assert fresh(key).version == 1


# Rotating


def rotate(browser, key, person):
    path = person.settings(f"api-keys/{key.id}/rotate")
    return browser.post(path, all_hidden(browser.get(path)))


def test_a_rotated_key_has_a_new_secret_and_the_old_one_stops_at_once(ada, browse, call, make_key):
    key, old = make_key(ada, name="CI")
    answer = rotate(browse(ada), key, ada)
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert call(shown_secret(answer)).get(ada.api("members")).status_code == 200
    assert call(old).get(ada.api("members")).json["code"] == "revoked_key"
    assert fresh(key).hint_start == shown_secret(answer)[3:7]


def test_the_same_rotation_sent_twice_is_one(ada, browse, call, make_key):
    key, _ = make_key(ada)
    browser, path = browse(ada), ada.settings(f"api-keys/{key.id}/rotate")
    form = all_hidden(browser.get(path))
    first, second = browser.post(path, form), browser.post(path, form)
    assert (first.status_code, second.status_code) == (201, 409)
    assert "This key was already rotated. If you did not copy it, rotate it again." in words(second)
    assert KeySecret.select().where(KeySecret.key == key).count() == 2
    assert call(shown_secret(first)).get(ada.api("members")).status_code == 200


def test_rotating_says_what_it_stops(ada, browse, call, make_key):
    key, secret = make_key(ada)
    path = ada.settings(f"api-keys/{key.id}/rotate")
    assert "The old secret stops working at once. It has never been used." in words(browse(ada).get(path))
    call(secret).get(ada.api("members"))
    assert "It was last used just now from 192.0.2.7" in words(browse(ada).get(path))


def test_rotating_asks_the_password_after_a_while(ada, browse, make_key):
    key, _ = make_key(ada)
    let_password_age_after_sign_in(ada, browse)
    asked = rotate(browse(ada), key, ada)
    assert asked.status_code == 403
    assert KeySecret.select().where(KeySecret.key == key).count() == 1
    form = {**all_hidden(asked), "password_again": ada.password}
    assert browse(ada).post(ada.settings(f"api-keys/{key.id}/rotate"), form).status_code == 201


def test_the_secret_of_a_disabled_key_says_when_it_works(ada, browse, make_key):
    key, _ = make_key(ada)
    key.disable(by=ada.actor)
    assert "The key is disabled: it works once you enable it." in words(rotate(browse(ada), key, ada))


@time_machine.travel(datetime(2027, 1, 10, 12, tzinfo=UTC))
def test_times_are_those_of_the_person(ada, browse, make_key):
    live_in(ada, "Asia/Tokyo")
    key, _ = make_key(ada, expires_at=datetime(2027, 2, 4, 20, 0, tzinfo=UTC))
    assert "Feb 5, 2027, 05:00 JST" in words(show(browse(ada), key, ada))


def test_an_event_never_holds_a_secret(ada, browse, make_key):
    key, _ = make_key(ada)
    secret = shown_secret(rotate(browse(ada), key, ada))
    for event in AuditEvent.about(ada.workspace.id, key.id):
        assert secret not in json.dumps(event.__data__, default=str)
