"""Rotation while clients call: nobody who changes over within the overlap is refused, and the overlap ends on time."""

import http.client
import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from models import ApiKey, KeySecret
from models.database import from_microseconds, now, transaction
from tests.support import ledger
from tests.support.cast import Person
from tests.support.processes import until
from tests.support.servers import Server

CLIENTS, ROUNDS, CALLS = 4, 5, 5
KEY = "/api/v2/key"


class Client(threading.Thread):
    """Calls without a pause, with whatever secret it has been given by now."""

    def __init__(self, server: Server, secret: str) -> None:
        super().__init__(daemon=True)
        self.port, self.secret = server.port, secret
        # When each call began and ended, in microseconds since 1970, and how.
        self.calls: list[tuple[int, int, int, str]] = []
        self.enough = threading.Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.enough.is_set():
            began = time.time_ns() // 1000
            connection.request("GET", KEY, headers={"Authorization": f"Bearer {self.secret}"})
            answer = connection.getresponse()
            code = json.loads(answer.read()).get("code", "")
            self.calls.append((began, time.time_ns() // 1000, answer.status, code))
        connection.close()


@pytest.fixture(params=["server", "postgresql_server"])
def served(request: pytest.FixtureRequest) -> Server:
    """The product with two workers, on either database."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def owner(served: Server) -> Person:
    # Its limit of requests is out of reach.
    return served.owner("Loaded", plan="enterprise")


def rotated(served: Server, secret: str) -> str:
    headers = {"Authorization": f"Bearer {secret}"}
    answer = httpx.post(f"{served.base_url}{KEY}/rotate", json={"overlap": "1h"}, headers=headers, timeout=60)
    assert answer.status_code == 201, answer.text
    ledger.note_keys(answer.text)
    return str(answer.json()["secret"])


def wait_for(clients: list[Client], more: Callable[[Client], bool]) -> None:
    until("every client goes on", lambda: all(more(each) or not each.is_alive() for each in clients))
    assert all(each.is_alive() for each in clients)


def go_on(clients: list[Client]) -> None:
    before = {each: len(each.calls) for each in clients}
    wait_for(clients, lambda each: len(each.calls) >= before[each] + CALLS)


def stop(clients: list[Client]) -> None:
    for each in clients:
        each.enough.set()
        each.join(60)


def test_a_client_that_changes_over_within_the_overlap_is_never_refused(served: Server, owner: Person) -> None:
    key, secret = served.key(owner)
    clients = [Client(served, secret) for _ in range(CLIENTS)]
    for each in clients:
        each.start()
    go_on(clients)
    for _ in range(ROUNDS):
        secret = rotated(served, secret)
        # One after the other, while the rest go on with the old one.
        for each in clients:
            each.secret = secret
            go_on(clients)
        with served.models():
            key.finish_rotation(by=owner.actor)
        go_on(clients)
    stop(clients)
    assert {call[2:] for each in clients for call in each.calls} == {(200, "")}


def test_an_overlap_an_end_and_a_start_are_at_the_same_instant_for_every_worker(served: Server, owner: Person) -> None:
    replaced, old = served.key(owner)
    new = rotated(served, old)
    expiring, expired = served.key(owner)
    starting, started = served.key(owner, starts_at=now() + timedelta(hours=1))
    # What each secret answers before the moment, and from then on.
    wanted = {
        old: ((200, ""), (401, "expired_key")),
        expired: ((200, ""), (401, "expired_key")),
        started: ((401, "not_yet_valid_key"), (200, "")),
        new: ((200, ""), (200, "")),
    }
    clients = [Client(served, secret) for secret in wanted for _ in range(2)]
    for each in clients:
        each.start()
    go_on(clients)
    with served.models(), transaction():
        # All of this is to be there before the moment comes.
        end = from_microseconds(int(now().timestamp() + 6) * 1_000_000)
        KeySecret.update(ends_at=end).where(KeySecret.key == replaced.id, KeySecret.ends_at.is_null(False)).execute()
        ApiKey.update(expires_at=end).where(ApiKey.id == expiring.id).execute()
        ApiKey.update(starts_at=end).where(ApiKey.id == starting.id).execute()
    moment = int(end.timestamp()) * 1_000_000
    wait_for(clients, lambda each: sum(call[0] > moment for call in each.calls) >= CALLS)
    stop(clients)
    for each in clients:
        before, after = wanted[each.secret]
        assert {call[2:] for call in each.calls if call[1] < moment} == {before}
        assert {call[2:] for call in each.calls if call[0] >= moment} == {after}
