"""Creating a key: the form, the one answer that shows the key, and what is refused."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from models import ApiKey, AuditEvent, KeySecret
from models.database import now, random_text
from models.scope import PRESETS
from tests.support.key_pages import (
    KEY,
    all_hidden,
    create,
    created,
    filled,
    hidden,
    keys_of,
    let_password_age,
    live_in,
    put_on_plan,
    shown_secret,
    ticked,
    value,
    words,
)


def test_a_new_key_is_shown_once_and_works(ada, browse, call):
    answer = create(browse(ada), ada, name="Nightly report")
    secret = shown_secret(answer)
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert call(secret).get(ada.api("members")).status_code == 200


def test_the_key_is_in_no_other_answer(ada, browse):
    browser = browse(ada)
    secret = shown_secret(create(browser, ada))
    key = keys_of(ada)[0]
    for path in (
        "api-keys",
        "api-keys/new",
        *(f"api-keys/{key.id}{verb}" for verb in ("", "/edit", "/rotate", "/revoke")),
    ):
        assert secret not in browser.get(ada.settings(path)).text
    with browser.client.session_transaction() as session:
        assert "gr_" not in str(dict(session))


def test_the_key_stands_in_text_and_never_in_an_attribute(ada, browse):
    answer = create(browse(ada), ada)
    secret = shown_secret(answer)
    # The key itself is broken up by its marks; the command and the line of the file hold it whole.
    assert answer.text.count(secret) == 2
    assert not [tag for tag in re.findall(r"<[^>]*>", answer.text) if "gr_" in tag]
    assert "gr_" not in re.search(r"<title>(.*?)</title>", answer.text, re.DOTALL)[1]
    assert not [value for value in answer.headers.values() if "gr_" in value]


def test_the_reveal_marks_what_the_list_shows(ada, browse):
    answer = create(browse(ada), ada)
    key = keys_of(ada)[0]
    assert f"gr_<mark>{key.hint_start}</mark>" in answer.text
    assert f"<mark>{key.hint_end}</mark></output>" in answer.text


@pytest.mark.parametrize(
    ("scopes", "path"),
    [(["read:members"], "members"), (["admin:workspace"], "members"), (["write:members"], None), (["read:data"], None)],
)
def test_the_command_asks_for_what_the_key_may_read(ada, browse, scopes, path):
    answer = create(browse(ada), ada, scopes=scopes)
    url = f"http://localhost{ada.api(path)}" if path else "http://localhost/api/v2/key"
    assert f"{url} \\" in words(answer)


def test_the_reveal_states_what_was_granted(ada, browse):
    told = words(
        create(browse(ada), ada, name="CRM", note="1Password", scopes=["write:data"], networks="203.0.113.0/28")
    )
    for each in ("CRM", "1Password", "write:data", "203.0.113.0/28", "GRAVITY_API_KEY=gr_", "I have stored it"):
        assert each in told
    assert "not on the allowlist" not in told
    assert "You are at 127.0.0.1 now, which is not." in told


def test_without_scripts_the_reveal_warns_of_going_back(ada, browse):
    answer = create(browse(ada), ada)
    assert "Close this tab when done" in re.search(r"<noscript>(.*?)</noscript>", answer.text, re.DOTALL)[1]


def test_the_same_form_sent_twice_makes_one_key(ada, browse):
    browser = browse(ada)
    form = filled(browser, ada, name="Once")
    first = browser.post(ada.settings("api-keys/new"), form)
    second = browser.post(ada.settings("api-keys/new"), form)
    assert (first.status_code, second.status_code) == (201, 409)
    assert "This key was already created. If you did not copy it, rotate it." in words(second)
    assert shown_secret(first) not in second.text
    key = keys_of(ada)[0]
    assert len(keys_of(ada)) == KeySecret.select().count() == 1
    assert ada.settings(f"api-keys/{key.id}/rotate") in second.text


def test_a_form_with_a_number_of_its_own_making_is_just_a_form(ada, browse):
    for number in ("", "x" * 5000, "\0", "' OR 1=1"):
        assert create(browse(ada), ada, name=f"Key {len(number)} {number[:1]!r}", form_id=number).status_code == 201


def test_every_form_has_a_number_of_its_own_and_keeps_it_after_a_mistake(ada, browse):
    browser = browse(ada)
    form = filled(browser, ada, name="")
    again = browser.post(ada.settings("api-keys/new"), form)
    assert again.status_code == 422
    assert hidden(again, "form_id") == form["form_id"]
    assert hidden(browser.get(ada.settings("api-keys/new")), "form_id") != form["form_id"]


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
def test_a_mistake_is_named_at_its_field_and_nothing_is_made(ada, browse, field, sent, said):
    answer = create(browse(ada), ada, **{field: sent})
    assert answer.status_code == 422
    assert said in words(answer)
    assert "<title>Error: Create API key" in answer.text
    assert keys_of(ada) == []


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("", "Choose a date."),
        ("soon", "Enter a date, like 2027-03-31."),
        ("2027-02-29", "Enter a date, like 2027-03-31."),
        ("10000-01-01", "Enter a date, like 2027-03-31."),
        ("2020-01-01", "Choose an expiration in the future."),
        ("0001-01-01", "Choose an expiration in the future."),
        ("9999-12-31", "Choose an expiration within 50 years, or none."),
        ("2100-01-01", "Choose an expiration within 50 years, or none."),
    ],
)
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin"])
def test_a_date_that_cannot_be_is_refused_in_every_zone(ada, browse, day, said, zone):
    live_in(ada, zone)
    answer = create(browse(ada), ada, expires="custom", expires_on=day)
    assert answer.status_code == 422
    assert said in words(answer)


def test_all_mistakes_are_named_at_once(ada, browse):
    told = words(create(browse(ada), ada, name="", scopes=[], expires="custom", expires_on="", networks="foo"))
    for said in ("Enter a name.", "Choose at least one scope.", "Choose a date.", "foo is not an IP address"):
        assert said in told
    assert "4 fields need another look" in told


def test_what_was_typed_is_still_there_after_a_mistake(ada, browse):
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


def test_a_name_is_taken_while_its_key_lives(ada, browse, make_key):
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
def test_strange_names_are_names(ada, browse, name):
    answer = create(browse(ada), ada, name=name)
    assert answer.status_code == 201
    assert keys_of(ada)[0].name == name
    assert "<img src" not in answer.text
    assert "<svg/onload" not in answer.text


def test_bytes_that_are_no_text_become_a_mark(ada, browse):
    assert create(browse(ada), ada, name=b"half \xed\xa0\x80 pair").status_code == 201


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.slug)
def test_a_use_case_fills_in_its_scopes(ada, browse, preset):
    page = browse(ada).get(ada.settings("api-keys/new"), query_string={"preset": preset.slug})
    assert ticked(page) == set(preset.scopes)
    assert ticked(page, "preset") == {preset.slug}
    assert f"{len(preset.scopes)} scopes, expires in 90 days, any address" in words(page)


def test_an_unknown_use_case_fills_in_nothing(ada, browse):
    page = browse(ada).get(ada.settings("api-keys/new"), query_string={"preset": "\0evil"})
    assert ticked(page) == set()
    assert "0 scopes, expires in 90 days, any address" in words(page)


def test_reading_and_writing_are_separate_choices(ada, browse):
    key = created(browse(ada), ada, scopes=["write:members"])
    assert key.scopes == "write:members"


def test_ninety_days_are_chosen_unless_one_says_otherwise(ada, browse):
    assert ticked(browse(ada).get(ada.settings("api-keys/new")), "expires") == {"90"}
    key = created(browse(ada), ada)
    assert abs(key.expires_at - now() - timedelta(days=90)) < timedelta(minutes=1)


def test_a_key_may_live_on_for_ever(ada, browse):
    assert created(browse(ada), ada, expires="none").expires_at is None


@pytest.mark.parametrize(
    ("zone", "day", "end"),
    [
        ("UTC", "2027-03-31", datetime(2027, 3, 31, 23, 59, 59, tzinfo=UTC)),
        ("Europe/Berlin", "2027-03-28", datetime(2027, 3, 28, 21, 59, 59, tzinfo=UTC)),
        ("Europe/Berlin", "2028-02-29", datetime(2028, 2, 29, 22, 59, 59, tzinfo=UTC)),
        ("Pacific/Kiritimati", "2027-03-31", datetime(2027, 3, 31, 9, 59, 59, tzinfo=UTC)),
        ("Etc/GMT+12", "2027-03-31", datetime(2027, 4, 1, 11, 59, 59, tzinfo=UTC)),
        ("Asia/Kathmandu", "2027-03-31", datetime(2027, 3, 31, 18, 14, 59, tzinfo=UTC)),
        # Here the clocks go back at midnight, so 23:59:59 comes twice: the second one counts.
        ("America/Santiago", "2027-04-03", datetime(2027, 4, 4, 3, 59, 59, tzinfo=UTC)),
    ],
)
@time_machine.travel(datetime(2027, 1, 10, 12, tzinfo=UTC))
def test_a_date_means_through_the_end_of_that_day_where_the_person_lives(ada, browse, zone, day, end):
    live_in(ada, zone)
    answer = create(browse(ada), ada, expires="custom", expires_on=day)
    assert keys_of(ada)[0].expires_at == end
    shown = datetime.fromisoformat(day)
    assert f"{shown:%b} {shown.day}, {shown.year}, 23:59" in words(answer)


@time_machine.travel(datetime(2027, 1, 10, 23, 30, tzinfo=UTC))
def test_today_can_be_the_last_day(ada, browse):
    live_in(ada, "Pacific/Kiritimati")
    page = browse(ada).get(ada.settings("api-keys/new"))
    assert 'min="2027-01-11"' in page.text
    key = created(browse(ada), ada, expires="custom", expires_on="2027-01-11")
    assert key.expires_at == datetime(2027, 1, 11, 9, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "start"),
    [
        ("2027-03-01T09:00", datetime(2027, 3, 1, 8, 0, tzinfo=UTC)),
        ("2027-03-01 09:00", datetime(2027, 3, 1, 8, 0, tzinfo=UTC)),
        ("2027-03-01T09:00:30", datetime(2027, 3, 1, 8, 0, 30, tzinfo=UTC)),
        # The clocks skip from 02:00 to 03:00: what never was is 03:30.
        ("2027-03-28T02:30", datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),
        # And go back from 03:00 to 02:00: the first of the two.
        ("2027-10-31T02:30", datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),
    ],
)
@time_machine.travel(datetime(2027, 1, 10, 12, tzinfo=UTC))
def test_a_start_is_in_the_time_of_the_person(ada, browse, typed, start):
    live_in(ada, "Europe/Berlin")
    key = created(browse(ada), ada, starts_at=typed, expires="none")
    assert key.starts_at == start
    assert key.state(now()) == "scheduled"


def test_a_start_after_the_end_is_refused(ada, browse):
    answer = create(browse(ada), ada, starts_at=f"{now() + timedelta(days=40):%Y-%m-%dT%H:%M}", expires="30")
    assert "The start must be before the expiration." in words(answer)


@pytest.mark.parametrize(
    "pasted", ["203.0.113.5/28, 2001:db8::1", "203.0.113.0/28\r\n2001:db8::1", " 203.0.113.0/28  2001:DB8::1 "]
)
def test_an_allowlist_can_be_pasted(ada, browse, pasted):
    assert created(browse(ada), ada, networks=pasted).networks == "203.0.113.0/28 2001:db8::1/128"


def test_the_form_says_where_one_is(ada, browse):
    assert "You are at 127.0.0.1 now." in words(browse(ada).get(ada.settings("api-keys/new")))


def test_the_history_says_who_made_the_key(ada, browse):
    key = created(browse(ada), ada, name="CI")
    event = AuditEvent.about(ada.workspace.id, key.id)[0]
    assert (event.action, event.actor_name, event.address) == ("api_key.created", "Ada Byron", "127.0.0.1")
    assert not KEY.search(event.details)


# The plan


def test_the_free_plan_is_said_in_the_form(ada, browse):
    put_on_plan(ada, "free")
    told = words(browse(ada).get(ada.settings("api-keys/new")))
    assert "Keys on the Free plan live at most 90 days." in told
    assert "Not included in the Free plan." in told
    assert "does not include IP allowlists" in told


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"expires": "none"}, 422, "Keys on the Free plan live at most 90 days."),
        ({"scopes": ["admin:workspace"]}, 403, "The Free plan does not include keys with admin:workspace. Untick it"),
        ({"networks": "10.0.0.1"}, 403, "The Free plan does not include IP allowlists. Leave the list empty"),
    ],
)
def test_what_the_free_plan_lacks_is_refused_with_what_to_do(ada, browse, fields, status, said):
    put_on_plan(ada, "free")
    answer = create(browse(ada), ada, **fields)
    assert answer.status_code == status
    assert said in words(answer)
    assert keys_of(ada) == []


def test_the_last_day_of_the_free_plan_can_be_chosen_and_the_next_cannot(ada, browse):
    put_on_plan(ada, "free")
    live_in(ada, "Europe/Berlin")
    last = re.search(r'max="([^"]*)"', browse(ada).get(ada.settings("api-keys/new")).text)[1]
    day_after = (datetime.fromisoformat(last) + timedelta(days=1)).date().isoformat()
    assert create(browse(ada), ada, expires="custom", expires_on=day_after).status_code == 422
    assert create(browse(ada), ada, expires="custom", expires_on=last).status_code == 201


def test_a_full_plan_says_so_before_one_fills_in_a_form(ada, browse, make_key):
    put_on_plan(ada, "free")
    for _ in range(3):
        make_key(ada, expires_at=now() + timedelta(days=9))
    assert "Create API key" in browse(ada).get(ada.settings()).text
    page = browse(ada).get(ada.settings("api-keys/new"))
    assert page.status_code == 200
    assert "All 3 keys of the Free plan are in use" in words(page)
    assert 'name="name"' not in page.text


def test_a_plan_that_filled_up_meanwhile_keeps_what_was_typed(ada, browse, make_key):
    put_on_plan(ada, "free")
    form = filled(browse(ada), ada, name="Fourth")
    for _ in range(3):
        make_key(ada, expires_at=now() + timedelta(days=9))
    answer = browse(ada).post(ada.settings("api-keys/new"), form)
    assert answer.status_code == 403
    assert "All 3 keys of the Free plan are in use. Revoke a key that is no longer needed" in words(answer)
    assert value(answer, "name") == "Fourth"


# The password


def test_after_a_while_the_password_is_asked_and_the_key_made_once(ada, browse):
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


def test_a_wrong_password_makes_nothing(ada, browse):
    browser = browse(ada)
    form = filled(browser, ada)
    let_password_age(ada)
    answer = browser.post(ada.settings("api-keys/new"), dict(form, password_again="not the password"))
    assert answer.status_code == 403
    assert "That is not your password." in words(answer)
    assert keys_of(ada) == []


# Copies


def test_a_copy_starts_with_the_settings_of_its_original(ada, browse, make_key):
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


def test_a_copy_lives_as_long_as_its_original_was_given(ada, browse, make_key):
    forever, _ = make_key(ada, name="Forever")
    weeks, _ = make_key(ada, name="Weeks", expires_at=now() + timedelta(days=45))
    browser = browse(ada)
    copied = [browser.get(ada.settings("api-keys/new"), query_string={"copy": key.id}) for key in (forever, weeks)]
    assert [ticked(page, "expires") for page in copied] == [{"none"}, {"custom"}]
    assert value(copied[1], "expires_on") == (now() + timedelta(days=45)).date().isoformat()


def test_the_name_of_a_copy_is_free(ada, browse, make_key):
    key, _ = make_key(ada, name="x" * 80)
    browser = browse(ada)
    for name in ("x" * 75 + " copy", "x" * 73 + " copy 2"):
        page = browser.get(ada.settings("api-keys/new"), query_string={"copy": key.id})
        assert value(page, "name") == name
        assert create(browser, ada, name=name).status_code == 201


def test_a_revoked_key_can_be_copied_and_that_of_a_stranger_cannot(ada, mallory, browse, make_key):
    key, _ = make_key(ada, name="CI")
    key.revoke(by=ada.actor)
    assert browse(ada).get(ada.settings("api-keys/new"), query_string={"copy": key.id}).status_code == 200
    assert browse(mallory).get(mallory.settings("api-keys/new"), query_string={"copy": key.id}).status_code == 404


@pytest.mark.parametrize("key_id", ["", "key_unknown", "\0", "x" * 10_000, "\u202e"])
def test_a_copy_of_nothing_is_not_found(ada, browse, key_id):
    assert browse(ada).get(ada.settings("api-keys/new"), query_string={"copy": key_id}).status_code == 404


def test_a_copy_leaves_out_what_the_plan_lost(ada, browse, make_key):
    key, _ = make_key(ada, scopes={"admin:workspace", "read:data"}, networks=("10.0.0.0/8",))
    put_on_plan(ada, "free")
    page = browse(ada).get(ada.settings("api-keys/new"), query_string={"copy": key.id})
    assert ticked(page) == {"read:data"}
    assert ticked(page, "expires") == {"90"}


# htmx


def test_htmx_gets_the_form_as_a_dialog(ada, browse):
    answer = browse(ada).htmx_get(ada.settings("api-keys/new"))
    assert answer.headers["HX-Retarget"] == "#dlg"
    assert "<html" not in answer.text
    assert '<h2 id="dlg-h"' in answer.text


@pytest.mark.parametrize(("name", "status"), [("", 422), ("CI", 201)])
def test_htmx_gets_mistakes_and_the_key_in_the_same_dialog(ada, browse, name, status):
    form = filled(browse(ada), ada, name=name)
    answer = browse(ada).htmx_post(ada.settings("api-keys/new"), form)
    assert answer.status_code == status
    assert answer.headers["HX-Retarget"] == "#dlg"
    assert "HX-Push-Url" not in answer.headers


def test_the_dialog_with_the_key_is_locked(ada, browse):
    answer = browse(ada).htmx_post(ada.settings("api-keys/new"), filled(browse(ada), ada))
    assert "data-locked" in answer.text
    assert "data-stored-link" in answer.text
    assert answer.text.count("data-secret") == 3


def test_a_form_of_another_site_makes_nothing(ada, browse):
    form = filled(browse(ada), ada)
    answer = browse(ada).post(ada.settings("api-keys/new"), form, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert browse(ada).post(ada.settings("api-keys/new"), form | {"csrf_token": "stale"}).status_code == 400
    assert keys_of(ada) == []


def test_fields_that_the_form_does_not_have_do_nothing(ada, mallory, browse):
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


def test_a_number_used_in_another_workspace_reveals_nothing_of_it(ada, mallory, browse):
    number = random_text(26)
    create(browse(ada), ada, form_id=number)
    answer = create(browse(mallory), mallory, form_id=number)
    assert answer.status_code == 404
    assert ApiKey.in_workspace(mallory.workspace.id).count() == 0
