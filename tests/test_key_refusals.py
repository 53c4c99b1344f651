"""Refused requests: recorded, listed on the page of their key, found by their id, and mended from there."""

import re
import sqlite3
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine

from models import ApiKey, AuditEvent, Refusal, database
from models.actor import COMMAND_LINE
from models.database import db
from models.tenancy import change_plan
from tests.support.cast import Person, make_key
from tests.support.clients import ApiClient, Browser

Call = Callable[..., ApiClient]
Browse = Callable[[Person], Browser]

MEMBERS = "/api/v2/w/<workspace_id>/members"


def page(person: Person, key: ApiKey, more: str = "") -> str:
    return person.settings(f"api-keys/{key.id}{more}")


def lacking(person: Person, call: Call, **headers: str) -> tuple[ApiKey, dict[str, Any]]:
    """A key, and the answer that it got for want of write:members."""
    key, text = make_key(person, name="Report")
    answer = call(text).post(person.api(), json={}, headers={"User-Agent": "curl/8.5"} | headers)
    return key, answer.get_json()


def reasons(key: ApiKey) -> list[str]:
    return [row.code for row in Refusal.of(key)]


def test_a_refusal_says_what_is_missing_and_where_to_mend_it(ada: Person, call: Call) -> None:
    key, body = lacking(ada, call)
    assert (body["code"], body["key_id"], body["required_scope"]) == ("insufficient_scope", key.id, "write:members")
    assert body["granted_scopes"] == ["read:members"]
    assert body["fix_url"] == f"http://localhost{page(ada, key)}?request={body['request_id']}#refused"


def test_the_page_that_it_names_shows_the_request(ada: Person, call: Call, browse: Browse) -> None:
    key, body = lacking(ada, call)
    shown = browse(ada).get(body["fix_url"].removeprefix("http://localhost").partition("#")[0]).text
    for text in (
        body["request_id"],
        "POST /members",
        "192.0.2.7",
        "curl/8.5",
    ):
        assert text in shown
    assert "A scope was missing" in shown and "Add this scope" in shown
    assert Refusal.of(key)[0].scope == "write:members"


def test_each_refusal_of_a_proven_key_is_kept_with_its_reason(ada: Person, mallory: Person, call: Call) -> None:
    key, text = make_key(ada, networks=("192.0.2.7/32",))
    client = call(text)
    client.get(ada.api(), address="203.0.113.1")
    client.get(mallory.api())
    key.disable(by=ada.actor)
    client.get(ada.api())
    ApiKey.find(ada.workspace.id, key.id).revoke(by=ada.actor)
    client.get(ada.api())
    assert sorted(reasons(key)) == ["disabled_key", "ip_not_allowed", "not_found", "revoked_key"]
    assert {row.request for row in Refusal.of(key)} == {f"GET {MEMBERS}"}


def test_what_is_no_refusal_or_of_nobody_is_not_kept(ada: Person, call: Call) -> None:
    key, text = make_key(ada, scopes={"read:members", "write:members"})
    client = call(text)
    client.get(ada.api())
    client.get(ada.api("members/mem_none"))
    client.post(ada.api(), json={})
    call("gr_" + "0" * 20).get(ada.api())
    call().get(ada.api())
    assert not Refusal.select().exists()
    assert reasons(key) == []


def test_a_request_is_found_by_its_id(ada: Person, call: Call, browse: Browse) -> None:
    key, body = lacking(ada, call)
    browser = browse(ada)
    answer = browser.get(ada.settings(f"api-keys?q={body['request_id']}"))
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{page(ada, key)}?request={body['request_id']}#refused"
    missing = browser.get(page(ada, key, "?request=req_00000000000000000000")).text
    assert "There is no refused request" in missing and "newest 100" in missing


def test_nobody_finds_a_strangers_request(ada: Person, mallory: Person, call: Call, browse: Browse) -> None:
    _, body = lacking(ada, call)
    answer = browse(mallory).get(mallory.settings(f"api-keys?q={body['request_id']}"))
    assert answer.status_code == 200 and "No keys match" in answer.text


def test_the_missing_scope_is_added_from_there(ada: Person, call: Call, browse: Browse) -> None:
    key, text = make_key(ada, name="Report")
    assert call(text).post(ada.api(), json={}).status_code == 403
    browser, path = browse(ada), page(ada, key, "/add-scope")
    asked = browser.get(f"{path}?scope=write:members").text
    assert "Can add people to the workspace" in asked
    answer = browser.post(path, {"scope": "write:members", "version": "1"})
    assert answer.status_code == 303
    assert "Report has write:members now." in browser.get(page(ada, key)).text
    assert call(text).post(ada.api(), json={}).status_code == 422
    event = AuditEvent.about(ada.workspace.id, key.id)[0]
    assert (event.action, event.actor_name) == ("api_key.widened", "Ada Byron")
    assert "by now" in browser.get(f"{path}?scope=write:members").text
    assert "Add this scope" not in browser.get(page(ada, key)).text


def test_adding_a_scope_asks_for_the_password_when_it_was_given_long_ago(
    ada: Person, call: Call, browse: Browse
) -> None:
    key, _ = lacking(ada, call)
    browser, form = browse(ada), {"scope": "write:members", "version": "1"}
    with time_machine.travel(database.now() + timedelta(hours=1), tick=False):
        assert browser.post(page(ada, key, "/add-scope"), form).status_code == 403
        assert ApiKey.get_by_id(key.id).scopes == "read:members"
        browser.post(page(ada, key, "/add-scope"), form | {"password_again": ada.password})
    assert ApiKey.get_by_id(key.id).scopes == "read:members write:members"


def test_a_key_that_was_changed_meanwhile_is_asked_about_again(ada: Person, call: Call, browse: Browse) -> None:
    key, _ = lacking(ada, call)
    answer = browse(ada).post(page(ada, key, "/add-scope"), {"scope": "write:members", "version": "7"})
    assert answer.status_code == 409 and "changed this key while" in answer.text


def test_the_plan_bites_here_too(ada: Person, browse: Browse) -> None:
    end = database.now() + timedelta(days=30)
    key, _ = make_key(ada, expires_at=end)
    change_plan(ada.workspace, "free", by=COMMAND_LINE)
    answer = browse(ada).post(page(ada, key, "/add-scope"), {"scope": "admin:workspace", "version": "1"})
    assert answer.status_code == 403 and "does not include keys with admin:workspace" in answer.text


@pytest.mark.parametrize("wanted", ["", "read:everything"])
def test_there_is_no_other_scope_to_add(ada: Person, browse: Browse, wanted: str) -> None:
    key, _ = make_key(ada)
    assert browse(ada).post(page(ada, key, "/add-scope"), {"scope": wanted, "version": "1"}).status_code == 404


def test_only_those_who_manage_keys_add_scopes(ada: Person, bob: Person, browse: Browse) -> None:
    key, _ = make_key(ada)
    answer = browse(bob).post(page(ada, key, "/add-scope"), {"scope": "write:members", "version": "1"})
    assert answer.status_code == 403
    assert ApiKey.get_by_id(key.id).scopes == "read:members"


def test_markup_in_what_a_client_calls_itself_is_text(ada: Person, call: Call, browse: Browse) -> None:
    key, _ = lacking(ada, call, **{"User-Agent": "<img src=x onerror=alert(1)>\u0007" + "x" * 500})
    shown = browse(ada).get(page(ada, key)).text
    assert "<img" not in shown and "&lt;img src=x" in shown
    assert len(Refusal.of(key)[0].client) == 200


def record(key: ApiKey, number: int, code: str = "disabled_key") -> None:
    Refusal.record(
        workspace_id=key.workspace_id, key_id=key.id, request_id=f"req_{number}", code=code, status=401,
        request="GET /x", scope=None, address="192.0.2.7", client="curl",
    )  # fmt: skip


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.refusal.A_SECOND_ELSE", 10_000)


def test_the_newest_hundred_of_a_key_are_kept(ada: Person, browse: Browse, unhurried: None) -> None:
    key, other = make_key(ada)[0], make_key(ada)[0]
    record(other, 0)
    for number in range(130):
        record(key, number)
    kept = [row.request_id for row in Refusal.of(key)]
    assert kept == [f"req_{number}" for number in range(129, 29, -1)]
    assert len(Refusal.of(other)) == 1
    first = browse(ada).get(page(ada, key)).text
    assert "Show all 100" in first and len(re.findall(r">req_\d+<", first)) == 20
    assert len(re.findall(r">req_\d+<", browse(ada).get(page(ada, key, "?all=1")).text)) == 100


def test_a_client_that_hammers_makes_no_storm_of_writes(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    key, other = make_key(ada)[0], make_key(ada)[0]
    for second in (1.0, 2.0):
        # The clock of the machine, which no test can wait for.
        monkeypatch.setattr("models.refusal.time", SimpleNamespace(monotonic=lambda second=second: second))
        for number in range(20):
            record(key, number)
            record(key, number, "rate_limited")
        record(other, 0)
    assert Counter(reasons(key)) == {"disabled_key": 2 * 5, "rate_limited": 2 * 1}
    assert reasons(other) == ["disabled_key"] * 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_that_is_busy_costs_the_list_and_not_the_request(ada: Person, call: Call) -> None:
    key, text = make_key(ada)
    with sqlite3.connect(db.obj.database) as other:
        other.execute("BEGIN IMMEDIATE")
        assert call(text).post(ada.api(), json={}).status_code == 403
        other.rollback()
    assert reasons(key) == []


def test_refusals_go_with_the_history_of_the_plan(ada: Person, call: Call, browse: Browse) -> None:
    with time_machine.travel(database.now() - timedelta(days=20), tick=False):
        key, _ = lacking(ada, call)
    assert reasons(key) == ["insufficient_scope"]
    found = ada.settings(f"api-keys?q={Refusal.of(key)[0].request_id}")
    assert browse(ada).get(found).status_code == 303
    change_plan(ada.workspace, "free", by=COMMAND_LINE)
    assert reasons(key) == [] and Refusal.purge() == 0
    assert "No keys match" in browse(ada).get(found).text
    with time_machine.travel(database.now() + timedelta(days=29), tick=False):
        assert Refusal.purge() == 0
    with time_machine.travel(database.now() + timedelta(days=31), tick=False):
        assert Refusal.purge() == 1


def test_the_requests_of_a_deleted_key_lead_nowhere(ada: Person, call: Call, browse: Browse) -> None:
    key, body = lacking(ada, call)
    key.revoke(by=ada.actor)
    key.delete(by=ada.actor)
    shown = browse(ada).get(ada.settings(f"api-keys?q={body['request_id']}"))
    assert (shown.status_code, "No keys match" in shown.text) == (200, True)
