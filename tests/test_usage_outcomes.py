"""Which count each kind of request makes, on the real server: whatever can be tied to a key is counted once."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from models import AuditEvent, MonthlyUse, UsageDay, UsageHour, monthly_use
from models.database import now, now_microseconds
from models.usage import OUTCOMES
from tests.support import raw
from tests.support.cast import Person
from tests.support.keys import rotated
from tests.support.processes import until
from tests.support.servers import Server

KEY = "/api/v2/key"
WIDE = {"read:members", "write:members", "read:chats", "write:chats"}


class Case(NamedTuple):
    """What is sent with a key, and what that counts as: its status, scope and outcome; no outcome for no count."""

    sent: Callable[["Asking"], Any]
    status: int
    scope: str = ""
    outcome: str = ""
    # What the key is made with, and what becomes of it before the request.
    key: dict[str, Any] = {}
    before: Callable[[Any, Person], Any] | None = None
    times: int = 1


class Asking:
    """A client with one key."""

    def __init__(self, server: Server, person: Person, secret: str) -> None:
        self.server, self.person, self.secret = server, person, secret

    def send(self, method: str, path: str, **more: Any) -> int:
        headers = {"Authorization": f"Bearer {self.secret}", **more.pop("headers", {})}
        return self.server.ask(method, path, headers=headers, **more).status_code

    def mine(self, method: str, path: str, **more: Any) -> int:
        return self.send(method, self.person.api(path), **more)

    def raw(self, path: str, *headers: bytes, method: str = "GET", body: bytes = b"") -> int:
        authorization = f"Authorization: Bearer {self.secret}".encode()
        return raw.ask(self.server, path, authorization, *headers, method=method, body=body)[0]

    def twice(self, method: str, path: str, **more: Any) -> int:
        self.mine(method, path, **more)
        return self.mine(method, path, **more)


def get(path: str = "members", **more: Any) -> Callable[[Asking], int]:
    return lambda asking: asking.mine("GET", path, **more)


def broken_page(key: Any, ada: Person) -> None:
    AuditEvent.create(workspace=ada.workspace, action="a.b", subject=key.id, actor_kind="system", actor_name="x",
                      details="not JSON")  # fmt: skip


def used_up(key: Any, ada: Person) -> None:
    MonthlyUse.create(workspace=ada.workspace, month=monthly_use.month_at(now_microseconds()).number, used=2**40)


def ends_soon(key: Any, ada: Person) -> None:
    type(key).update(expires_at=now() - timedelta(seconds=1)).where(type(key).id == key.id).execute()


MEMBERS, CHATS = "read:members", "write:chats"
ONCE = {"headers": {"Idempotency-Key": "one"}, "json": {"title": "Hello"}}
CASES = {
    "GET": Case(get(), 200, MEMBERS, "succeeded"),
    "a list with mistakes": Case(get("members?limit=x"), 422, MEMBERS, "client_error"),
    "HEAD": Case(lambda it: it.mine("HEAD", "members"), 200, MEMBERS, "succeeded"),
    "no such member": Case(get("members/mem_none"), 404, MEMBERS, "client_error"),
    "broken JSON": Case(
        lambda it: it.mine("POST", "members", content=b"{", headers={"Content-Type": "application/json"}),
        400, "write:members", "client_error",
    ),
    "another media type": Case(
        lambda it: it.mine("POST", "members", content=b"a=b", headers={"Content-Type": "text/plain"}),
        415, "write:members", "client_error",
    ),
    "a body of 2 MB": Case(
        lambda it: it.mine("POST", "members", json={"name": "x" * 2**21}), 413, "write:members", "client_error"
    ),
    "not what it was": Case(
        lambda it: it.send("PATCH", KEY, json={"scopes": [MEMBERS]}, headers={"If-Match": '"old"'}),
        412, "", "client_error",
    ),
    "a POST and its replay": Case(lambda it: it.twice("POST", "chats", **ONCE), 201, CHATS, "succeeded", times=2),
    "a crash": Case(get("audit-events"), 500, "admin:workspace", "server_error",
                    key={"scopes": {"admin:workspace"}}, before=broken_page),
    "a scope is missing": Case(get("workflows"), 403, "write:workflows", "denied"),
    "another workspace": Case(
        lambda it: it.send("GET", "/api/v2/w/ws_of_another_one/members"), 404, MEMBERS, "client_error"
    ),
    "another address": Case(get(), 403, MEMBERS, "denied", key={"networks": ("203.0.113.0/24",)}),
    "in quarantine": Case(get(), 403, MEMBERS, "denied", before=lambda key, ada: key.quarantine(by=ada.actor)),
    "not started": Case(get(), 401, MEMBERS, "denied", key={"starts_at": timedelta(days=2)}),
    "disabled": Case(get(), 401, MEMBERS, "denied", before=lambda key, ada: key.disable(by=ada.actor)),
    "revoked": Case(get(), 401, MEMBERS, "denied", before=lambda key, ada: key.revoke(by=ada.actor)),
    "expired": Case(get(), 401, MEMBERS, "denied", before=ends_soon),
    "rotated out": Case(get(), 401, MEMBERS, "denied", before=lambda key, ada: rotated(key, ada, "none")),
    "quota used up": Case(get(), 429, MEMBERS, "rate_limited", before=used_up),
    # Refused before the key is looked at, and counted all the same.
    "no such address": Case(lambda it: it.send("GET", "/api/v2/nothing"), 404, "", "client_error"),
    "a method that is not taken": Case(lambda it: it.send("PUT", KEY), 405, "", "client_error"),
    "OPTIONS": Case(lambda it: it.mine("OPTIONS", "members"), 405, "", "client_error"),
    "no such address, revoked": Case(
        lambda it: it.send("GET", "/api/v2/nothing"), 404, "", "client_error",
        before=lambda key, ada: key.revoke(by=ada.actor),
    ),
    "a body in chunks": Case(
        lambda it: it.raw(it.person.api("members"), b"Transfer-Encoding: chunked", method="POST", body=b"0\r\n\r\n"),
        411, "write:members", "client_error",
    ),
    "another host": Case(lambda it: it.send("GET", KEY, headers={"Host": "evil.example"}), 400, "", "client_error"),
    "its key in the address as well": Case(
        lambda it: it.mine("GET", f"members?api_key={it.secret}"), 400, MEMBERS, "client_error"
    ),
    # What cannot be tied to a key, or asks for none.
    "two headers": Case(lambda it: it.raw(KEY, f"Authorization: Bearer {it.secret}".encode()), 400),
    "a header of 9 KB": Case(lambda it: it.send("GET", KEY, headers={"Authorization": "Bearer " + "x" * 9000}), 431),
    "a guess": Case(lambda it: it.send("GET", KEY, headers={"Authorization": f"Bearer {it.secret[:-4]}0000"}), 401),
    "a page for everybody": Case(lambda it: it.send("GET", "/api/v2/openapi.json"), 200),
    "a page of the dashboard": Case(lambda it: it.send("GET", "/login"), 200),
    "no such page": Case(lambda it: it.send("GET", "/nothing"), 404),
}  # fmt: skip


def total(counts: dict[str, dict[tuple[str, str], int]]) -> int:
    return sum(sum(each.values()) for each in counts.values())


def rows(table: Any, key_id: str) -> dict[tuple[str, str], int]:
    """(scope, outcome) → requests, in whichever hour or day they were."""
    found: Counter[tuple[str, str]] = Counter()
    for row in table.select().where(table.key_id == key_id):
        found[row.scope, OUTCOMES[row.outcome]] += row.count
    return dict(found)


@pytest.mark.parametrize("which", ["server", "postgresql_server"])
def test_each_request_of_a_key_is_counted_once_by_how_it_ended(which: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue(which)
    owner, keys, statuses = server.owner(plan="business"), {}, {}
    for name, case in CASES.items():
        ada = server.owner(plan="business") if case.before is used_up else owner
        made = {"scopes": WIDE, **case.key}
        if "starts_at" in made:
            made["starts_at"] = now() + made["starts_at"]
        key, secret = server.key(ada, **made)
        if case.before:
            with server.models():
                case.before(key, ada)
        keys[name] = key.id
        statuses[name] = case.sent(Asking(server, ada, secret))
    assert statuses == {name: case.status for name, case in CASES.items()}
    expected = {name: {(case.scope, case.outcome): case.times} if case.outcome else {} for name, case in CASES.items()}

    def counted(table: Any) -> dict[str, dict[tuple[str, str], int]]:
        with server.models():
            return {name: rows(table, key_id) for name, key_id in keys.items()}

    # A worker's journal is read after the other's: the newest request may be counted before one that came earlier.
    until("all are counted", lambda: total(counted(UsageHour)) >= total(expected))
    assert counted(UsageHour) == expected
    assert counted(UsageDay) == expected
