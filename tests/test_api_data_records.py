"""`/api/v2/w/{workspace_id}/data/{collection}/records`: what is kept, checked and changed, over the API."""

import json
from typing import Any

import pytest

from models import AuditEvent, Collection, DataRecord
from tests.support.cast import Person
from tests.support.clients import ApiClient
from tests.support.data import client, fields, orders, walk

__all__ = ["client", "orders"]


@pytest.fixture
def path(ada: Person, orders: Collection) -> str:
    return ada.api("data/orders/records")


def send(client: ApiClient, path: str, text: str) -> Any:
    return client.post(path, data=text, content_type="application/json")


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_a_record_is_made_and_says_who_wrote_it(path: str, client: ApiClient) -> None:
    values = {"number": "F-1", "total": 12.5, "customer": {"email": "zoe@example.com"}}
    answer = client.post(path, json={"values": values})
    made = answer.get_json()
    assert answer.status_code == 201 and made["id"].startswith("rec_") and made["values"] == values
    assert (made["updated_by"]["kind"], made["updated_by"]["name"]) == ("key", "Order import")
    found = client.get(answer.headers["Location"])
    assert found.get_json() == made and found.headers["ETag"] == answer.headers["ETag"]


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({}, {"values.number"}),
        ({"number": ""}, {"values.number"}),
        ({"number": 7, "total": "7"}, {"values.number", "values.total"}),
        ({"number": "A", "total": True}, {"values.total"}),
        ({"number": "A", "total": -1}, {"values.total"}),
        ({"number": "A", "x": 1, "y": 2}, {"values.x", "values.y"}),
        ({"number": "A", "customer": {"email": "x"}}, {"values.customer.email"}),
        ({"number": "A", "lines": [{"sku": 1}, {}, 3]}, {"values.lines.1.sku", "values.lines.2"}),
        ({"number": "A", "lines": [{"sku": 1}] * 4}, {"values.lines"}),
        ([], {"values"}),
        (None, {"values"}),
    ],
)
def test_each_field_that_does_not_fit_the_schema_is_named_by_its_path(
    values: Any, wrong: set[str], path: str, client: ApiClient
) -> None:
    assert fields(client.post(path, json={"values": values})) == wrong
    assert not DataRecord.select().exists()


def test_other_fields_beside_the_values_are_refused(path: str, client: ApiClient) -> None:
    assert fields(client.post(path, json={"values": {"number": "A"}, "id": "rec_x"})) == {"id"}
    assert fields(client.post(path, json={})) == {"values"}


@pytest.mark.parametrize(
    "text",
    [
        "9007199254740993",
        "-170141183460469231731687303715884105729",
        "0.1",
        "1e-7",
        "12345678901234567890.5",
        "0",
        "3.0",
    ],
)
def test_numbers_stay_what_they_were(text: str, path: str, client: ApiClient) -> None:
    answer = send(client, path, f'{{"values": {{"number": "A", "more": [{text}]}}}}')
    stored = json.loads(client.get(answer.headers["Location"]).text)["values"]["more"][0]
    assert (stored, type(stored)) == (json.loads(text), type(json.loads(text)))


@pytest.mark.parametrize(
    ("more", "status", "wrong"),
    [
        ("NaN", 400, None),
        ("Infinity", 400, None),
        ("9" * 5000, 400, None),
        ("1e999", 422, {"values.more"}),
        ('"a\\u0000b"', 422, {"values.more"}),
        ('{"a": ["\\ud800"]}', 422, {"values.more.a.0"}),
        ('{"a\\u0000": 1}', 422, {"values.more"}),
        ('{"\\udfff": 1}', 422, {"values.more"}),
        (json.dumps(nested(20)), 422, {"values"}),
        ("[" * 100_000 + "]" * 100_000, 400, None),
    ],
    ids=range(10),
)
def test_what_cannot_be_kept_is_refused(
    more: str, status: int, wrong: set[str] | None, path: str, client: ApiClient
) -> None:
    answer = send(client, path, f'{{"values": {{"number": "A", "more": {more}}}}}')
    assert answer.status_code == status
    assert wrong is None or fields(answer) == wrong
    assert not DataRecord.select().exists()


def test_nineteen_levels_below_the_values_are_kept(path: str, client: ApiClient) -> None:
    answer = client.post(path, json={"values": {"number": "A", "more": nested(19)}})
    assert answer.get_json()["values"]["more"] == nested(19)


@pytest.mark.parametrize("char", ["x", "é", "🔑"])
def test_a_record_is_64_kb_at_most(char: str, path: str, client: ApiClient) -> None:
    room = 64 * 1024 - len('{"number":"A","more":""}')
    values = {"number": "A", "more": char * (room // len(char.encode()))}
    answer = client.post(path, json={"values": values})
    assert answer.status_code == 201
    assert fields(client.post(path, json={"values": values | {"more": values["more"] + char * 4}})) == {"values"}
    grown = client.patch(answer.headers["Location"], json={"values": {"customer": {"note": "abc"}}})
    assert fields(grown) == {"values"}


def test_pages_lead_to_each_record_exactly_once_oldest_first(
    ada: Person, orders: Collection, path: str, client: ApiClient
) -> None:
    other = Collection.make(ada.workspace, name="other", title="Other", schema={}, by=ada.actor)
    for number in range(7):
        orders.add({"number": str(number)}, by=ada.actor)
        other.add({}, by=ada.actor)
    assert [each["values"]["number"] for each in walk(client, path, 3)] == list("0123456")


@pytest.mark.parametrize(
    ("patch", "after"),
    [
        ({}, {"number": "A", "more": {"a": {"b": 1, "c": 2}, "d": [1, 2]}}),
        ({"more": {"a": {"b": None}}}, {"number": "A", "more": {"a": {"c": 2}, "d": [1, 2]}}),
        (
            {"more": {"a": {"b": {"x": None, "y": 3}}}},
            {"number": "A", "more": {"a": {"b": {"y": 3}, "c": 2}, "d": [1, 2]}},
        ),
        (
            {"more": {"d": [None, {"e": None}]}},
            {"number": "A", "more": {"a": {"b": 1, "c": 2}, "d": [None, {"e": None}]}},
        ),
        ({"more": None, "total": 4}, {"number": "A", "total": 4}),
        ({"more": 5, "gone": None}, {"number": "A", "more": 5}),
    ],
)
def test_a_change_is_a_merge_patch(
    patch: Any, after: Any, ada: Person, orders: Collection, path: str, client: ApiClient
) -> None:
    record = orders.add({"number": "A", "more": {"a": {"b": 1, "c": 2}, "d": [1, 2]}}, by=ada.actor)
    answer = client.patch(f"{path}/{record.id}", json={"values": patch})
    assert answer.status_code == 200 and answer.get_json()["values"] == after
    assert client.get(f"{path}/{record.id}").get_json() == answer.get_json()
    assert answer.get_json()["updated_by"]["kind"] == ("key" if patch else "user")


def test_the_outcome_of_a_change_fits_the_schema_or_nothing_changes(
    ada: Person, orders: Collection, path: str, client: ApiClient
) -> None:
    record = orders.add({"number": "A", "total": 3}, by=ada.actor)
    one = f"{path}/{record.id}"
    assert fields(client.patch(one, json={"values": {"number": None}})) == {"values.number"}
    assert fields(client.patch(one, json={"values": {"total": -1, "x": 1}})) == {"values.total", "values.x"}
    assert fields(client.patch(one, json={"values": None})) == {"values"}
    assert fields(client.patch(one, json={"more": 1})) == {"more"}
    assert client.patch(one, json={}).status_code == 200
    assert client.get(one).get_json()["values"] == {"number": "A", "total": 3}


def test_a_removed_record_is_gone_and_in_the_audit_trail(
    ada: Person, orders: Collection, path: str, client: ApiClient
) -> None:
    record = orders.add({"number": "A"}, by=ada.actor)
    one = f"{path}/{record.id}"
    assert client.patch(one, json={"values": {"total": 1}}).status_code == 200
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == client.delete(one).status_code == 404
    assert client.patch(one, json={"values": {}}).status_code == 404
    events = AuditEvent.about(ada.workspace.id, record.id)
    assert [(event.action, event.facts) for event in events] == [("record.removed", {"collection": "orders"})]


def test_a_write_may_name_what_it_saw(ada: Person, orders: Collection, path: str, client: ApiClient) -> None:
    record = orders.add({"number": "A"}, by=ada.actor)
    one = f"{path}/{record.id}"
    seen = {"If-Match": client.get(one).headers["ETag"]}
    changed = client.patch(one, json={"values": {"total": 1}}, headers=seen)
    assert changed.status_code == 200
    assert client.patch(one, json={"values": {"total": 2}}, headers=seen).status_code == 412
    assert client.delete(one, headers=seen).status_code == 412
    assert client.get(one).get_json()["values"]["total"] == 1
    assert client.delete(one, headers={"If-Match": changed.headers["ETag"]}).status_code == 204


def test_a_record_is_reached_through_its_own_collection_alone(
    ada: Person, orders: Collection, path: str, client: ApiClient
) -> None:
    Collection.make(ada.workspace, name="other", title="Other", schema={}, by=ada.actor)
    record = orders.add({"number": "A"}, by=ada.actor)
    wrong = ada.api(f"data/other/records/{record.id}")
    assert client.get(wrong).status_code == client.delete(wrong).status_code == 404
    assert client.patch(wrong, json={"values": {}}).status_code == 404


def test_a_record_that_is_sent_twice_with_one_idempotency_key_is_made_once(path: str, client: ApiClient) -> None:
    body, headers = {"values": {"number": "A"}}, {"Idempotency-Key": "one"}
    first, again = (client.post(path, json=body, headers=headers) for _ in range(2))
    assert again.headers["Location"] == first.headers["Location"] and again.get_json() == first.get_json()
    assert DataRecord.select().count() == 1
