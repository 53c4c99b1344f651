"""`Idempotency-Key` and `If-Match`: a write that happens once, or only to what its sender saw."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from models import IdempotentAnswer, KeySecret, Member, database
from tests.support.cast import Person, make_admin_key, make_key
from tests.support.clients import ApiClient
from tests.support.threads import at_once

Call = Callable[..., ApiClient]

ZOE = {"name": "Zoë Ng", "email": "zoe@example.com"}
ONCE = {"Idempotency-Key": "5f2b8c1e-0d4a-4b8e-9c37-1f6f0f3a9a52"}


@pytest.fixture
def client(ada: Person, call: Call) -> ApiClient:
    return call(make_key(ada, scopes={"read:members", "write:members"})[1])


def members(person: Person) -> int:
    return int(Member.in_workspace(person.workspace.id).count())


def test_a_post_that_is_sent_again_gets_its_first_answer_and_happens_once(ada: Person, client: ApiClient) -> None:
    first, second = (client.post(ada.api(), json=ZOE, headers=ONCE) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert second.data == first.data
    for name in ("Location", "ETag", "Content-Type"):
        assert second.headers[name] == first.headers[name]
    assert ("Idempotent-Replayed" in first.headers, second.headers["Idempotent-Replayed"]) == (False, "true")
    assert members(ada) == 2


def test_the_header_may_be_a_structured_string(ada: Person, client: ApiClient) -> None:
    for value in ('"abc"', "abc"):
        assert client.post(ada.api(), json=ZOE, headers={"Idempotency-Key": value}).status_code == 201
    assert members(ada) == 2


def test_another_request_under_the_same_header_is_a_conflict(ada: Person, client: ApiClient) -> None:
    client.post(ada.api(), json=ZOE, headers=ONCE)
    other = client.post(ada.api(), json=ZOE | {"title": "CFO"}, headers=ONCE)
    assert (other.status_code, other.get_json()["code"]) == (409, "conflict")
    assert client.post(f"{ada.api()}?x=1", json=ZOE, headers=ONCE).status_code == 409
    assert members(ada) == 2


def test_the_header_of_one_key_is_nothing_to_another(ada: Person, client: ApiClient, call: Call) -> None:
    client.post(ada.api(), json=ZOE, headers=ONCE)
    other = call(make_key(ada, scopes={"write:members"})[1])
    assert other.post(ada.api(), json=ZOE | {"email": "z@example.com"}, headers=ONCE).status_code == 201


def test_an_answer_is_kept_for_a_day(ada: Person, client: ApiClient) -> None:
    client.post(ada.api(), json=ZOE, headers=ONCE)
    with time_machine.travel(database.now() + timedelta(hours=23), tick=False):
        assert client.post(ada.api(), json=ZOE, headers=ONCE).status_code == 201
        assert IdempotentAnswer.purge() == 0
    with time_machine.travel(database.now() + timedelta(hours=25), tick=False):
        assert client.post(ada.api(), json=ZOE, headers=ONCE).status_code == 409
        assert "in this workspace already" in client.post(ada.api(), json=ZOE, headers=ONCE).text
        IdempotentAnswer.purge()
    assert not IdempotentAnswer.select().exists()


@pytest.mark.parametrize("wrong", [{"name": ""}, {"role": "owner"}])
def test_a_refusal_is_not_kept_so_a_mended_request_goes_through(
    ada: Person, client: ApiClient, wrong: dict[str, str]
) -> None:
    assert client.post(ada.api(), json=ZOE | wrong, headers=ONCE).status_code in (403, 422)
    assert client.post(ada.api(), json=ZOE, headers=ONCE).status_code == 201


@pytest.mark.parametrize("header", ["", " ", "a b", "ä", "x" * 256, '"', 'a"b', '"a', 'a"'])
def test_a_header_that_is_none_is_refused(ada: Person, client: ApiClient, header: str) -> None:
    answer = client.post(ada.api(), json=ZOE, headers={"Idempotency-Key": header})
    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_request")
    assert members(ada) == 1


def test_a_secret_is_never_kept(ada: Person, call: Call) -> None:
    key, text = make_admin_key(ada)
    client = call(text)
    path = ada.api(f"api-keys/{make_key(ada)[0].id}/rotate")
    first, second = (client.post(path, headers=ONCE) for _ in range(2))
    assert first.get_json()["secret"] and second.get_json()["secret"] is None
    assert "was shown" in second.get_json()["secret_note"]
    rest = {"secret": 0, "secret_note": 0}
    assert second.get_json() | rest == first.get_json() | rest
    assert first.get_json()["secret"] not in repr(list(IdempotentAnswer.select().dicts()))
    assert KeySecret.select().where(KeySecret.key != key).count() == 2


def test_two_at_once_happen_once(ada: Person, client: ApiClient) -> None:
    seen = at_once(6, lambda _: client.post(ada.api(), json=ZOE, headers=ONCE).status_code)
    assert seen == [201] * 6
    assert members(ada) == 2


@pytest.fixture
def carlas(ada: Person, carla: Person, client: ApiClient) -> tuple[str, str]:
    """The address of Carla, and the tag of her as she is."""
    path = ada.api(f"members/{carla.member.id}")
    return path, client.get(path).headers["ETag"]


def test_a_write_to_what_was_seen_goes_through(carlas: tuple[str, str], client: ApiClient) -> None:
    path, tag = carlas
    changed = client.patch(path, json={"title": "Buyer"}, headers={"If-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] == client.get(path).headers["ETag"] != tag


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_write_to_what_has_changed_is_refused(carlas: tuple[str, str], client: ApiClient, method: str) -> None:
    path, tag = carlas
    client.patch(path, json={"title": "Buyer"})
    answer = client.open(method, path, json={"title": "Seller"}, headers={"If-Match": tag})
    assert (answer.status_code, answer.get_json()["code"]) == (412, "precondition_failed")
    assert client.get(path).get_json()["title"] == "Buyer"


def condition(tag: str) -> dict[str, bool]:
    """Values of `If-Match`, and whether they hold (RFC 9110, section 13.1.1)."""
    return {
        "*": True,
        tag: True,
        f'"x", {tag}': True,
        f"W/{tag}": False,
        '"x"': False,
        tag.strip('"'): False,
        "": False,
    }


def test_lists_stars_and_weak_tags_are_read_as_the_standard_says(carlas: tuple[str, str], client: ApiClient) -> None:
    path, tag = carlas
    seen = {value: client.patch(path, json={}, headers={"If-Match": value}).status_code for value in condition(tag)}
    assert seen == {value: 200 if holds else 412 for value, holds in condition(tag).items()}


def test_of_two_editors_at_once_one_is_let_through(carlas: tuple[str, str], client: ApiClient) -> None:
    path, tag = carlas

    def edit(number: int) -> int:
        return client.patch(path, json={"title": f"T{number}"}, headers={"If-Match": tag}).status_code

    assert sorted(map(str, at_once(6, edit))) == ["200", *["412"] * 5]


def test_of_two_that_narrow_one_key_at_once_one_is_let_through(ada: Person, call: Call) -> None:
    client = call(make_key(ada, scopes={"read:members", "write:members", "read:data"})[1])
    tag = client.get("/api/v2/key").headers["ETag"]

    def narrow(number: int) -> int:
        left = {"scopes": ["read:members", ("write:members", "read:data")[number % 2]]}
        return client.patch("/api/v2/key", json=left, headers={"If-Match": tag}).status_code

    assert sorted(map(str, at_once(6, narrow))) == ["200", *["412"] * 5]


@pytest.mark.parametrize("body", ['{"name": NaN}', '{"name": Infinity}', '{"a":' * 33 + "1" + "}" * 33, "[" * 5000])
def test_what_is_no_sound_json_is_refused(ada: Person, client: ApiClient, body: str) -> None:
    answer = client.post(ada.api(), data=body, content_type="application/json")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_request")


def test_a_body_has_a_largest_size(ada: Person, client: ApiClient) -> None:
    body: Any = {"name": "x" * (1024 * 1024)}
    answer = client.post(ada.api(), json=body, headers=ONCE)
    assert (answer.status_code, answer.get_json()["code"]) == (413, "too_large")
