"""`/api/v2/w/{workspace_id}/audit-events`: what happened, and who did it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from models import AuditEvent, database
from models.actor import COMMAND_LINE
from models.database import db
from models.tenancy import change_plan
from tests.support.cast import Person, make_admin_key, make_key
from tests.support.clients import ApiClient


@pytest.fixture
def client(ada: Person, call: Callable[..., ApiClient]) -> ApiClient:
    return call(make_admin_key(ada, name="Auditor")[1])


def events(client: ApiClient, person: Person, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(person.api("audit-events"), query_string=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.get_json()["data"]
    return found


def test_events_are_listed_newest_first_with_who_did_what(ada: Person, client: ApiClient) -> None:
    answer = client.post(ada.api(), json={"name": "Zoë", "email": "zoe@example.com"})
    newest, *older = events(client, ada)
    assert (newest["action"], newest["subject"]) == ("member.added", answer.get_json()["id"])
    assert (newest["actor"]["kind"], newest["actor"]["name"]) == ("key", "Auditor")
    assert (newest["address"], newest["request_id"]) == ("192.0.2.7", answer.headers["X-Request-Id"])
    assert newest["details"] == {"name": "Zoë", "role": "contact"}
    assert [each["action"] for each in older] == ["api_key.created", "workspace.created"]


def test_events_are_filtered(ada: Person, client: ApiClient) -> None:
    key, _ = make_key(ada, name="Old")
    key.revoke(by=ada.actor)
    assert {each["action"] for each in events(client, ada, action="api_key.")} == {"api_key.created", "api_key.revoked"}
    assert len(events(client, ada, action="api_key.revoked")) == 1
    assert [each["action"] for each in events(client, ada, subject=key.id)] == ["api_key.revoked", "api_key.created"]
    assert {each["actor"]["name"] for each in events(client, ada, actor=ada.member.id)} == {"Ada Byron"}
    assert len(events(client, ada, request_id="req_of")) == 0
    soon = (database.now() + timedelta(hours=1)).isoformat()
    assert events(client, ada, since=soon) == []
    assert len(events(client, ada, until=soon)) == 4


@pytest.mark.parametrize(
    "query", [{"action": "x y"}, {"subject": "%"}, {"since": "yesterday"}, {"since": "2026-01-01T00:00:00"}]
)
def test_a_filter_that_is_none_is_refused(ada: Person, client: ApiClient, query: dict[str, str]) -> None:
    assert client.get(ada.api("audit-events"), query_string=query).status_code == 422


def test_pages_lead_to_each_event_once(ada: Person, client: ApiClient) -> None:
    for number in range(6):
        make_key(ada, name=f"Many {number}")
    seen, cursor = [], None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = client.get(ada.api("audit-events"), query_string=query).get_json()
        seen += [each["id"] for each in page["data"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert len(seen) == len(set(seen)) == 8


def test_nothing_of_another_workspace_is_among_them(ada: Person, mallory: Person, client: ApiClient) -> None:
    key, _ = make_key(mallory, name="Rivals")
    assert events(client, ada, subject=key.id) == []
    assert "Rivals" not in str(events(client, ada))


def test_a_smaller_plan_hides_older_history_at_once_and_deletes_it_later(ada: Person, client: ApiClient) -> None:
    with time_machine.travel(database.now() - timedelta(days=20), tick=False):
        key, _ = make_key(ada, name="Early")
    assert len(events(client, ada, subject=key.id)) == 1
    change_plan(ada.workspace, "free", by=COMMAND_LINE)
    assert events(client, ada, subject=key.id) == []
    assert AuditEvent.about(ada.workspace.id, key.id) == []
    AuditEvent.purge()
    change_plan(ada.workspace, "team", by=COMMAND_LINE)
    assert len(events(client, ada, subject=key.id)) == 1
    change_plan(ada.workspace, "free", by=COMMAND_LINE)
    with time_machine.travel(database.now() + timedelta(days=29), tick=False):
        assert AuditEvent.purge() == 0
    with time_machine.travel(database.now() + timedelta(days=31), tick=False):
        assert AuditEvent.purge() >= 1
        assert AuditEvent.purge() == 0
    change_plan(ada.workspace, "team", by=COMMAND_LINE)
    assert events(client, ada, subject=key.id) == []


def test_the_first_page_is_read_from_an_index(ada: Person) -> None:
    query = AuditEvent.in_workspace(ada.workspace.id).order_by(AuditEvent.at.desc(), AuditEvent.id.desc()).limit(21)
    sql, params = query.sql()
    if database.is_sqlite():
        plan = " ".join(row[3] for row in db.execute_sql(f"EXPLAIN QUERY PLAN {sql}", params))
        assert "USING INDEX" in plan and "SCAN" not in plan, plan
    else:
        db.execute_sql("SET enable_seqscan = off")
        plan = " ".join(row[0] for row in db.execute_sql(f"EXPLAIN {sql}", params))
        db.execute_sql("SET enable_seqscan = on")
        assert "Index" in plan, plan
