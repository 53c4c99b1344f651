"""Requests that are refused before their key is looked at: they are counted for it, and it changes nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from peewee import OperationalError

from models import ApiKey, Incident, database, monthly_use
from models.usage import UsageRoute
from tests.support.cast import Person
from tests.support.clients import ApiClient
from tests.support.connection import disconnect
from tests.support.usage import counts

Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]


def test_what_no_route_takes_is_counted_without_its_path(ada: Person, call: Call, make_key: MakeKey) -> None:
    key, text = make_key(ada)
    answers = [
        call(text).get("/api/v2/of/nobody"),
        call(text).open("PUT", "/api/v2/key"),
        call(text).open("BREW", "/api/v2/x"),
    ]
    assert [answer.status_code for answer in answers] == [404, 405, 404]
    assert counts(key) == {("", "client_error"): 3}
    found = UsageRoute.select().where(UsageRoute.key_id == key.id)
    assert {row.request: (row.accepted, row.refused) for row in found} == {
        f"{method} (no such route)": (0, 1) for method in ("GET", "PUT", "other")
    }
    assert ApiKey.get_by_id(key.id).last_used_status == 404


def test_a_dead_secret_is_seen_wherever_it_is_used(ada: Person, call: Call, make_key: MakeKey) -> None:
    key, text = make_key(ada)
    key.revoke(by=ada.actor)
    assert call(text).get("/api/v2/nothing").status_code == 404
    assert counts(key) == {("", "client_error"): 1}
    (incident,) = Incident.open_of(key)
    assert incident.request == "GET (no such route)"


def test_where_no_key_is_asked_for_none_is_looked_at(ada: Person, call: Call, make_key: MakeKey) -> None:
    key, text = make_key(ada)
    answer = call(text).post("/api/v2/key-reports", data="{", content_type="application/json")
    assert answer.status_code == 400
    assert counts(key) == {}


@pytest.mark.parametrize("path", ["/api/v2/nothing", "/api/v2/w/ws_a/nothing"])
def test_where_nothing_is_a_key_changes_nothing(ada: Person, call: Call, make_key: MakeKey, path: str) -> None:
    answers = [call(text).get(path) for text in (make_key(ada)[1], "gr_" + "0" * 20, "x, y", None)]
    varying = ("X-Request-Id", "Date")
    headers = [[each for each in answer.headers if each[0] not in varying] for answer in answers]
    bodies = [{**answer.get_json(), "request_id": ""} for answer in answers]
    assert headers[1:] == headers[:1] * 3 and bodies[1:] == bodies[:1] * 3
    disconnect()
    database.connect("sqlite:////no folder/gravity.db")
    assert call("gr_" + "0" * 20).get(path).status_code == 404


def test_an_answer_that_fails_at_the_end_is_counted_once(
    ada: Person, call: Call, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("the database went away")

    key, text = make_key(ada, networks=("198.51.100.0/24",))
    monkeypatch.setattr(monthly_use, "kept", away)
    assert call(text).get(ada.api()).status_code == 403
    assert counts(key) == {("read:members", "denied"): 1}
