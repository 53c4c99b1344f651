"""Collections and lists in the tests of the API."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from models import ApiKey, Collection
from tests.support.cast import Person
from tests.support.clients import ApiClient

Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]

ORDERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "number": {"type": "string", "minLength": 1},
        "total": {"type": "number", "minimum": 0},
        "customer": {"type": "object", "properties": {"email": {"type": "string", "format": "email"}}},
        "lines": {"type": "array", "items": {"type": "object", "required": ["sku"]}, "maxItems": 3},
        "more": {},
    },
    "required": ["number"],
    "additionalProperties": False,
}


@pytest.fixture
def client(ada: Person, call: Call, make_key: MakeKey) -> ApiClient:
    """A client with a key of Ada's that reads and writes data."""
    return call(make_key(ada, name="Order import", scopes={"read:data", "write:data"})[1])


@pytest.fixture
def orders(ada: Person) -> Collection:
    return Collection.make(ada.workspace, name="orders", title="Orders", schema=ORDERS, by=ada.actor)


def walk(client: ApiClient, path: str, limit: int) -> Iterator[dict[str, Any]]:
    """Each thing on each page of a list."""
    query: dict[str, Any] = {"limit": limit}
    while True:
        page = client.get(path, query_string=query).get_json()
        assert len(page["data"]) <= limit
        yield from page["data"]
        if page["next_cursor"] is None:
            return
        query["cursor"] = page["next_cursor"]


def fields(answer: TestResponse) -> set[str]:
    """The fields that a refusal names."""
    found = answer.get_json()
    assert (answer.status_code, found["code"]) == (422, "validation_failed")
    return {each["field"] for each in found["errors"]}
