"""No key, form or call gives out more than its maker holds."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import ApiKey, Member, database, key_grant, network, scope
from models.actor import COMMAND_LINE, Actor, Grant
from models.errors import NotAllowed
from models.key_settings import KeySettings, widens
from models.tenancy import change_plan
from tests.support.cast import Person, make_admin_key, make_key
from tests.support.clients import ApiClient

Call = Callable[..., ApiClient]

HERE = "192.0.2.0/24"


def in_days(days: int) -> str:
    return (database.now() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def bounded(ada: Person, call: Call) -> ApiClient:
    """An admin key that is bound to addresses and ends in 30 days."""
    end = database.now() + timedelta(days=30)
    return call(make_admin_key(ada, name="Bounded", networks=(HERE,), expires_at=end)[1])


def fits(**more: Any) -> dict[str, Any]:
    return {"name": "Child", "scopes": ["read:members"], "networks": ["192.0.2.7"], "expires_at": in_days(20)} | more


def refused(answer: Any) -> str:
    assert (answer.status_code, answer.get_json()["code"]) == (403, "not_allowed"), answer.text
    return str(answer.get_json()["detail"])


def test_a_key_made_by_a_key_holds_no_more_than_it(ada: Person, bounded: ApiClient) -> None:
    path = ada.api("api-keys")
    assert "its own addresses" in refused(bounded.post(path, json=fits(networks=[])))
    assert "its own addresses" in refused(bounded.post(path, json=fits(networks=["192.0.2.0/23"])))
    assert "outlives" in refused(bounded.post(path, json=fits(expires_at=None)))
    assert "outlives" in refused(bounded.post(path, json=fits(expires_at=in_days(31))))
    assert ApiKey.in_workspace(ada.workspace.id).count() == 1
    assert bounded.post(path, json=fits()).status_code == 201


def test_a_key_without_admin_makes_no_key(ada: Person, call: Call) -> None:
    client = call(make_key(ada, scopes=set(scope.SCOPES) - {scope.ADMIN})[1])
    answer = client.post(ada.api("api-keys"), json=fits())
    assert (answer.status_code, answer.get_json()["code"]) == (403, "insufficient_scope")


def test_a_key_gives_another_one_no_more_than_it_holds(ada: Person, bounded: ApiClient) -> None:
    child = bounded.post(ada.api("api-keys"), json=fits()).get_json()
    path = ada.api(f"api-keys/{child['id']}")
    for more in ({"networks": None}, {"expires_at": None}, {"expires_at": in_days(40)}, {"networks": ["203.0.113.1"]}):
        refused(bounded.patch(path, json=more))
    assert bounded.patch(path, json={"scopes": ["read:members", "read:data"]}).status_code == 200
    assert ApiKey.get_by_id(child["id"]).networks == "192.0.2.7/32"


def test_a_key_gets_no_secret_of_one_that_holds_more(ada: Person, bounded: ApiClient) -> None:
    larger, _ = make_admin_key(ada, name="Larger")
    path = ada.api(f"api-keys/{larger.id}")
    refused(bounded.post(f"{path}/rotate"))
    larger.rotate(by=ada.actor, overlap="1h")
    refused(bounded.post(f"{path}/extend-rotation", json={"overlap": "7d"}))
    refused(bounded.post(f"{path}/undo-rotation"))
    larger.disable(by=ada.actor)
    refused(bounded.patch(path, json={"disabled": False}))
    assert bounded.patch(path, json={"name": "Renamed"}).status_code == 200
    assert bounded.post(f"{path}/revoke", json={}).status_code == 200


def test_a_key_takes_from_itself_but_gives_itself_nothing(ada: Person, call: Call) -> None:
    key, text = make_admin_key(ada, networks=(HERE,), expires_at=database.now() + timedelta(days=30))
    client, path = call(text), ada.api(f"api-keys/{key.id}")
    widening: list[dict[str, Any]] = [{"networks": []}, {"expires_at": None}, {"expires_at": in_days(31)}]
    for more in widening:
        refused(client.patch(path, json=more))
        refused(client.patch("/api/v2/key", json=more))
    assert client.patch(path, json={"expires_at": in_days(29), "networks": ["192.0.2.7"]}).status_code == 200
    refused(client.patch(path, json={"expires_at": in_days(30)}))
    rotated = client.post(f"{path}/rotate")
    assert rotated.status_code == 201 and client.get(path).status_code == 401
    again = call(rotated.get_json()["secret"])
    assert again.post(f"{path}/revoke", json={}).status_code == 200
    assert again.get(path).get_json()["code"] == "revoked_key"


def test_a_key_that_narrowed_away_its_admin_scope_manages_nothing(ada: Person, call: Call) -> None:
    client = call(make_admin_key(ada)[1])
    assert client.patch("/api/v2/key", json={"scopes": ["read:members"]}).status_code == 200
    assert client.get(ada.api("api-keys")).status_code == 403


def test_nothing_made_or_extended_outlives_the_plan(ada: Person, call: Call) -> None:
    _, text = make_admin_key(ada)
    other, _ = make_key(ada, expires_at=database.now() + timedelta(days=10))
    client = call(text)
    change_plan(ada.workspace, "free", by=COMMAND_LINE)
    late = {"expires_at": in_days(91)}
    for path, method, body in (
        (ada.api("api-keys"), "POST", {"name": "New", "scopes": ["read:members"]} | late),
        (ada.api("api-keys"), "POST", {"name": "New", "scopes": ["read:members"], "expires_at": None}),
        (ada.api(f"api-keys/{other.id}"), "PATCH", late),
        (ada.api(f"api-keys/{other.id}"), "PATCH", {"expires_at": None}),
    ):
        answer = client.open(method, path, json=body)
        told = answer.get_json()
        assert (answer.status_code, told["code"]) == (403, "plan_limit"), body
        assert (told["limit"], told["value"], told["plan"]) == ("longest_life_days", 90, "free")
    assert client.patch("/api/v2/key", json={"expires_at": in_days(89)}).status_code == 200


def test_a_key_that_is_over_the_plan_may_still_narrow_itself(ada: Person, call: Call) -> None:
    client = call(make_key(ada, networks=(HERE, "203.0.113.0/24"))[1])
    change_plan(ada.workspace, "free", by=COMMAND_LINE)
    less = {"expires_at": in_days(200), "networks": ["192.0.2.0/25"]}
    answer = client.patch("/api/v2/key", json=less)
    assert (answer.status_code, answer.get_json()["networks"]) == (200, ["192.0.2.0/25"])
    assert client.patch("/api/v2/key", json={"expires_at": in_days(201)}).status_code == 403


@pytest.mark.parametrize("as_role", ["owner", "admin"])
def test_no_key_makes_or_touches_those_who_manage(ada: Person, olga: Person, call: Call, as_role: str) -> None:
    client = call(make_admin_key(ada)[1])
    refused(client.post(ada.api(), json={"name": "Eve", "email": "eve@example.com", "role": as_role}))
    person = ada if as_role == "owner" else olga
    refused(client.patch(ada.api(f"members/{person.member.id}"), json={"title": "Nobody"}))
    refused(client.patch(ada.api(f"members/{person.member.id}"), json={"role": "contact"}))
    refused(client.delete(ada.api(f"members/{person.member.id}")))
    assert Member.in_workspace(ada.workspace.id).count() == 2


def test_no_key_raises_a_member(ada: Person, bob: Person, call: Call) -> None:
    client = call(make_admin_key(ada)[1])
    for as_role in ("owner", "admin"):
        refused(client.patch(ada.api(f"members/{bob.member.id}"), json={"role": as_role}))
    assert Member.get_by_id(bob.member.id).role == "member"


NETWORKS = st.lists(st.sampled_from(["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "2001:db8::/32"]), max_size=3)
ENDS = st.none() | st.datetimes(datetime(2027, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
SCOPES = st.sets(st.sampled_from(sorted(scope.SCOPES)), min_size=1)


@given(SCOPES, NETWORKS, ENDS, SCOPES, NETWORKS, ENDS)
def test_whatever_is_let_through_is_within_what_the_maker_holds(
    held: set[str], held_networks: list[str], held_end: Any, wanted: set[str], networks: list[str], end: Any
) -> None:
    by = Actor("key", "Maker", "key_maker", grant=Grant(frozenset(held), tuple(held_networks), held_end))
    settings = KeySettings("Child", frozenset(wanted), networks=tuple(networks), expires_at=end)
    within = (
        all(scope.covers(frozenset(held), name) for name in wanted)
        and network.covers(" ".join(held_networks), " ".join(networks))
        and (held_end is None or (end is not None and end <= held_end))
    )
    narrower = replace(settings, scopes=frozenset(sorted(wanted)[:1]))
    for check in (
        lambda: key_grant.may_make(by, settings),
        lambda: key_grant.may_hand_out(by, "key_other", settings),
    ):
        if within:
            check()
        else:
            with pytest.raises(NotAllowed):
                check()
    key_grant.may_change(by, "key_other", settings, narrower)
    if widens(narrower, settings):
        with pytest.raises(NotAllowed):
            key_grant.may_change(by, "key_maker", narrower, settings)
