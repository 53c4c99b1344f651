"""A PostgreSQL server of the suite's own: data in a temporary folder, gone when the suite ends."""

import contextlib
import glob
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.ports import free_port

HOMES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
# Nothing here outlives the suite, so nothing has to reach the disk.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300", "shared_buffers=64MB")


class PostgresServer:
    """A running server; `create` makes databases in it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    def url(self, database: str) -> str:
        return f"postgresql://gravity@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, template: str = "template1") -> str:
        """A new database, or a copy of one that nobody uses right now; returns its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def dump(self) -> bytes:
        """Every database of the server as SQL."""
        done = subprocess.run(
            [tool("pg_dumpall"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "gravity"],
            capture_output=True,
            check=True,
        )
        return done.stdout


@contextlib.contextmanager
def running() -> Iterator[PostgresServer]:
    folder = Path(tempfile.mkdtemp(prefix="gravity-postgres-"))
    port = free_port()
    log = (folder / "server.log").open("wb")
    try:
        _hand_over(folder)
        data = str(folder / "data")
        initdb = [tool("initdb"), "-D", data, "-U", "gravity", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(_as_ordinary_user(initdb), stdout=log, stderr=log, check=True, cwd=folder)
        options = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", *FAST]
        command = [tool("postgres"), "-D", data, *(part for option in options for part in ("-c", option))]
        # A session of its own: Ctrl-C is for the suite, which then stops the server in order.
        process = subprocess.Popen(
            _as_ordinary_user(command), stdout=log, stderr=log, cwd=folder, start_new_session=True
        )
        try:
            server = PostgresServer(folder, port)
            _wait_until_ready(server, process)
            yield server
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(20)
    finally:
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def emptying(url: str, tables: list[str]) -> Iterator[Callable[[], None]]:
    """A call that empties these tables. Most tests fill few, so those are found and emptied: a tenth of the time."""
    filled = ", ".join(f"EXISTS (SELECT 1 FROM {table})" for table in tables)  # noqa: S608 names of our tables
    # A process that was killed a moment ago may still be heard of: TRUNCATE waits for its end.
    busy = "datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()"
    look = f"SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE {busy}), {filled}"  # noqa: S608 as above
    calls = itertools.count(1)
    with psycopg.connect(url, autocommit=True) as connection:
        # Rows are deleted in no order, whatever refers to them.
        connection.execute("SET session_replication_role = replica")

        def empty() -> None:
            others, *has_rows = connection.execute(look).fetchone() or (True,)
            # Now and then anyway: what deleted rows leave behind makes each look longer.
            if others or next(calls) % 25 == 0:
                connection.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
            else:
                for table in itertools.compress(tables, has_rows):
                    connection.execute(f"DELETE FROM {table}")  # noqa: S608 as above

        yield empty


def tool(name: str) -> str:
    """The path of one of PostgreSQL's programs; without it the suite ends with one clear line."""
    homes = sorted((home for pattern in HOMES for home in glob.glob(pattern)), reverse=True)  # noqa: PTH207 absolute patterns
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(homes))
    if found is None:
        pytest.exit(f"{name} is missing: run tests/install-tools.sh postgresql", returncode=3)
    return found


def _ordinary_user() -> str | None:
    """Whom the server runs as when the tests run as root, which PostgreSQL refuses to."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _hand_over(folder: Path) -> None:
    if (user := _ordinary_user()) is not None:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)


def _as_ordinary_user(command: list[str]) -> list[str]:
    user = _ordinary_user()
    if user is None:
        return command
    if shutil.which("setpriv"):
        group = str(pwd.getpwnam(user).pw_gid)
        return ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", *command]
    if shutil.which("runuser"):
        return ["runuser", "-u", user, "--", *command]
    pytest.exit("setpriv or runuser is needed to run PostgreSQL as an ordinary user: install util-linux", returncode=3)


def _wait_until_ready(server: PostgresServer, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(server.url("postgres")).close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                said = (server.folder / "server.log").read_text(errors="replace").splitlines()[-3:]
                pytest.exit(f"PostgreSQL did not start: {' '.join(said)}", returncode=3)
            time.sleep(0.05)
