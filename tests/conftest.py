"""Fixtures: each test meets the same people, on SQLite and on PostgreSQL."""

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import playwright.sync_api
import pytest
from flask import Flask
from flask.testing import FlaskClient

from jobs import send_mail, send_webhooks
from models import TABLES, ApiKey, database, rate_limit, secret, usage_journal
from models.secret import Pepper
from models.settings import Settings
from tests.support import artifacts, cast, ledger, patience, postgres, servers
from tests.support.artifacts import ARTIFACTS
from tests.support.cast import Person
from tests.support.chromium import launched
from tests.support.clients import ApiClient, Browser
from tests.support.connection import disconnect
from tests.support.mailbox import mailbox  # noqa: F401 a fixture
from tests.support.patience import pytest_runtest_setup  # noqa: F401 a hook
from tests.support.postgres import PostgresServer
from tests.support.servers import Server
from tests.support.webhooks import receiver, sending  # noqa: F401 fixtures
from views import access_log

PEPPER = Pepper("1", ledger.fresh("pepper").encode())
SIGNING_KEY = ledger.fresh("signing key")

ledger.record()
patience.have()


def pytest_sessionstart() -> None:
    artifacts.begin()
    # What the tests started is stopped in order, whoever ends them.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The sweep looks at what all others left behind.
    items.sort(key=lambda item: item.path.name == "test_zz_secret_sweep.py")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what the tests wrote to the logs, for the sweep at the end."""
    if report.when == "teardown" or report.failed:
        with (ARTIFACTS / "captured.log").open("a") as kept:
            kept.writelines(f"{report.nodeid} {title}\n{text}\n" for title, text in report.sections)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with postgres.running() as server:
        database.connect(server.create("template_migrated"))
        database.migrate()
        disconnect()
        yield server


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "gravity.db"
    database.connect(f"sqlite:///{file}")
    database.migrate()
    disconnect()
    return file


@pytest.fixture(scope="session")
def _postgresql_shared(postgres_server: PostgresServer) -> Iterator[Callable[[], str]]:
    """One database for all tests; the call empties it and returns its URL."""
    url = postgres_server.create("shared", template="template_migrated")
    with postgres.emptying(url, [table._meta.table_name for table in TABLES]) as empty:

        def emptied() -> str:
            empty()
            return url

        yield emptied


@pytest.fixture
def sqlite_url(_sqlite_template: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(_sqlite_template, tmp_path / 'gravity.db')}"


@pytest.fixture
def postgresql_url(_postgresql_shared: Callable[[], str]) -> str:
    return _postgresql_shared()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database without rows: every test that needs one runs on both kinds."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def connected(database_url: str, tmp_path: Path) -> Iterator[str]:
    """The models, connected to the database of the test, with a pepper and with journals of its own."""
    database.connect(database_url)
    secret.use_peppers((PEPPER,))
    usage_journal.use(tmp_path)
    yield database_url
    disconnect()


def settings_for(database_url: str, folder: Path) -> Settings:
    return Settings(
        data_dir=folder / "data",
        database_url=database_url,
        host="127.0.0.1",
        port=8000,
        workers=1,
        base_url="http://localhost",
        secret_keys=(SIGNING_KEY,),
        peppers=(PEPPER,),
        trusted_hosts=("localhost", "127.0.0.1"),
    )


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return settings_for(database_url, tmp_path)


@pytest.fixture(scope="session")
def _shared_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    # Imported late: tests of the models stand without it.
    from app import create_app

    folder = tmp_path_factory.mktemp("shared")
    made = create_app(settings_for(f"sqlite:///{folder / 'unused.db'}", folder))
    made.testing = True
    access_log.PAUSE = 0  # A line belongs to the output of the test that made it.
    # As in production: an error becomes an answer. Tests that want it look at the status.
    made.config["PROPAGATE_EXCEPTIONS"] = False
    return made


@pytest.fixture
def app(_shared_app: Flask, connected: str, settings: Settings) -> Flask:
    """The application. All tests share it, since making it takes longer than most of them: leave it as it was."""
    disconnect()
    database.connect(settings.database_url)
    secret.use_peppers(settings.peppers)
    settings.data_dir.mkdir(exist_ok=True)
    rate_limit.use(settings.data_dir)
    usage_journal.use(settings.data_dir)
    send_mail.use(settings)
    send_webhooks.use(settings)
    _shared_app.config["SETTINGS"] = settings
    return _shared_app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def browse(app: Flask) -> Callable[[Person], Browser]:
    """browse(ada): Ada's browser, signed in. The same one each time within a test."""
    open_ones: dict[str, Browser] = {}

    def opened(person: Person) -> Browser:
        if person.member.id not in open_ones:
            open_ones[person.member.id] = Browser(app).sign_in(person)
        return open_ones[person.member.id]

    return opened


@pytest.fixture
def call(app: Flask) -> Callable[..., ApiClient]:
    """call(secret): an API client that sends this key; call() sends none."""

    def opened(text: Any = None, **kwargs: Any) -> ApiClient:
        return ApiClient(app, text, **kwargs)

    return opened


@pytest.fixture
def make_key(connected: str) -> Callable[..., tuple[ApiKey, str]]:
    """make_key(ada, name="CI", scopes={"read:members"}): the key and its secret in clear."""
    return cast.make_key


@pytest.fixture
def ada(connected: str) -> Person:
    """Owner of Fieldstone, on the Team plan."""
    return cast.new_owner("Ada Byron", "Fieldstone")


@pytest.fixture
def olga(ada: Person) -> Person:
    """Admin of Fieldstone."""
    return cast.joined(ada.workspace, "Olga Ladyzhenskaya", "admin")


@pytest.fixture
def bob(ada: Person) -> Person:
    """Member of Fieldstone: signs in and manages nothing."""
    return cast.joined(ada.workspace, "Bob Kahn", "member")


@pytest.fixture
def carla(ada: Person) -> Person:
    """Contact of Fieldstone: on record, without a way to sign in."""
    return cast.joined(ada.workspace, "Carla Mora", "contact")


@pytest.fixture
def mallory(connected: str) -> Person:
    """Owner of Rival, another workspace."""
    return cast.new_owner("Mallory Vane", "Rival")


@pytest.fixture(scope="session")
def server(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The product on SQLite with two workers, shared by all tests: each brings an owner of its own."""
    folder = tmp_path_factory.mktemp("server")
    with servers.running(
        "sqlite", folder, f"sqlite:///{shutil.copy(_sqlite_template, folder / 'gravity.db')}"
    ) as running:
        yield running


@pytest.fixture(scope="session")
def postgresql_server(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The product on PostgreSQL with two workers."""
    url = postgres_server.create("served", template="template_migrated")
    with servers.running("postgresql", tmp_path_factory.mktemp("server"), url) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[playwright.sync_api.Browser]:
    with launched() as browser:
        yield browser
