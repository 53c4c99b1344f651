"""A revocation that has answered is in force everywhere: no later request with that key is accepted."""

import http.client
import threading
import time
from pathlib import Path

import pytest

from tests.support import servers
from tests.support.cast import Person
from tests.support.remote import Dashboard
from tests.support.servers import Server

CLIENTS = 4
# Accepted requests of each client before the revocation, and requests begun after it.
BEFORE, AFTER = 3, 5


class Hammer(threading.Thread):
    """Calls the API without a pause and notes when each request began and how it ended."""

    def __init__(self, server: Server, path: str, secret: str) -> None:
        super().__init__(daemon=True)
        self.port, self.path = server.port, path
        self.headers = {"Authorization": f"Bearer {secret}"}
        self.calls: list[tuple[float, int]] = []
        self.enough = threading.Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.enough.is_set():
            began = time.perf_counter()
            connection.request("GET", self.path, headers=self.headers)
            answer = connection.getresponse()
            answer.read()
            self.calls.append((began, answer.status))
        connection.close()

    def begun_since(self, moment: float) -> list[int]:
        return [status for began, status in self.calls if began > moment]


def wait_until(hammers: list[Hammer], count: int, moment: float = 0) -> None:
    deadline = time.monotonic() + 60
    while any(len(each.begun_since(moment)) < count for each in hammers):
        assert all(each.is_alive() for each in hammers) and time.monotonic() < deadline
        time.sleep(0.002)


def accepted_after_revoking(ada: Person, dashboard: Dashboard, at: Server) -> int:
    """One round: how many of the requests that began after the answer were still accepted."""
    key, secret = at.key(ada)
    hammers = [Hammer(at, ada.api(), secret) for _ in range(CLIENTS)]
    for each in hammers:
        each.start()
    wait_until(hammers, BEFORE)
    assert {status for each in hammers for _, status in each.calls[:BEFORE]} == {200}
    dashboard.revoke(ada, key.id, key.name)
    answered = time.perf_counter()
    wait_until(hammers, AFTER, answered)
    for each in hammers:
        each.enough.set()
        each.join(60)
    late = [status for each in hammers for status in each.begun_since(answered)]
    assert set(late) <= {200, 401}
    return late.count(200)


@pytest.mark.parametrize("rounds", [30])
def test_a_revocation_in_one_process_holds_in_another(server: Server, tmp_path: Path, rounds: int) -> None:
    ada = server.owner()
    with (
        servers.running("second", tmp_path, server.database_url, like=server) as other,
        Dashboard(other, ada) as dashboard,
    ):
        assert [accepted_after_revoking(ada, dashboard, at=server) for _ in range(rounds)] == [0] * rounds


@pytest.mark.parametrize(("backed_by", "rounds"), [("server", 20), ("postgresql_server", 10)])
def test_a_revocation_by_one_worker_holds_for_the_other(
    request: pytest.FixtureRequest, backed_by: str, rounds: int
) -> None:
    server: Server = request.getfixturevalue(backed_by)
    ada = server.owner()
    with Dashboard(server, ada) as dashboard:
        assert [accepted_after_revoking(ada, dashboard, at=server) for _ in range(rounds)] == [0] * rounds
