"""`GET …/api-keys/{id}/impact`: what a change would break, told without changing anything."""

from collections.abc import Callable
from typing import Any

import pytest

from models import ApiKey
from models.database import now
from tests.support.cast import Person, make_admin_key, make_key
from tests.support.clients import ApiClient
from tests.support.key_pages import fresh
from tests.support.keys import on_plan
from tests.support.usage import MEMBERS, ago, used

Call = Callable[..., ApiClient]

DATA = "GET /api/v2/w/<workspace_id>/data"


@pytest.fixture
def busy(ada: Person) -> ApiKey:
    key, text = make_key(ada, name="Busy", scopes={"read:members", "read:data"})
    used(text, times=1_200)
    used(text, times=40, address="198.51.100.9", at=ago(days=3))
    used(text, times=9, scope="read:data", request=DATA)
    used(text, times=500, at=ago(days=9))
    used(text, times=77, status=403, verdict="r", scope="write:data", request=DATA)
    return key


@pytest.fixture
def ask(ada: Person, call: Call, busy: ApiKey) -> Callable[..., Any]:
    client = call(make_admin_key(ada, name="Admin")[1])
    return lambda **query: client.get(ada.api(f"api-keys/{busy.id}/impact"), query_string=query)


def test_without_a_change_it_is_about_stopping_the_key(ask: Callable[..., Any], busy: ApiKey) -> None:
    answer = ask()
    assert answer.status_code == 200
    body = answer.get_json()
    assert (body["days"], body["at_least"], body["at_most"]) == (7, 1_249, 1_249)
    assert body["routes"] == [
        {"request": MEMBERS, "at_least": 1_240, "at_most": 1_240, "addresses": 2, "addresses_exact": True},
        {"request": DATA, "at_least": 9, "at_most": 9, "addresses": 1, "addresses_exact": True},
    ]
    assert fresh(busy).version == 1


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ({"scopes": "read:members"}, 9),
        ({"scopes": "read:members read:data"}, 0),
        ({"scopes": "admin:workspace"}, 0),
        ({"networks": "192.0.2.0/24"}, 40),
        ({"networks": "192.0.2.0/24, 198.51.100.9"}, 0),
        ({"networks": ""}, 0),
        ({"scopes": "read:data,write:data", "networks": "198.51.100.9"}, 1_249),
    ],
)
def test_a_change_is_put_to_the_test(ask: Callable[..., Any], query: dict[str, str], total: int) -> None:
    body = ask(**query).get_json()
    assert (body["at_least"], body["at_most"]) == (total, total)
    assert sum(route["at_most"] for route in body["routes"]) == total


def test_an_earlier_end_counts_every_call(ask: Callable[..., Any]) -> None:
    assert ask(expires_at=f"{now().year + 1}-12-31T00:00:00Z").get_json()["at_most"] == 1_249


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"scopes": "read:nothing"}, "scopes"),
        ({"scopes": ""}, "scopes"),
        ({"networks": "300.1.1.1"}, "networks"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
    ],
)
def test_a_change_that_could_not_be_made_is_told(ask: Callable[..., Any], query: dict[str, str], field: str) -> None:
    answer = ask(**query)
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, field)


def test_the_plan_bites_as_it_would(ada: Person, ask: Callable[..., Any]) -> None:
    on_plan(ada, "free")
    answer = ask(networks="192.0.2.1")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "plan_limit")


def test_it_takes_the_scope_to_manage_keys(ada: Person, call: Call, busy: ApiKey) -> None:
    answer = call(make_key(ada)[1]).get(ada.api(f"api-keys/{busy.id}/impact"))
    assert (answer.status_code, answer.get_json()["code"]) == (403, "insufficient_scope")
