"""Which scope opens which route, for every route there is, and in every state that a key can be in."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from werkzeug.routing import Rule

from models import ApiKey, database, scope
from tests.support.cast import Person, make_key
from tests.support.clients import ApiClient

Call = Callable[..., ApiClient]

ANY_KEY, PUBLIC = "any key", "no key"
WORKSPACE = "/api/v2/w/<workspace_id>"
# The specification: what is not in here is no route, and what is no route is not in here.
NEEDS = {
    "GET /api/v2/openapi.json": PUBLIC,
    "GET /api/v2/docs": PUBLIC,
    "POST /api/v2/key-reports": PUBLIC,
    "GET /api/v2/key": ANY_KEY,
    "PATCH /api/v2/key": ANY_KEY,
    "POST /api/v2/key/rotate": ANY_KEY,
    f"GET {WORKSPACE}": "admin:workspace",
    f"PATCH {WORKSPACE}": "admin:workspace",
    f"GET {WORKSPACE}/members": "read:members",
    f"POST {WORKSPACE}/members": "write:members",
    f"GET {WORKSPACE}/members/<member_id>": "read:members",
    f"PATCH {WORKSPACE}/members/<member_id>": "write:members",
    f"DELETE {WORKSPACE}/members/<member_id>": "write:members",
    f"GET {WORKSPACE}/chats": "read:chats",
    f"POST {WORKSPACE}/chats": "write:chats",
    f"GET {WORKSPACE}/chats/<chat_id>": "read:chats",
    f"GET {WORKSPACE}/chats/<chat_id>/messages": "read:chats",
    f"POST {WORKSPACE}/chats/<chat_id>/messages": "write:chats",
    f"GET {WORKSPACE}/data": "read:data",
    f"POST {WORKSPACE}/data": "write:data",
    f"GET {WORKSPACE}/data/<collection>": "read:data",
    f"PATCH {WORKSPACE}/data/<collection>": "write:data",
    f"DELETE {WORKSPACE}/data/<collection>": "write:data",
    f"GET {WORKSPACE}/data/<collection>/records": "read:data",
    f"POST {WORKSPACE}/data/<collection>/records": "write:data",
    f"GET {WORKSPACE}/data/<collection>/records/<record_id>": "read:data",
    f"PATCH {WORKSPACE}/data/<collection>/records/<record_id>": "write:data",
    f"DELETE {WORKSPACE}/data/<collection>/records/<record_id>": "write:data",
    f"GET {WORKSPACE}/workflows": "write:workflows",
    f"POST {WORKSPACE}/workflows": "write:workflows",
    f"GET {WORKSPACE}/workflows/<workflow_id>": "write:workflows",
    f"PATCH {WORKSPACE}/workflows/<workflow_id>": "write:workflows",
    f"GET {WORKSPACE}/workflows/<workflow_id>/runs": "write:workflows",
    f"POST {WORKSPACE}/workflows/<workflow_id>/runs": "write:workflows",
    f"GET {WORKSPACE}/workflows/<workflow_id>/runs/<run_id>": "write:workflows",
    f"GET {WORKSPACE}/api-keys": "admin:workspace",
    f"POST {WORKSPACE}/api-keys": "admin:workspace",
    f"GET {WORKSPACE}/api-keys/<key_id>": "admin:workspace",
    f"PATCH {WORKSPACE}/api-keys/<key_id>": "admin:workspace",
    f"DELETE {WORKSPACE}/api-keys/<key_id>": "admin:workspace",
    f"POST {WORKSPACE}/api-keys/<key_id>/rotate": "admin:workspace",
    f"POST {WORKSPACE}/api-keys/<key_id>/finish-rotation": "admin:workspace",
    f"POST {WORKSPACE}/api-keys/<key_id>/extend-rotation": "admin:workspace",
    f"POST {WORKSPACE}/api-keys/<key_id>/undo-rotation": "admin:workspace",
    f"GET {WORKSPACE}/api-keys/<key_id>/impact": "admin:workspace",
    f"POST {WORKSPACE}/api-keys/<key_id>/revoke": "admin:workspace",
    f"GET {WORKSPACE}/api-keys/<key_id>/usage": "admin:workspace",
    f"GET {WORKSPACE}/audit-events": "admin:workspace",
}
NO_ID = "none_0000000000000000"
# What a view may answer once enforcement has let a request for nothing, with an empty body, through.
LET_THROUGH = {200, 201, 404, 409, 415, 422}
HOME, AWAY = "198.51.100.7", "203.0.113.9"


def routes(app: Flask) -> Iterator[tuple[str, Rule]]:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield f"{method} {rule.rule}", rule


@pytest.fixture
def guarded(app: Flask) -> dict[str, str]:
    """Every route that needs a key, and the scope that it needs."""
    return {name: NEEDS[name] for name, _ in routes(app) if NEEDS[name] != PUBLIC}


def ask(client: ApiClient, route: str, workspace: str, address: str = HOME) -> tuple[int, str]:
    """The status and code for a request for nothing that exists, beyond the workspace."""
    method, _, path = route.partition(" ")
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: workspace if found[1] == "workspace_id" else NO_ID, path)
    answer = client.open(method, path, address=address)
    body = answer.get_json(silent=True) or {}
    return answer.status_code, body.get("code", "")


def test_the_table_of_scopes_and_the_routes_are_the_same(app: Flask) -> None:
    assert sorted(name for name, _ in routes(app)) == sorted(NEEDS)


def test_each_scope_opens_its_routes_and_no_others(ada: Person, guarded: dict[str, str], call: Call) -> None:
    for name in scope.SCOPES:
        client = call(make_key(ada, scopes={name})[1])
        for route, needed in guarded.items():
            status, code = ask(client, route, ada.workspace.id)
            if needed == ANY_KEY or name in (needed, scope.ADMIN):
                assert status in LET_THROUGH and code != "insufficient_scope", (name, route, status, code)
            else:
                assert (status, code) == (403, "insufficient_scope"), (name, route)


def test_another_workspace_is_not_found_whatever_the_scope(
    ada: Person, mallory: Person, guarded: dict[str, str], call: Call
) -> None:
    for name in scope.SCOPES:
        client = call(make_key(ada, scopes={name})[1])
        for route in guarded:
            if "<workspace_id>" in route:
                assert ask(client, route, mallory.workspace.id) == (404, "not_found"), (name, route)


def revoked(person: Person, name: str) -> str:
    key, text = make_key(person, scopes={name})
    key.revoke(by=person.actor)
    return text


def disabled(person: Person, name: str) -> str:
    key, text = make_key(person, scopes={name})
    key.disable(by=person.actor)
    return text


def expired(person: Person, name: str) -> str:
    with time_machine.travel(database.now() - timedelta(days=10), tick=False):
        return make_key(person, scopes={name}, expires_at=database.now() + timedelta(days=5))[1]


def not_started(person: Person, name: str) -> str:
    return make_key(person, scopes={name}, starts_at=database.now() + timedelta(days=5))[1]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (revoked, "revoked_key"),
        (expired, "expired_key"),
        (disabled, "disabled_key"),
        (not_started, "not_yet_valid_key"),
    ],
)
def test_a_key_that_is_not_good_now_opens_nothing(
    ada: Person,
    mallory: Person,
    guarded: dict[str, str],
    call: Call,
    state: Callable[[Person, str], str],
    code: str,
) -> None:
    for name in scope.SCOPES:
        client = call(state(ada, name))
        for route in guarded:
            for workspace in (ada.workspace.id, mallory.workspace.id):
                assert ask(client, route, workspace) == (401, code), (name, route)
    assert ApiKey.in_workspace(ada.workspace.id).count() == len(scope.SCOPES)


def test_a_key_in_the_wrong_network_opens_nothing(
    ada: Person, mallory: Person, guarded: dict[str, str], call: Call
) -> None:
    for name in scope.SCOPES:
        client = call(make_key(ada, scopes={name}, networks=(f"{HOME}/32",))[1])
        for route in guarded:
            assert ask(client, route, ada.workspace.id, AWAY) == (403, "ip_not_allowed"), (name, route)
            if "<workspace_id>" in route:
                assert ask(client, route, mallory.workspace.id, AWAY) == (404, "not_found"), (name, route)


def test_without_a_key_nothing_opens(ada: Person, guarded: dict[str, str], call: Call) -> None:
    for route in guarded:
        assert ask(call(), route, ada.workspace.id) == (401, "missing_key"), route
