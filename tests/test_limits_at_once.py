"""Limits under load: exact across the workers of a machine, and across machines that share a Redis."""

import contextlib
import http.client
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from models import database
from tests.support import redis_server, servers
from tests.support.cast import Person
from tests.support.redis_server import RedisServer
from tests.support.scrapes import Scrape
from tests.support.servers import Server

CLIENTS, LIMIT, WINDOW = 8, 60, 60


@contextlib.contextmanager
def machines(template: Path, folder: Path) -> Iterator[tuple[RedisServer, list[Server]]]:
    """Two servers with data folders of their own, on one database and one Redis."""
    url = f"sqlite:///{shutil.copy(template, folder / 'gravity.db')}"
    with (
        redis_server.running(folder) as redis,
        servers.running("redis-1", folder / "1", url, GRAVITY_REDIS_URL=redis.url) as first,
        servers.running("redis-2", folder / "2", url, like=first, GRAVITY_REDIS_URL=redis.url) as second,
    ):
        yield redis, [first, second]


@pytest.fixture(scope="module")
def two_machines(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    with machines(_sqlite_template, tmp_path_factory.mktemp("machines")) as (_, both):
        yield both


def free_key(server: Server, person: Person) -> str:
    return server.key(person, expires_at=database.now() + timedelta(days=30))[1]


def in_one_window(ask: Callable[[], Counter[int]], together: Sequence[Server] = ()) -> Counter[int]:
    """What came of requests that took less than a window, however slow the machine is: else it asks again.

    Also when any of the servers that count together did not wait for Redis, which it does for a quarter of a second.
    """
    for _ in range(20):
        began, before = time.monotonic(), alone(together)
        seen = ask()
        if time.monotonic() - began < WINDOW and alone(together) == before:
            return seen
    raise AssertionError("the requests never fitted into a window")


def alone(servers: Sequence[Server]) -> list[float]:
    """How many requests each of them has counted by itself."""
    return [Scrape(each.get("/metrics").text).value("gravity_limits_counted_alone_total") for each in servers]


def hammer(servers: list[Server], secrets: list[str], requests: int) -> Counter[int]:
    """How often each status came when clients, each with a connection of its own, ask at once."""
    seen: Counter[int] = Counter()
    ready, lock = threading.Barrier(CLIENTS), threading.Lock()

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", servers[number % len(servers)].port, timeout=60)
        ready.wait()
        for turn in range(requests):
            secret = secrets[(number + turn) % len(secrets)]
            connection.request("GET", "/api/v2/key", headers={"Authorization": f"Bearer {secret}"})
            answer = connection.getresponse()
            answer.read()
            with lock:
                seen[answer.status] += 1
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return seen


def test_eight_clients_on_one_key_and_two_workers_get_exactly_its_limit(server: Server) -> None:
    seen = in_one_window(lambda: hammer([server], [free_key(server, server.owner("Free", plan="free"))], 15))
    assert seen == {200: LIMIT, 429: CLIENTS * 15 - LIMIT}


def test_eight_clients_on_two_machines_get_exactly_its_limit_with_redis(two_machines: list[Server]) -> None:
    first = two_machines[0]
    seen = in_one_window(
        lambda: hammer(two_machines, [free_key(first, first.owner("Free", plan="free"))], 15), together=two_machines
    )
    assert seen == {200: LIMIT, 429: CLIENTS * 15 - LIMIT}


@pytest.mark.parametrize("where", ["server", "two_machines"])
def test_fifty_keys_do_not_disturb_each_other(where: str, request: pytest.FixtureRequest) -> None:
    found = request.getfixturevalue(where)
    running: list[Server] = found if isinstance(found, list) else [found]
    # Three keys a workspace on this plan.
    secrets = [free_key(running[0], person) for person in owners(running[0], 17) for _ in range(3)][:50]
    assert hammer(running, secrets, 50) == {200: CLIENTS * 50}


def owners(server: Server, number: int) -> list[Person]:
    return [server.owner(f"Free {each}", plan="free") for each in range(number)]


def test_without_redis_requests_are_served_within_the_limit_of_each_machine(
    _sqlite_template: Path, tmp_path: Path
) -> None:
    with machines(_sqlite_template, tmp_path) as (redis, both):
        first = both[0]
        redis.process.kill()
        redis.process.wait()
        seen = in_one_window(lambda: hammer(both, [free_key(first, first.owner("Free", plan="free"))], 20))
    assert seen == {200: 2 * LIMIT, 429: CLIENTS * 20 - 2 * LIMIT}
