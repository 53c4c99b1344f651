"""A PostgreSQL server that holds its connections and says nothing any more, as behind a stalled disk."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from peewee import OperationalError

from jobs.turn import patient_connection
from models import database
from tests.support import postgres, servers
from tests.support.patience import as_in_production
from tests.support.postgres import PostgresServer
from tests.support.processes import listening, until
from tests.support.servers import Server

KEY = "/api/v2/key"
# Far more than the two seconds that are promised, and less than it takes when each request waits for itself: ten in a
# row at each worker.
PATIENCE = 12


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """One to stop, that no other test uses."""
    with postgres.running() as started:
        yield started


@pytest.fixture(scope="module")
def server(own_postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("silent") / "data"
    with servers.running("silent", data, own_postgres.create("silent")) as started:
        until("both workers answer", lambda: listening(started) == 2)
        yield started


@contextlib.contextmanager
def silent(own: PostgresServer) -> Iterator[None]:
    """Stop all of its processes where they are. The system still takes connections and what is sent on them."""
    parent = (own.folder / "data" / "postmaster.pid").read_text().split()[0]
    listed = subprocess.check_output(["ps", "-o", "pid=", "--pid", parent, "--ppid", parent], text=True)
    pids = [int(pid) for pid in listed.split()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def ask(server: Server, secret: str) -> httpx.Response:
    """On a connection of its own, which either worker may get."""
    return httpx.get(server.base_url + KEY, headers={"Authorization": f"Bearer {secret}"}, timeout=PATIENCE)


def test_every_request_is_answered_503_soon_and_200_again_when_it_speaks(
    own_postgres: PostgresServer, server: Server
) -> None:
    _, secret = server.key(server.owner("Silent", "business"))
    assert {ask(server, secret).status_code for _ in range(20)} == {200}
    with silent(own_postgres), ThreadPoolExecutor(20) as crowd:
        for _ in range(2):
            answers = list(crowd.map(lambda _: ask(server, secret), range(20)))
            assert {answer.status_code for answer in answers} == {503}
            assert {answer.headers["Retry-After"] for answer in answers} == {"2"}
            assert {answer.json()["code"] for answer in answers} == {"unavailable"}
        page = httpx.get(f"{server.base_url}/set-password?token=any", timeout=PATIENCE)
        assert (page.status_code, "Briefly unavailable" in page.text) == (503, True)
        assert httpx.get(f"{server.base_url}/healthz", timeout=PATIENCE).status_code == 200
        assert httpx.get(f"{server.base_url}/readyz", timeout=PATIENCE).status_code == 503
    until("it answers again", lambda: ask(server, secret).status_code == 200)
    assert {ask(server, secret).status_code for _ in range(20)} == {200}


def test_a_job_may_take_longer_than_a_request(server: Server) -> None:
    with as_in_production(), server.models():
        with patient_connection():
            database.db.execute_sql("SELECT pg_sleep(2.2)")
        with pytest.raises(OperationalError, match="statement timeout"):
            database.db.execute_sql("SELECT pg_sleep(2.2)")
