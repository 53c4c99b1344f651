"""`/api/v2/w/{workspace_id}/api-keys`: keys managed by a key."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from models import ApiKey, AuditEvent, IdempotentAnswer, database, usage_fold
from models.actor import COMMAND_LINE
from models.tenancy import change_plan
from tests.support.cast import Person, make_admin_key, make_key
from tests.support.clients import ApiClient

Call = Callable[..., ApiClient]

NEW = {"name": "Nightly report", "scopes": ["read:members"]}


@pytest.fixture
def client(ada: Person, call: Call) -> ApiClient:
    return call(make_admin_key(ada, name="Manager")[1])


def made(client: ApiClient, person: Person, **more: Any) -> dict[str, Any]:
    answer = client.post(person.api("api-keys"), json=NEW | more)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def one(person: Person, key: dict[str, Any] | ApiKey, verb: str = "") -> str:
    key_id = key.id if isinstance(key, ApiKey) else key["id"]
    return person.api(f"api-keys/{key_id}/{verb}")


def test_a_key_is_made_and_its_secret_is_in_the_answer_alone(ada: Person, client: ApiClient, call: Call) -> None:
    answer = client.post(ada.api("api-keys"), json=NEW | {"note": "Vault", "networks": ["192.0.2.0/24"]})
    body = answer.get_json()
    secret = body.pop("secret")
    assert body.pop("secret_note") is None
    assert call(secret).get(ada.api()).status_code == 200
    assert body["hint"] == f"gr_{secret[3:7]}…{secret[-2:]}"
    assert (body["status"], body["created_by"]["kind"], body["created_by"]["name"]) == ("active", "key", "Manager")
    shown = client.get(answer.headers["Location"])
    assert secret not in shown.text
    assert {name: value for name, value in shown.get_json().items() if not name.startswith("last")} == {
        name: value for name, value in body.items() if not name.startswith("last")
    }
    event = AuditEvent.about(ada.workspace.id, body["id"])[0]
    assert (event.action, event.actor_kind) == ("api_key.created", "key")


def test_the_repeat_of_a_creation_makes_nothing_and_tells_that_the_secret_was_shown(
    ada: Person, client: ApiClient
) -> None:
    headers = {"Idempotency-Key": "once"}
    first, second = (client.post(ada.api("api-keys"), json=NEW, headers=headers) for _ in range(2))
    assert (second.status_code, second.headers["Idempotent-Replayed"]) == (201, "true")
    note = second.get_json()["secret_note"]
    assert second.get_json() == first.get_json() | {"secret": None, "secret_note": note}
    assert first.get_json()["secret_note"] is None and "was shown in the first answer" in note
    assert second.headers["Location"] == first.headers["Location"]
    assert first.get_json()["secret"] not in str(list(IdempotentAnswer.select().dicts()))
    assert ApiKey.in_workspace(ada.workspace.id).count() == 2


def test_keys_are_listed_in_pages_and_by_state(ada: Person, client: ApiClient) -> None:
    names = [made(client, ada, name=f"Key {number}")["name"] for number in range(5)]
    make_key(ada, name="Gone")[0].revoke(by=ada.actor)
    seen, cursor = [], None
    while True:
        page = client.get(ada.api("api-keys"), query_string={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        seen += [each["name"] for each in page.get_json()["data"]]
        if (cursor := page.get_json()["next_cursor"]) is None:
            break
    assert seen == ["Manager", *names, "Gone"]
    inactive = client.get(ada.api("api-keys"), query_string={"status": "inactive"}).get_json()
    assert [each["name"] for each in inactive["data"]] == ["Gone"]
    assert client.get(ada.api("api-keys"), query_string={"status": "odd"}).status_code == 422


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"name", "scopes"}),
        ({"name": "", "scopes": []}, {"name", "scopes"}),
        ({"name": "x", "scopes": ["read:everything"]}, {"scopes"}),
        ({"name": "x", "scopes": ["read:members"], "networks": ["nowhere"]}, {"networks"}),
        ({"name": "x", "scopes": ["read:members"], "expires_at": "2020-01-01T00:00:00Z"}, {"expires_at"}),
        ({"name": "x", "scopes": ["read:members"], "expires_at": "2030-01-01T00:00:00"}, {"expires_at"}),
        ({"name": "x", "scopes": ["read:members"], "workspace_id": "ws_x", "id": "key_x"}, {"workspace_id", "id"}),
        ({"name": "x" * 81, "scopes": ["read:members"]}, {"name"}),
    ],
)  # fmt: skip
def test_wrong_values_are_named_and_make_nothing(
    ada: Person, client: ApiClient, body: dict[str, Any], fields: set[str]
) -> None:
    answer = client.post(ada.api("api-keys"), json=body)
    assert answer.status_code == 422
    assert {each["field"] for each in answer.get_json()["errors"]} == fields
    assert ApiKey.in_workspace(ada.workspace.id).count() == 1


def test_a_name_is_taken_once(ada: Person, client: ApiClient) -> None:
    made(client, ada)
    answer = client.post(ada.api("api-keys"), json=NEW | {"name": "nightly REPORT"})
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, "name")


def test_a_patch_changes_what_it_names(ada: Person, client: ApiClient) -> None:
    key = made(client, ada, note="Vault", networks=["192.0.2.0/24"])
    changed = client.patch(one(ada, key), json={"name": "Report", "scopes": ["read:data", "read:members"]})
    body = changed.get_json()
    assert (body["name"], body["scopes"], body["note"], body["networks"]) == (
        "Report",
        ["read:members", "read:data"],
        "Vault",
        ["192.0.2.0/24"],
    )
    emptied = client.patch(one(ada, key), json={"note": None, "networks": None}).get_json()
    assert (emptied["note"], emptied["networks"]) == ("", [])
    refused = client.patch(one(ada, key), json={"name": None, "scopes": None})
    assert {each["field"] for each in refused.get_json()["errors"]} == {"name", "scopes"}


def test_a_key_is_disabled_and_enabled(ada: Person, client: ApiClient, call: Call) -> None:
    key = made(client, ada)
    assert client.patch(one(ada, key), json={"disabled": True}).get_json()["status"] == "disabled"
    assert call(key["secret"]).get(ada.api()).get_json()["code"] == "disabled_key"
    assert client.patch(one(ada, key), json={"disabled": False, "name": "Again"}).get_json()["status"] == "active"
    assert call(key["secret"]).get(ada.api()).status_code == 200


def test_a_patch_happens_whole_or_not_at_all(ada: Person, client: ApiClient) -> None:
    key = made(client, ada)
    assert client.patch(one(ada, key), json={"disabled": True, "scopes": ["no:such"]}).status_code == 422
    assert client.patch(one(ada, key), json={"disabled": None}).status_code == 422
    assert client.get(one(ada, key)).get_json()["status"] == "active"


def test_a_rotated_key_has_a_new_secret_and_the_old_one_is_dead(ada: Person, client: ApiClient, call: Call) -> None:
    key = made(client, ada)
    rotated = client.post(one(ada, key, "rotate"))
    assert rotated.status_code == 201 and rotated.get_json()["id"] == key["id"]
    assert call(rotated.get_json()["secret"]).get(ada.api()).status_code == 200
    assert call(key["secret"]).get(ada.api()).get_json()["code"] == "revoked_key"


def test_a_revoked_key_is_dead_and_can_then_be_deleted(ada: Person, client: ApiClient, call: Call) -> None:
    key = made(client, ada)
    assert client.delete(one(ada, key)).status_code == 409
    revoked = client.post(one(ada, key, "revoke"), json={"reason": "leaked", "note": "In a public repository"})
    assert (revoked.get_json()["status"], revoked.get_json()["revoke_reason"]) == ("revoked", "leaked")
    assert call(key["secret"]).get(ada.api()).get_json()["code"] == "revoked_key"
    assert client.post(one(ada, key, "rotate")).status_code == 409
    assert client.patch(one(ada, key), json={"name": "Back"}).status_code == 409
    assert client.delete(one(ada, key)).status_code == 204
    assert client.get(one(ada, key)).status_code == 404


def test_a_key_is_revoked_without_a_word(ada: Person, client: ApiClient, call: Call) -> None:
    key = made(client, ada)
    revoked = client.post(one(ada, key, "revoke"))
    assert (revoked.status_code, revoked.get_json()["revoke_reason"]) == (200, "unneeded")
    assert call(key["secret"]).get(ada.api()).get_json()["code"] == "revoked_key"
    assert client.post(one(ada, key, "revoke"), data="x", content_type="text/plain").status_code == 415
    assert client.post(ada.api("api-keys")).status_code == 415


def test_the_last_use_is_no_change(ada: Person, client: ApiClient, call: Call) -> None:
    key = made(client, ada)
    tag = client.get(one(ada, key)).headers["ETag"]
    call(key["secret"]).get(ada.api())
    usage_fold.fold()
    shown = client.get(one(ada, key))
    assert shown.get_json()["last_used_request"].endswith("/members")
    assert shown.headers["ETag"] == tag
    client.patch(one(ada, key), json={"name": "Other"})
    refused = client.patch(one(ada, key), json={"name": "Mine"}, headers={"If-Match": tag})
    assert (refused.status_code, refused.get_json()["code"]) == (412, "precondition_failed")


def test_the_plan_bites_here_too(ada: Person, client: ApiClient) -> None:
    key = made(client, ada)
    change_plan(ada.workspace, "free", by=COMMAND_LINE)
    soon = (database.now() + timedelta(days=30)).isoformat()
    answers = [
        client.post(ada.api("api-keys"), json=NEW | {"name": "A", "scopes": ["admin:workspace"], "expires_at": soon}),
        client.post(ada.api("api-keys"), json=NEW | {"name": "B", "networks": ["192.0.2.0/24"], "expires_at": soon}),
        client.patch(one(ada, key), json={"expires_at": soon, "networks": ["192.0.2.0/24"]}),
    ]
    assert [(each.status_code, each.get_json()["code"]) for each in answers] == [(403, "plan_limit")] * 3
    endless = client.post(ada.api("api-keys"), json=NEW | {"name": "C"}).get_json()
    assert (endless["code"], endless["limit"], endless["value"]) == ("plan_limit", "longest_life_days", 90)
    made(client, ada, name="D", expires_at=soon)
    full = client.post(ada.api("api-keys"), json=NEW | {"name": "E", "expires_at": soon}).get_json()
    assert (full["code"], full["limit"], full["value"], full["plan"]) == ("plan_limit", "active_keys", 3, "free")
