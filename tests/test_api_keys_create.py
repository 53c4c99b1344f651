"""Creating a key: the form, what is refused, and what is kept of what was typed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from models import ApiKey, AuditEvent
from models.scope import PRESETS, Preset
from tests.support.cast import Person
from tests.support.clients import Browser
from tests.support.key_pages import (
    KEY,
    all_hidden,
    create,
    created,
    filled,
    keys_of,
    let_password_age,
    names,
    ticked,
    value,
    words,
)

Browse = Callable[[Person], Browser]
MakeKey = Callable[..., tuple[ApiKey, str]]


@pytest.mark.parametrize(
    ("field", "sent", "said"),
    [
        ("name", "", "Enter a name."),
        ("name", "   ", "Enter a name."),
        ("name", "x" * 81, "Use at most 80 characters. This has 81."),
        ("name", "x" * 10_000, "Use at most 80 characters. This has 10000."),
        ("name", "one\ntwo", "Use plain text on one line"),
        ("name", "a\0b", "Use plain text on one line"),
        ("name", "evil\u202egnp.exe", "Use plain text on one line"),
        ("note", "x" * 201, "Use at most 200 characters. This has 201."),
        ("note", "a\0b", "Use plain text on one line"),
        ("scopes", [], "Choose at least one scope."),
        ("scopes", ["read:everything"], "There is no scope 'read:everything'."),
        ("scopes", ["read:members", "\0"], "There is no scope"),
        ("expires", "", "Choose when the key ends."),
        ("expires", "0", "Choose when the key ends."),
        ("expires", "-1", "Choose when the key ends."),
        ("expires", str(10**12), "Choose when the key ends."),
        ("expires", "keep", "Choose when the key ends."),
        ("networks", "203.0.113.300", "203.0.113.300 is not an IP address or network."),
        ("networks", "10.0.0.0/8\nfoo\0bar", "is not an IP address or network."),
        ("networks", "\n".join(f"10.0.{n}.1" for n in range(101)), "Use at most 100 networks. This has 101."),
        ("starts_at", "tomorrow", "Enter a date and time, like 2027-03-31 09:00."),
        ("starts_at", "2020-01-01T00:00", "Choose a start in the future, or none to start at once."),
        ("starts_at", "0001-01-01T00:00", "Choose a start in the future, or none to start at once."),
        ("starts_at", "9999-12-31T23:59", "Choose a start within 50 years."),
    ],
)  # fmt: skip
def test_a_mistake_is_named_at_its_field_and_nothing_is_made(
    ada: Person, browse: Browse, field: str, sent: Any, said: str
) -> None:
    answer = create(browse(ada), ada, **{field: sent})
    assert answer.status_code == 422
    assert said in words(answer)
    assert "<title>Error: Create API key" in answer.text
    assert keys_of(ada) == []


def test_all_mistakes_are_named_at_once(ada: Person, browse: Browse) -> None:
    told = words(create(browse(ada), ada, name="", scopes=[], expires="custom", expires_on="", networks="foo"))
    for said in ("Enter a name.", "Choose at least one scope.", "Choose a date.", "foo is not an IP address"):
        assert said in told
    assert "4 fields need another look" in told


def test_what_was_typed_is_still_there_after_a_mistake(ada: Person, browse: Browse) -> None:
    typed = {"name": '<b>"x"</b>', "note": "Vault", "scopes": ["write:data", "read:chats"], "networks": "foo\n10.0.0.1"}
    answer = create(browse(ada), ada, **typed, expires="custom", expires_on="2027-05-01", preset="crm-sync")
    assert answer.status_code == 422
    assert value(answer, "name") == typed["name"]
    assert value(answer, "note") == "Vault"
    assert ticked(answer) == {"write:data", "read:chats"}
    assert ticked(answer, "expires") == {"custom"}
    assert value(answer, "expires_on") == "2027-05-01"
    assert ticked(answer, "preset") == {"crm-sync"}
    assert "foo\n10.0.0.1" in answer.text


def test_a_name_is_taken_while_its_key_lives(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada, name="CI")
    assert "Another key has this name." in words(create(browse(ada), ada, name="ci"))
    key.revoke(by=ada.actor)
    assert create(browse(ada), ada, name="ci").status_code == 201


@pytest.mark.parametrize(
    "name",
    [
        "<img src=x onerror=alert(1)>",
        "{{7*7}}",
        '"><svg/onload=alert(1)>',
        "javascript:alert(1)",
        "🔑 مفتاح",
        "=1+1",
        "é" * 80,
    ],
)
def test_strange_names_are_names(ada: Person, browse: Browse, name: str) -> None:
    answer = create(browse(ada), ada, name=name)
    assert answer.status_code == 201
    assert keys_of(ada)[0].name == name
    assert "<img src" not in answer.text
    assert "<svg/onload" not in answer.text


def test_bytes_that_are_no_text_become_a_mark(ada: Person, browse: Browse) -> None:
    assert create(browse(ada), ada, name=b"half \xed\xa0\x80 pair").status_code == 201


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.slug)
def test_a_use_case_fills_in_its_scopes(ada: Person, browse: Browse, preset: Preset) -> None:
    page = browse(ada).get(ada.settings("api-keys/new"), query_string={"preset": preset.slug})
    assert ticked(page) == set(preset.scopes)
    assert ticked(page, "preset") == {preset.slug}
    assert f"{len(preset.scopes)} scopes, expires in 90 days, any address" in words(page)


def test_an_unknown_use_case_fills_in_nothing(ada: Person, browse: Browse) -> None:
    page = browse(ada).get(ada.settings("api-keys/new"), query_string={"preset": "\0evil"})
    assert ticked(page) == set()
    assert "0 scopes, expires in 90 days, any address" in words(page)


def test_reading_and_writing_are_separate_choices(ada: Person, browse: Browse) -> None:
    key = created(browse(ada), ada, scopes=["write:members"])
    assert key.scopes == "write:members"


@pytest.mark.parametrize(
    "pasted", ["203.0.113.5/28, 2001:db8::1", "203.0.113.0/28\r\n2001:db8::1", " 203.0.113.0/28  2001:DB8::1 "]
)
def test_an_allowlist_can_be_pasted(ada: Person, browse: Browse, pasted: str) -> None:
    assert created(browse(ada), ada, networks=pasted).networks == "203.0.113.0/28 2001:db8::1/128"


def test_the_form_says_where_one_is(ada: Person, browse: Browse) -> None:
    assert "You are at 127.0.0.1 now." in words(browse(ada).get(ada.settings("api-keys/new")))


def test_the_history_says_who_made_the_key(ada: Person, browse: Browse) -> None:
    key = created(browse(ada), ada, name="CI")
    event = AuditEvent.about(ada.workspace.id, key.id)[0]
    assert (event.action, event.actor_name, event.address) == ("api_key.created", "Ada Byron", "127.0.0.1")
    assert not KEY.search(event.details)


def test_after_a_while_the_password_is_asked_and_the_key_made_once(ada: Person, browse: Browse) -> None:
    browser = browse(ada)
    form = filled(browser, ada, name="Later", networks="10.0.0.1\n10.0.0.2", scopes=["read:data", "write:data"])
    let_password_age(ada)
    asked = browser.post(ada.settings("api-keys/new"), form)
    assert asked.status_code == 403
    assert "Confirm your password" in asked.text
    assert keys_of(ada) == []
    carried = {**all_hidden(asked), "password_again": ada.password}
    assert browser.post(ada.settings("api-keys/new"), carried).status_code == 201
    key = keys_of(ada)[0]
    assert (key.scopes, key.networks) == ("read:data write:data", "10.0.0.1/32 10.0.0.2/32")
    assert create(browser, ada, name="Another").status_code == 201


def test_a_wrong_password_makes_nothing(ada: Person, browse: Browse) -> None:
    browser = browse(ada)
    form = filled(browser, ada)
    let_password_age(ada)
    answer = browser.post(ada.settings("api-keys/new"), dict(form, password_again="not the password"))
    assert answer.status_code == 403
    assert "That is not your password." in words(answer)
    assert keys_of(ada) == []


def test_htmx_gets_the_form_as_a_dialog(ada: Person, browse: Browse) -> None:
    answer = browse(ada).htmx_get(ada.settings("api-keys/new"))
    assert answer.headers["HX-Retarget"] == "#dlg"
    assert "<html" not in answer.text
    assert '<h2 id="dlg-h"' in answer.text


@pytest.mark.parametrize(("name", "status"), [("", 422), ("CI", 201)])
def test_htmx_gets_mistakes_and_the_key_in_the_same_dialog(ada: Person, browse: Browse, name: str, status: int) -> None:
    form = filled(browse(ada), ada, name=name)
    answer = browse(ada).htmx_post(ada.settings("api-keys/new"), form)
    assert answer.status_code == status
    assert answer.headers["HX-Retarget"] == "#dlg"
    assert "HX-Push-Url" not in answer.headers


def test_a_form_of_another_site_makes_nothing(ada: Person, browse: Browse) -> None:
    form = filled(browse(ada), ada)
    answer = browse(ada).post(ada.settings("api-keys/new"), form, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert browse(ada).post(ada.settings("api-keys/new"), form | {"csrf_token": "stale"}).status_code == 400
    assert keys_of(ada) == []


def test_fields_that_the_form_does_not_have_do_nothing(ada: Person, mallory: Person, browse: Browse) -> None:
    extra = {
        "workspace_id": mallory.workspace.id,
        "creator_id": "mem_x",
        "hint_start": "zzzz",
        "revoked_at": "1",
        "id": "key_x",
    }
    key = created(browse(ada), ada, **extra)
    assert (key.workspace_id, key.creator_id) == (ada.workspace.id, ada.member.id)
    assert key.revoked_at is None
    assert (key.id, key.hint_start) != ("key_x", "zzzz")


def test_a_new_key_stands_in_the_list_where_the_ones_used_last_are(
    ada: Person, browse: Browse, make_key: MakeKey
) -> None:
    make_key(ada, name="A filler that nobody uses")
    early, _ = make_key(ada, name="Used early")
    ApiKey.update(last_used_at=early.created_at - timedelta(days=1)).where(ApiKey.id == early.id).execute()
    created(browse(ada), ada, name="New")
    assert names(browse(ada).get(ada.settings())) == ["New", "A filler that nobody uses", "Used early"]
