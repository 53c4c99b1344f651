"""What load balancers and containers ask: `/healthz` while the process lives, `/readyz` while it can serve."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from models import database, readiness
from models.database import MIGRATIONS
from tests.support.cast import Person
from tests.support.clients import Browser
from tests.support.connection import disconnect
from tests.support.patience import as_in_production
from tests.support.postgres import PostgresServer
from tests.support.processes import until
from tests.support.servers import Server

READY = {"ready": True, "checks": {"database": "ok", "migrations": "ok"}}
AWAY = {"ready": False, "checks": {"database": "unreachable", "migrations": "unknown"}}
PENDING = {"ready": False, "checks": {"database": "ok", "migrations": "pending"}}


@pytest.fixture
def other(client: FlaskClient) -> Iterator[Callable[[str], None]]:
    """other(url): from here on the application works on this database."""

    def connected(url: str) -> None:
        disconnect()
        database.connect(url)

    yield connected
    disconnect()


@pytest.fixture(params=["sqlite", "postgresql"])
def away(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'no folder' / 'gravity.db'}"
    return "postgresql://gravity@127.0.0.1:1/gravity"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without a table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    servers: PostgresServer = request.getfixturevalue("postgres_server")
    return servers.create(f"empty_{tmp_path.name}")


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"postgresql://gravity@127.0.0.1:{listener.getsockname()[1]}/gravity"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_need_no_name_and_leave_nothing(client: FlaskClient, path: str) -> None:
    """They come by address, which is none of our host names."""
    answer = client.get(path, headers={"Host": "10.0.4.7:8000"})
    assert answer.status_code == 200
    assert answer.headers.getlist("Cache-Control") == ["no-store"]
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_do_not_look_at_sessions(ada: Person, browse: Callable[[Person], Browser], path: str) -> None:
    client = browse(ada).client
    client.set_cookie("gravity", "no session at all")
    answer = client.get(path)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_ready_while_the_database_is_there_and_migrated(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, READY)
    assert answer.mimetype == "application/json"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_not_ready_but_alive_while_the_database_is_away(
    client: FlaskClient, other: Callable[[str], None], away: str, database_url: str
) -> None:
    other(away)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (503, AWAY)
    assert client.get("/healthz").text == "ok"
    other(database_url)
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_not_ready_before_the_migrations(client: FlaskClient, other: Callable[[str], None], empty: str) -> None:
    other(empty)
    assert (client.get("/readyz").status_code, client.get("/readyz").json) == (503, PENDING)
    assert database.migrate()
    assert client.get("/readyz").json == READY


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_not_ready_with_a_database_of_the_version_before(client: FlaskClient, connected: str) -> None:
    newest = sorted(path.stem for path in MIGRATIONS.glob("0*.py"))[-1]
    database.db.execute_sql("DELETE FROM schema_migration WHERE name = ?", (newest,))
    assert client.get("/readyz").json == PENDING


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_of_the_version_after_serves_as_well(client: FlaskClient, connected: str) -> None:
    database.db.execute_sql("INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '2030-01-01')")
    assert client.get("/readyz").json == READY


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_that_keeps_silent_is_not_waited_for(
    client: FlaskClient, other: Callable[[str], None], silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with as_in_production():
        other(silent)
    assert readiness.SECONDS < 2
    assert readiness.look(seconds=0.05) == AWAY["checks"]
    asked = readiness._running
    # It still waits, and a second probe waits for the same answer.
    assert asked and asked.is_alive()
    assert readiness.look(seconds=0.05) == AWAY["checks"]
    assert readiness._running is asked
    until("the driver gives up", lambda: not asked.is_alive())


def test_the_running_server_is_ready(server: Server) -> None:
    answer = server.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, READY)
