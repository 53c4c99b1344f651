"""`/api/v2/key`: what the key in hand is, and how it narrows itself."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app import create_app
from models import ApiKey, AuditEvent
from models.database import now
from models.settings import Settings
from tests.support.cast import Person
from tests.support.clients import ApiClient
from views.api import enforcement
from views.api.enforcement import check_routes

Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]

KEY = "/api/v2/key"


def test_a_key_tells_what_it_is(ada: Person, call: Call, make_key: MakeKey) -> None:
    end = now() + timedelta(days=90)
    key, text = make_key(ada, name="CI", scopes={"read:data", "read:members"}, networks=("192.0.2.7",), expires_at=end)
    assert call(text).get(KEY).get_json() == {
        "id": key.id,
        "name": "CI",
        "workspace_id": ada.workspace.id,
        "scopes": ["read:members", "read:data"],
        "networks": ["192.0.2.7/32"],
        "created_at": key.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "starts_at": None,
        "expires_at": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "limits": {"requests_per_minute": 600, "requests_per_month": 1_000_000},
        "secret_status": "current",
        "secret_ends_at": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "warning": None,
    }


def test_a_key_narrows_itself_in_scopes_addresses_and_time(ada: Person, call: Call, make_key: MakeKey) -> None:
    key, text = make_key(ada, scopes={"read:members", "write:members"})
    end = (now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = call(text).patch(KEY, json={"scopes": ["read:members"], "networks": ["192.0.2.0/24"], "expires_at": end})
    assert answer.status_code == 200
    assert (answer.get_json()["scopes"], answer.get_json()["networks"]) == (["read:members"], ["192.0.2.0/24"])
    assert answer.get_json()["expires_at"] == end
    assert call(text).get(KEY).get_json() == answer.get_json()
    event = AuditEvent.about(ada.workspace.id, key.id)[0]
    assert (event.action, event.actor_kind, event.actor_id) == ("api_key.edited", "key", key.id)


@pytest.mark.parametrize(
    "more",
    [
        {"scopes": ["read:members", "read:data"]},
        {"scopes": ["admin:workspace"]},
        {"networks": []},
        {"networks": ["0.0.0.0/0"]},
        {"networks": None},
        {"expires_at": None},
        {"expires_at": "2070-01-01T00:00:00Z"},
    ],
)
def test_a_key_never_gives_itself_more(more: dict[str, Any], ada: Person, call: Call, make_key: MakeKey) -> None:
    key, text = make_key(ada, scopes={"read:members"}, networks=("192.0.2.0/24",), expires_at=now() + timedelta(days=5))
    answer = call(text).patch(KEY, json=more)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "not_allowed")
    assert ApiKey.get_by_id(key.id).version == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": None}, "scopes"),
        ({"networks": ["300.1.1.1"]}, "networks"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"expires_at": 10**12 * 1.5}, "expires_at"),
        ({"name": "Renamed"}, "name"),
        ({"workspace_id": "ws_x"}, "workspace_id"),
        ({"revoked_at": None}, "revoked_at"),
    ],
)
def test_wrong_and_foreign_fields_are_named(
    wrong: dict[str, Any], field: str, ada: Person, call: Call, make_key: MakeKey
) -> None:
    key, text = make_key(ada)
    answer = call(text).patch(KEY, json=wrong)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_failed")
    assert field in [each["field"] for each in answer.get_json()["errors"]]
    assert ApiKey.get_by_id(key.id).version == 1


def test_a_key_of_any_scope_may_ask(ada: Person, call: Call, make_key: MakeKey) -> None:
    _, text = make_key(ada, scopes={"write:workflows"})
    assert call(text).get(KEY).status_code == 200
    assert call(text).open("HEAD", KEY).status_code == 200


def test_a_route_without_a_declared_scope_fails_at_start(connected: str, settings: Settings) -> None:
    app = create_app(settings)
    app.add_url_rule("/api/v2/forgotten", "api.forgotten", lambda: "")
    with pytest.raises(RuntimeError, match="/api/v2/forgotten declares no scope"):
        check_routes(app)


def test_a_scope_that_does_not_exist_cannot_be_declared() -> None:
    with pytest.raises(ValueError, match="read:everything"):
        enforcement.needs("read:everything")
