"""What a client saw answered is counted, whichever worker is killed and whenever."""

import contextlib
import http.client
import os
import random
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from models import UsageDay, UsageHour
from models.database import transaction
from tests.support import servers
from tests.support.cast import Person
from tests.support.postgres import PostgresServer
from tests.support.processes import WAIT, listening, until, workers
from tests.support.servers import Server

ROUNDS, CLIENTS = 20, 4


class Client(threading.Thread):
    """Calls the API without a pause, on a new connection whenever one breaks."""

    def __init__(self, server: Server, path: str, secret: str) -> None:
        super().__init__(daemon=True)
        self.port, self.path = server.port, path
        self.headers = {"Authorization": f"Bearer {secret}"}
        self.sent = self.seen = 0
        self.enough = threading.Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.enough.is_set():
            self.sent += 1
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection.request("GET", self.path, headers=self.headers)
                with connection.getresponse() as answer:
                    answer.read()
                    self.seen += answer.status == 200
                continue
            connection.close()
        connection.close()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Server]:
    with servers.running("mortal", tmp_path / "data", f"sqlite:///{tmp_path / 'gravity.db'}") as started:
        until("both workers answer", lambda: listening(started) == 2)
        yield started


def counted(server: Server, key_id: str) -> tuple[int, int]:
    """By hour and by day."""
    # Both as they are at one moment: requests nobody saw answered may be counted in between.
    with server.models(), transaction():
        return tuple(  # type: ignore[return-value]
            sum(row.count for row in table.select().where(table.key_id == key_id)) for table in (UsageHour, UsageDay)
        )


def one_round(server: Server, ada: Person) -> tuple[str, int, int]:
    """Kill a worker under load; the key, the answers seen, and the requests sent."""
    key, secret = server.key(ada)
    clients = [Client(server, ada.api(), secret) for _ in range(CLIENTS)]
    for each in clients:
        each.start()
    until("requests are answered", lambda: all(each.seen > 5 for each in clients))
    time.sleep(random.uniform(0, 0.5))
    os.kill(random.choice(sorted(workers(server))), signal.SIGKILL)
    until("the worker comes back", lambda: listening(server) == 2)
    before = [each.seen for each in clients]
    until("requests go on", lambda: all(each.seen > some for each, some in zip(clients, before, strict=True)))
    for each in clients:
        each.enough.set()
    for each in clients:
        each.join(WAIT)
    return key.id, sum(each.seen for each in clients), sum(each.sent for each in clients)


def test_answers_seen_are_counted_whatever_is_killed(mortal: Server) -> None:
    ada = mortal.owner(plan="enterprise")
    rounds = []
    for _ in range(ROUNDS):
        key_id, seen, sent = one_round(mortal, ada)
        until("what was seen is counted", lambda key_id=key_id, seen=seen: counted(mortal, key_id)[0] >= seen)  # type: ignore[misc]
        rounds.append((key_id, seen, sent))
    # Nothing of an earlier round was counted twice since.
    for key_id, seen, sent in rounds:
        hours, days = counted(mortal, key_id)
        assert seen <= hours == days <= sent
    assert mortal.process.poll() is None


def test_a_killed_scheduler_loses_and_doubles_nothing(mortal: Server) -> None:
    ada = mortal.owner(plan="enterprise")
    key, secret = mortal.key(ada)
    client = Client(mortal, ada.api(), secret)
    client.start()
    for _ in range(5):
        until("the scheduler runs", lambda: bool(schedulers(mortal)))
        before = client.seen
        until("requests are answered", lambda before=before: client.seen > before + 20)  # type: ignore[misc]
        time.sleep(random.uniform(0, 1.2))
        for pid in schedulers(mortal):
            os.kill(pid, signal.SIGKILL)
    client.enough.set()
    client.join(WAIT)
    until("what was seen is counted", lambda: counted(mortal, key.id)[0] >= client.seen)
    hours, days = counted(mortal, key.id)
    assert client.seen <= hours == days <= client.sent


@pytest.fixture
def two_machines(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[list[Server]]:
    """Two servers with data folders of their own, on one database."""
    url = postgres_server.create("two_machines", template="template_migrated")
    with (
        servers.running("machine-1", tmp_path / "1", url) as first,
        servers.running("machine-2", tmp_path / "2", url, like=first) as second,
    ):
        both = [first, second]
        until("all workers answer", lambda: all(listening(each) == 2 for each in both))
        yield both


def test_each_of_two_machines_counts_what_it_answered(two_machines: list[Server]) -> None:
    """Whatever is killed on either, and whichever scheduler has its turn."""
    ada = two_machines[0].owner(plan="enterprise")
    key, secret = two_machines[0].key(ada)
    clients = [Client(each, ada.api(), secret) for each in two_machines]
    for each in clients:
        each.start()
    for machine in two_machines:
        until("the scheduler runs", lambda machine=machine: bool(schedulers(machine)))  # type: ignore[misc]
        before = [each.seen for each in clients]
        until("both answer", lambda: all(each.seen > some for each, some in zip(clients, before, strict=True)))  # noqa: B023
        for pid in (*schedulers(machine), *(random.choice(sorted(workers(each))) for each in two_machines)):
            os.kill(pid, signal.SIGKILL)
        until("the workers come back", lambda: all(listening(each) == 2 for each in two_machines))
    for each in clients:
        each.enough.set()
    for each in clients:
        each.join(WAIT)
    seen, sent = sum(each.seen for each in clients), sum(each.sent for each in clients)
    until("what was seen is counted", lambda: counted(two_machines[0], key.id)[0] >= seen)
    for machine in two_machines:
        until("its journals are read", lambda machine=machine: behind(machine) == 0)  # type: ignore[misc]
    hours, days = counted(two_machines[0], key.id)
    assert seen <= hours == days <= sent


def behind(server: Server) -> float:
    """How old the oldest request of this machine is that is not counted, in seconds."""
    answer = server.get("/metrics")
    (told,) = re.findall(r"^gravity_usage_oldest_uncounted_seconds (.+)$", answer.text, re.MULTILINE)
    return float(told)


def schedulers(server: Server) -> list[int]:
    """The scheduler, once it does its work; none while it is being started again."""
    found = []
    for pid in server.pids():
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and b"jobs.runner" in command.read_bytes():
            found.append(pid)
    return found
