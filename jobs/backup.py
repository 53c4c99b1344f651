"""Backups of either database: one private file, consistent while requests go on, checked before it is used."""

import contextlib
import os
import re
import secrets
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click
from psycopg import pq

from models import database

# How long a restore waits for somebody else's transaction on SQLite.
PATIENCE = 30
# As a dump writes the rows of the table in which migrations are noted.
MIGRATION_ROW = re.compile(r"[0-9]+\t([0-9]{4}_\w+)\t")


class NotGood(Exception):
    """Says in one line what is wrong with a backup, or with the tools for it."""


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    try:
        yield
    except (NotGood, OSError, sqlite3.Error) as problem:
        raise click.ClickException(str(problem)) from problem


def write(url: str, path: Path) -> None:
    """Write the database behind the URL to a file that only its owner may read: whole, or not at all."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        if database.is_sqlite():
            _write_sqlite(draft)
        else:
            options = ["--format=custom", "--no-owner", "--no-privileges"]
            _run(url, "pg_dump", *options, f"--file={draft}")
        _sync(draft)
        draft.replace(path)
        _sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def restore(url: str, path: Path) -> None:
    """Replace what the database behind the URL holds, in one transaction. A file that is not good changes nothing."""
    known = {name for name, _ in database.migration_status()}
    tables = database.db.get_tables()
    database.forget_connection()
    if database.is_sqlite():
        _restore_sqlite(path, known)
    else:
        _restore_dump(url, path, known, tables)


def _must_fit(path: Path, found: set[str], known: set[str]) -> None:
    if not found:
        raise NotGood(f"{path} is not a backup of this application.")
    if newer := found - known:
        raise NotGood(f"{path} was made by a newer version: {', '.join(sorted(newer))}.")


# SQLite


def _write_sqlite(draft: Path) -> None:
    with contextlib.closing(_live()) as source, contextlib.closing(sqlite3.connect(draft)) as copy:
        # All pages in one step are one snapshot, however much is written meanwhile.
        source.backup(copy)
        # The copy remembers write-ahead logging; without it the backup is a single file.
        copy.execute("PRAGMA journal_mode = DELETE")
        _check(copy, draft)


def _restore_sqlite(path: Path, known: set[str]) -> None:
    """Through SQLite itself, never by moving files: processes that have the database open see the new content."""
    deadline = time.monotonic() + PATIENCE

    def give_up(status: int, remaining: int, total: int) -> None:
        if time.monotonic() > deadline:
            raise NotGood("Another process keeps the database busy. Stop it, and try again.")

    # "immutable" reads the file as it is: nothing is created beside it.
    given = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    with contextlib.closing(given), contextlib.closing(_live()) as live:
        _check(given, path)
        ours = given.execute("SELECT name FROM sqlite_master WHERE name = 'schema_migration'").fetchall()
        names = given.execute("SELECT name FROM schema_migration").fetchall() if ours else []
        _must_fit(path, {name for (name,) in names}, known)
        given.backup(live, progress=give_up)


def _live() -> sqlite3.Connection:
    return sqlite3.connect(str(database.db.obj.database), timeout=database.BUSY_SECONDS)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    try:
        said = [text for (text,) in connection.execute("PRAGMA integrity_check")]
    except sqlite3.DatabaseError as problem:
        raise NotGood(f"{path} is not a good SQLite file: {problem}.") from problem
    if said != ["ok"]:
        raise NotGood(f"{path} is damaged: {said[0]}")


# PostgreSQL


def _restore_dump(url: str, path: Path, known: set[str], tables: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "restore.sql")
        # Writing it out reads all of the file: a damaged one ends here.
        _run(url, "pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(path))
        with script.open() as lines:
            found = {match.group(1) for line in lines if (match := MIGRATION_ROW.match(line))}
        _must_fit(path, found, known)
        # Tables that the backup does not know go too, so that it is what the next migration starts from.
        names = ", ".join(f'"{name}"' for name in tables)
        drop = [f"--command=DROP TABLE {names} CASCADE"] if names else []
        options = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        _run(url, "psql", *options, *drop, f"--file={script}")


def _run(url: str, program: str, *arguments: str) -> str:
    """What one of PostgreSQL's programs prints. It gets the password by environment: arguments are public."""
    found = shutil.which(program)
    if found is None:
        raise NotGood(f"{program} is missing. Install the client programs of PostgreSQL.")
    options = pq.Conninfo.parse(url.encode())
    given = {each.envvar.decode(): each.val.decode() for each in options if each.envvar and each.val}
    done = subprocess.run(  # noqa: S603 a fixed program with arguments of ours
        [found, *arguments], env=os.environ | given, text=True, capture_output=True
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"{program} failed."]
        raise NotGood(said[0])
    return done.stdout


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
