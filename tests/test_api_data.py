"""`/api/v2/w/{workspace_id}/data`: collections, over the API. Their records have a file of their own."""

from typing import Any

import pytest

from models import AuditEvent, Collection, DataRecord, Workspace, collection
from tests.support.cast import Person
from tests.support.clients import ApiClient
from tests.support.data import Call, MakeKey, client, fields, orders, walk

__all__ = ["client", "orders"]

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"email": {"type": "string", "format": "email"}, "age": {"type": ["integer", "null"]}},
    "required": ["email"],
}


def test_a_collection_is_made_and_found_by_its_name(ada: Person, client: ApiClient) -> None:
    answer = client.post(ada.api("data"), json={"name": "people-2", "title": " People ", "schema": SCHEMA})
    made = answer.get_json()
    assert answer.status_code == 201 and made["id"].startswith("col_")
    assert (made["name"], made["title"], made["schema"]) == ("people-2", "People", SCHEMA)
    assert answer.headers["Location"] == ada.api("data/people-2")
    found = client.get(answer.headers["Location"])
    assert found.get_json() == made and found.headers["ETag"] == answer.headers["ETag"]
    event = AuditEvent.about(ada.workspace.id, made["id"])[0]
    assert (event.action, event.facts) == ("collection.created", {"name": "people-2", "title": "People"})


@pytest.mark.parametrize("name", ["", "A", "1a", "-a", "a b", "a.b", "ä", "a/b", "a\n", "a\0", "x" * 64, 7, None])
def test_names_are_slugs(name: Any, ada: Person, client: ApiClient) -> None:
    answer = client.post(ada.api("data"), json={"name": name, "title": "A", "schema": {}})
    assert fields(answer) == {"name"}
    assert not Collection.select().exists()


def test_all_that_is_wrong_is_named_at_once(ada: Person, client: ApiClient) -> None:
    schema = {"type": "array", "properties": {"a": {"pattern": "(a+)+"}}}
    answer = client.post(ada.api("data"), json={"name": "A", "title": "a\0", "schema": schema})
    assert fields(answer) == {"name", "title", "schema.type", "schema.properties.a.pattern"}
    assert fields(client.post(ada.api("data"), json={"id": "col_x"})) == {"name", "title", "schema", "id"}
    assert fields(client.post(ada.api("data"), json={"name": "a", "title": "A", "schema": True})) == {"schema"}


def test_a_schema_is_small(ada: Person, client: ApiClient) -> None:
    large = {"description": "x" * 16 * 1024}
    answer = client.post(ada.api("data"), json={"name": "a", "title": "A", "schema": large})
    assert fields(answer) == {"schema"} and "16 KB" in answer.get_json()["detail"]


def test_a_name_is_taken_once_in_a_workspace(
    ada: Person, mallory: Person, orders: Collection, client: ApiClient
) -> None:
    body: dict[str, Any] = {"name": "orders", "title": "A", "schema": {}}
    answer = client.post(ada.api("data"), json=body)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "conflict")
    assert Collection.make(mallory.workspace, **body, by=mallory.actor).name == "orders"


def test_a_workspace_has_a_hundred_collections_at_most(
    ada: Person, client: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert collection.MOST_COLLECTIONS == 100
    monkeypatch.setattr(collection, "MOST_COLLECTIONS", 2)
    answers = [
        client.post(ada.api("data"), json={"name": f"c{number}", "title": "A", "schema": {}}) for number in range(3)
    ]
    assert [each.status_code for each in answers] == [201, 201, 409]


def test_pages_lead_to_each_collection_exactly_once_oldest_first(ada: Person, client: ApiClient) -> None:
    for number in range(7):
        Collection.make(ada.workspace, name=f"c{9 - number}", title="A", schema={}, by=ada.actor)
    assert [each["name"] for each in walk(client, ada.api("data"), 3)] == [f"c{9 - number}" for number in range(7)]


def test_a_patch_changes_what_it_names(ada: Person, orders: Collection, client: ApiClient) -> None:
    path = ada.api("data/orders")
    before = client.get(path).get_json()
    assert client.patch(path, json={}).get_json() == before
    assert client.patch(path, json={"title": "Sales"}).get_json()["title"] == "Sales"
    answer = client.patch(path, json={"schema": {"properties": {"total": {"const": None}}}}).get_json()
    assert answer["title"] == "Sales" and answer["schema"] == {"properties": {"total": {"const": None}}}
    events = [event for event in AuditEvent.about(ada.workspace.id, orders.id) if event.action == "collection.changed"]
    assert [event.facts for event in events] == [
        {"name": "orders", "schema": "changed"},
        {"name": "orders", "title": ["Orders", "Sales"]},
    ]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"title": None}, {"title"}),
        ({"schema": None, "title": None}, {"schema", "title"}),
        ({"title": ""}, {"title"}),
        ({"schema": {"$ref": "#"}}, {"schema.$ref"}),
        ({"name": "other"}, {"name"}),
    ],
)
def test_a_wrong_change_changes_nothing(
    body: dict[str, Any], wrong: set[str], ada: Person, orders: Collection, client: ApiClient
) -> None:
    before = client.get(ada.api("data/orders")).get_json()
    assert fields(client.patch(ada.api("data/orders"), json=body)) == wrong
    assert client.get(ada.api("data/orders")).get_json() == before


def test_a_schema_that_records_break_is_refused_with_how_many_and_which(
    ada: Person, orders: Collection, client: ApiClient
) -> None:
    for total in (1, 7, 8):
        last = orders.add({"number": "A", "total": total}, by=ada.actor)
    schema = orders.schema | {"properties": {"number": {"type": "string"}, "total": {"maximum": 6}}}
    path = ada.api("data/orders")
    answer = client.patch(path, json={"schema": schema, "title": "New"})
    second = client.get(f"{path}/records").get_json()["data"][1]["id"]
    assert (answer.status_code, answer.get_json()["code"]) == (409, "conflict")
    assert (answer.get_json()["records"], answer.get_json()["first_record_id"]) == (2, second)
    assert client.get(path).get_json()["schema"] == orders.schema
    assert client.get(path).get_json()["title"] == "Orders"
    for record_id in (second, last.id):
        client.delete(f"{path}/records/{record_id}")
    assert client.patch(path, json={"schema": schema}).get_json()["schema"] == schema


@pytest.mark.parametrize(("limit", "value"), [("MOST_CHECKED", 1), ("MOST_CHECKED_TEXT", 20)])
def test_the_schema_of_a_large_collection_stays(
    limit: str, value: int, ada: Person, orders: Collection, client: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        orders.add({"number": "A"}, by=ada.actor)
    monkeypatch.setattr(collection, limit, value)
    assert client.patch(ada.api("data/orders"), json={"schema": {}}).status_code == 409
    assert client.patch(ada.api("data/orders"), json={"title": "Sales"}).status_code == 200


def test_only_an_empty_collection_is_removed(ada: Person, orders: Collection, client: ApiClient) -> None:
    path, record = ada.api("data/orders"), orders.add({"number": "A"}, by=ada.actor)
    assert client.delete(path).status_code == 409
    assert client.delete(f"{path}/records/{record.id}").status_code == 204
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == client.delete(path).status_code == 404
    assert AuditEvent.about(ada.workspace.id, orders.id)[0].action == "collection.removed"


def test_a_write_may_name_what_it_saw(ada: Person, orders: Collection, client: ApiClient) -> None:
    path = ada.api("data/orders")
    seen = {"If-Match": client.get(path).headers["ETag"]}
    changed = client.patch(path, json={"title": "Sales"}, headers=seen)
    assert changed.status_code == 200
    assert client.patch(path, json={"title": "Late"}, headers=seen).status_code == 412
    assert client.delete(path, headers=seen).status_code == 412
    assert client.delete(path, headers={"If-Match": changed.headers["ETag"]}).status_code == 204


def test_a_record_does_not_change_the_tag_of_its_collection(ada: Person, orders: Collection, client: ApiClient) -> None:
    before = client.get(ada.api("data/orders")).headers["ETag"]
    orders.add({"number": "A"}, by=ada.actor)
    assert client.get(ada.api("data/orders")).headers["ETag"] == before


def test_reading_and_writing_are_apart(ada: Person, orders: Collection, call: Call, make_key: MakeKey) -> None:
    record = orders.add({"number": "A"}, by=ada.actor)
    reader, writer = (call(make_key(ada, scopes={scope})[1]) for scope in ("read:data", "write:data"))
    lists: list[tuple[str, Any]] = [
        (ada.api("data"), {"name": "b", "title": "B", "schema": {}}),
        (ada.api("data/orders/records"), None),
    ]
    for path, body in lists:
        body = body or {"values": {"number": "B"}}
        assert (reader.get(path).status_code, reader.post(path, json=body).status_code) == (200, 403)
        assert (writer.get(path).status_code, writer.post(path, json=body).status_code) == (403, 201)
    changes: list[tuple[str, Any]] = [
        (ada.api(f"data/orders/records/{record.id}"), {"values": {}}),
        (ada.api("data/orders"), {}),
    ]
    for path, change in changes:
        assert [reader.get(path).status_code, reader.patch(path, json=change).status_code] == [200, 403]
        assert [writer.get(path).status_code, writer.patch(path, json=change).status_code] == [403, 200]
        assert reader.delete(path).status_code == 403


def test_a_collection_of_another_workspace_does_not_exist(ada: Person, mallory: Person, client: ApiClient) -> None:
    theirs = Collection.make(mallory.workspace, name="secrets", title="A", schema={}, by=mallory.actor)
    record = theirs.add({"a": 1}, by=mallory.actor)
    for path in ("data/secrets", "data/secrets/records", f"data/secrets/records/{record.id}"):
        assert client.get(ada.api(path)).status_code == 404
    assert client.post(ada.api("data/secrets/records"), json={"values": {}}).status_code == 404
    assert client.get(ada.api("data")).get_json()["data"] == []
    assert DataRecord.select().count() == 1


def test_collections_end_with_their_workspace(ada: Person, orders: Collection) -> None:
    orders.add({"number": "A"}, by=ada.actor)
    Workspace.delete().where(Workspace.id == ada.workspace.id).execute()
    assert not Collection.select().exists() and not DataRecord.select().exists()
