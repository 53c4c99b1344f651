"""`/api/v2/w/{workspace_id}`: the workspace, as a key with `admin:workspace` sees and renames it."""

from collections.abc import Callable

import pytest

from models import AuditEvent, Workspace
from tests.support.cast import Person, make_admin_key
from tests.support.clients import ApiClient


@pytest.fixture
def client(ada: Person, call: Callable[..., ApiClient]) -> ApiClient:
    return call(make_admin_key(ada)[1])


def test_it_tells_the_plan_and_how_much_of_it_is_used(ada: Person, client: ApiClient) -> None:
    client.get(ada.api(""))
    assert client.get(ada.api("")).get_json() == {
        "id": ada.workspace.id,
        "name": "Fieldstone",
        "plan": "team",
        "limits": {
            "active_keys": 25,
            "longest_life_days": None,
            "admin_keys": True,
            "allowlists": True,
            "requests_per_minute": 600,
            "requests_per_month": 1_000_000,
            "history_days": 90,
        },
        "policy": {
            "longest_life_days": None,
            "expiry_required": False,
            "admin_allowlist": False,
            "unused_days": 90,
            "rotation_days": 90,
            "staged_cleanup": False,
            "creators": "managers",
        },
        "active_keys": 1,
        "requests_this_month": 2,
        "created_at": ada.workspace.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def test_it_is_renamed(ada: Person, client: ApiClient) -> None:
    tag = client.get(ada.api("")).headers["ETag"]
    answer = client.patch(ada.api(""), json={"name": " Granite "}, headers={"If-Match": tag})
    assert (answer.status_code, answer.get_json()["name"]) == (200, "Granite")
    assert AuditEvent.about(ada.workspace.id, ada.workspace.id)[0].actor_kind == "key"
    late = client.patch(ada.api(""), json={"name": "Slate"}, headers={"If-Match": tag})
    assert (late.status_code, Workspace.get_by_id(ada.workspace.id).name) == (412, "Granite")


@pytest.mark.parametrize("body", [{"name": None}, {"name": ""}, {"name": "a\nb"}, {"name": "x" * 81}])
def test_a_name_that_is_none_is_refused(ada: Person, client: ApiClient, body: dict[str, str | None]) -> None:
    answer = client.patch(ada.api(""), json=body)
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, "name")


def test_an_empty_patch_changes_nothing(ada: Person, client: ApiClient) -> None:
    assert client.patch(ada.api(""), json={}).get_json()["name"] == "Fieldstone"


@pytest.mark.parametrize("body", [{"plan": "enterprise"}, {"plan_slug": "enterprise"}, {"id": "ws_x"}])
def test_no_key_changes_the_plan(ada: Person, client: ApiClient, body: dict[str, str]) -> None:
    assert client.patch(ada.api(""), json=body).status_code == 422
    assert Workspace.get_by_id(ada.workspace.id).plan_slug == "team"


@pytest.mark.parametrize("method", ["DELETE", "PUT", "POST"])
def test_no_key_ends_a_workspace(ada: Person, client: ApiClient, method: str) -> None:
    answer = client.open(method, ada.api(""))
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "PATCH"}
