"""`/api/v2/w/{workspace_id}/members`: the people of a workspace, over the API."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from models import ApiKey, AuditEvent, BrowserSession, Member
from tests.support.cast import Person, make_admin_key
from tests.support.clients import ApiClient, Browser

Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]


@pytest.fixture
def client(ada: Person, call: Call, make_key: MakeKey) -> ApiClient:
    """A client with Ada's CRM sync key."""
    return call(make_key(ada, scopes={"read:members", "write:members"})[1])


def test_members_are_listed_oldest_first_and_in_full(
    ada: Person, bob: Person, carla: Person, client: ApiClient
) -> None:
    answer = client.get(ada.api())
    assert answer.status_code == 200 and answer.get_json()["next_cursor"] is None
    assert [each["name"] for each in answer.get_json()["data"]] == [ada.member.name, bob.member.name, carla.member.name]
    assert answer.get_json()["data"][0] == {
        "id": ada.member.id,
        "name": "Ada Byron",
        "email": "ada@example.com",
        "role": "owner",
        "status": "active",
        "title": "",
        "created_at": ada.member.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "updated_at": ada.member.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def test_pages_lead_to_each_member_exactly_once(ada: Person, client: ApiClient) -> None:
    for number in range(7):
        Member.add(ada.workspace, name=f"P {number}", email=f"p{number}@example.com", role="contact", by=ada.actor)
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = client.get(ada.api(), query_string=query).get_json()
        assert len(page["data"]) <= 3
        seen += [each["id"] for each in page["data"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert len(seen) == len(set(seen)) == 8


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=0", 422),
        ("limit=101", 422),
        ("limit=x", 422),
        ("limit=1&limit=2", 422),
        ("limit=9999999999999999999999", 422),
        ("cursor=zzz", 400),
        ("cursor=bnVsbA", 400),
        ("cursor=WzEsMl0", 400),
        ("cursor=" + "W" * 200, 400),
        ("cursor=" + "W" * 201, 422),
        ("cursor=%00", 400),
        ("limit=100", 200),
    ],
)
def test_page_sizes_and_cursors_are_checked(query: str, status: int, ada: Person, client: ApiClient) -> None:
    assert client.get(f"{ada.api()}?{query}").status_code == status


@pytest.mark.parametrize(
    "place",
    [
        [10**18, "mem_x"],
        [2**62, "mem_x"],
        [253402300800 * 10**6, "mem_x"],
        [-1, "mem_x"],
        [0, "\ud800"],
        [0, "\0"],
        [True, "mem_x"],
        [1.5, "mem_x"],
        [1, 2],
        [1, "mem_x", 3],
        {"a": 1, "b": 2},
        5,
    ],
)
@pytest.mark.parametrize("what", ["members", "audit-events", "api-keys"])
def test_a_cursor_that_nobody_gave_out_is_refused(place: Any, what: str, ada: Person, call: Call) -> None:
    made_up = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
    answer = call(make_admin_key(ada)[1]).get(f"{ada.api(what)}?cursor={made_up}")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_request")


def test_a_cursor_at_the_end_of_time_is_an_empty_page(ada: Person, client: ApiClient) -> None:
    last = base64.urlsafe_b64encode(b'[253402300799999999,"mem_x"]').decode().rstrip("=")
    assert client.get(f"{ada.api()}?cursor={last}").get_json() == {"data": [], "next_cursor": None}


def test_a_member_is_found_by_id(ada: Person, bob: Person, client: ApiClient) -> None:
    assert client.get(ada.api(f"members/{bob.member.id}")).get_json()["email"] == "bob@example.com"


def test_a_contact_is_created(ada: Person, client: ApiClient) -> None:
    answer = client.post(ada.api(), json={"name": " Zoë Ng ", "email": "Zoe@Example.com", "title": "CFO"})
    assert answer.status_code == 201
    assert (answer.get_json()["name"], answer.get_json()["email"], answer.get_json()["role"]) == (
        "Zoë Ng",
        "zoe@example.com",
        "contact",
    )
    assert client.get(answer.headers["Location"]).get_json() == answer.get_json()
    event = AuditEvent.about(ada.workspace.id, answer.get_json()["id"])[0]
    assert (event.action, event.actor_kind) == ("member.added", "key")


def test_a_member_made_by_a_key_waits_for_a_link(ada: Person, client: ApiClient) -> None:
    answer = client.post(ada.api(), json={"name": "Zoë", "email": "zoe@example.com", "role": "member"})
    assert (answer.status_code, answer.get_json()["status"]) == (201, "invited")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"name", "email"}),
        ({"name": "", "email": "x"}, {"name", "email"}),
        ({"name": "A", "email": "a@example.com", "role": "king"}, {"role"}),
        ({"name": "A", "email": "a@example.com", "is_admin": True}, {"is_admin"}),
        ({"name": "A", "email": "a@example.com", "workspace_id": "ws_x", "id": "mem_x"}, {"workspace_id", "id"}),
        ({"name": "a\nb", "email": "a@example.com"}, {"name"}),
        ({"name": "a\u202eb", "email": "a@example.com"}, {"name"}),
        ({"name": "a\x00b", "email": "a@example.com"}, {"name"}),
        ({"name": "x" * 121, "email": "a@example.com"}, {"name"}),
        ({"name": "x" * 10_001, "email": "a@example.com"}, {"name"}),
        ({"name": 7, "email": []}, {"name", "email"}),
        ({"name": "A", "email": "a@example.com\r\nBcc: b@example.com"}, {"email"}),
    ],
)
def test_wrong_values_are_named_and_change_nothing(
    body: dict[str, Any], fields: set[str], ada: Person, client: ApiClient
) -> None:
    answer = client.post(ada.api(), json=body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_failed")
    assert {each["field"] for each in answer.get_json()["errors"]} == fields
    assert Member.in_workspace(ada.workspace.id).count() == 1


def test_a_lone_surrogate_is_refused(ada: Person, client: ApiClient) -> None:
    body = '{"name": "\\ud800", "email": "a@example.com"}'
    assert client.post(ada.api(), data=body, content_type="application/json").status_code in (400, 422)


def test_hostile_but_printable_names_are_kept_as_they_are(ada: Person, client: ApiClient) -> None:
    name = "<img src=x onerror=alert(1)> {{7*7}} 🔑 '; DROP TABLE member; --"
    answer = client.post(ada.api(), json={"name": name, "email": "a@example.com"})
    assert (answer.status_code, answer.get_json()["name"]) == (201, name)


def test_an_address_is_taken_once_in_a_workspace(ada: Person, bob: Person, client: ApiClient) -> None:
    answer = client.post(ada.api(), json={"name": "Other", "email": "BOB@example.com"})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "conflict")


def test_a_patch_changes_what_it_names_and_null_empties(ada: Person, carla: Person, client: ApiClient) -> None:
    path = ada.api(f"members/{carla.member.id}")
    assert client.patch(path, json={"title": "Buyer"}).get_json()["title"] == "Buyer"
    answer = client.patch(path, json={"title": None, "name": "Carla M."})
    assert (answer.get_json()["title"], answer.get_json()["name"], answer.get_json()["email"]) == (
        "",
        "Carla M.",
        "carla@example.com",
    )
    assert client.patch(path, json={"name": None}).status_code == 422
    assert client.patch(path, json={}).get_json() == answer.get_json()


def test_a_removed_member_is_gone_and_signed_out_at_once(
    ada: Person, bob: Person, client: ApiClient, browse: Callable[[Person], Browser]
) -> None:
    browser = browse(bob)
    path = ada.api(f"members/{bob.member.id}")
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404 and client.delete(path).status_code == 404
    assert not BrowserSession.of(bob.user)
    assert browser.get(ada.settings("members")).status_code == 302


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_a_key_can_neither_make_nor_touch_those_who_manage_keys(
    role: str, ada: Person, olga: Person, bob: Person, call: Call, make_key: MakeKey
) -> None:
    managers = {"owner": ada, "admin": olga}
    for scopes in ({"read:members", "write:members"}, {"admin:workspace"}):
        client = call(make_key(ada, scopes=scopes)[1])
        made = client.post(ada.api(), json={"name": "X", "email": "x@example.com", "role": role})
        raised = client.patch(ada.api(f"members/{bob.member.id}"), json={"role": role})
        path = ada.api(f"members/{managers[role].member.id}")
        changed = client.patch(path, json={"name": "X"})
        unchanged = client.patch(path, json={"name": managers[role].member.name})
        removed = client.delete(path)
        assert [each.status_code for each in (made, raised, changed, unchanged, removed)] == [403] * 5
    assert Member.get_by_id(bob.member.id).role == "member"
    assert Member.in_workspace(ada.workspace.id).count() == 3


def test_reading_and_writing_are_apart(ada: Person, bob: Person, call: Call, make_key: MakeKey) -> None:
    reader = call(make_key(ada, scopes={"read:members"})[1])
    writer = call(make_key(ada, scopes={"write:members"})[1])
    path = ada.api(f"members/{bob.member.id}")
    assert reader.get(path).status_code == 200 and reader.patch(path, json={"title": "X"}).status_code == 403
    assert writer.get(path).status_code == 403 and writer.patch(path, json={"title": "X"}).status_code == 200


def test_the_tenant_comes_from_the_key_alone(ada: Person, mallory: Person, client: ApiClient) -> None:
    foreign = client.get(mallory.api())
    unknown = client.get("/api/v2/w/ws_0000000000000000/members")
    assert foreign.status_code == unknown.status_code == 404
    smuggled = client.get(ada.api(f"members/{mallory.member.id}"), query_string={"workspace_id": mallory.workspace.id})
    assert smuggled.status_code == 404
    assert mallory.member.name not in client.get(ada.api()).text
