"""The migrations lead to the schema that the models expect, wherever and however often they run."""

import multiprocessing
from collections.abc import Callable
from typing import Any

import pytest

from models import TABLES, DataRecord, KeySecret, database
from models.database import db, is_sqlite
from tests.support.connection import disconnect
from tests.support.postgres import PostgresServer

# Written by hand in the migration, since peewee has no words for a condition.
PLAIN = {"api_key_listed", "key_secret_closing"}
BY_HAND = {"api_key_live_name", "key_secret_current"} | PLAIN
FOREIGN_KEYS = """
SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY 1, 2
"""

Fresh = Callable[[], str]


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Any) -> Fresh:
    """fresh(): the URL of a new database without any table."""
    names = iter(range(100))

    def on_sqlite() -> str:
        return f"sqlite:///{tmp_path}/{next(names)}.db"

    def on_postgresql() -> str:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        return server.create(f"{tmp_path.name}_{next(names)}", template="template0")

    return on_sqlite if request.param == "sqlite" else on_postgresql


def schema_at(url: str, build: Callable[[], object]) -> dict[str, Any]:
    database.connect(url)
    build()
    found: dict[str, Any] = {name: _table(name) for name in db.get_tables() if name != "schema_migration"}
    found["foreign keys"] = _foreign_keys(found)
    disconnect()
    return found


def _table(name: str) -> dict[str, Any]:
    columns = {(each.name, each.data_type, each.null, each.primary_key, each.default) for each in db.get_columns(name)}
    # Of a table that is kept in the order of its key, SQLite lists no index for it.
    key = set(db.get_primary_keys(name))
    indexes = {
        (tuple(each.columns), each.unique)
        for each in db.get_indexes(name)
        if each.name not in BY_HAND and set(each.columns) != key
    }
    return {"columns": columns, "indexes": indexes}


def _foreign_keys(tables: dict[str, Any]) -> list[Any]:
    if is_sqlite():
        return [
            (name, *row[2:]) for name in sorted(tables) for row in db.execute_sql(f"PRAGMA foreign_key_list({name})")
        ]
    return list(db.execute_sql(FOREIGN_KEYS))


def create_tables() -> None:
    # peewee leaves a deferred foreign key for later, though by now its table is known.
    for field in (KeySecret.key, DataRecord.collection):
        field.deferred = False  # type: ignore[attr-defined]
    db.create_tables(TABLES)


def migrate_at(url: str) -> list[str]:
    database.connect(url)
    try:
        return database.migrate()
    finally:
        db.close()


def test_migrating_from_nothing_gives_the_tables_of_the_models(fresh: Fresh) -> None:
    migrated = schema_at(fresh(), database.migrate)
    assert migrated == schema_at(fresh(), create_tables)
    assert len(migrated) == len(TABLES) + 1


def test_names_and_secrets_are_unique_while_they_live(fresh: Fresh) -> None:
    database.connect(fresh())
    database.migrate()
    made = {each.name: each.unique for table in ("api_key", "key_secret") for each in db.get_indexes(table)}
    assert {name: made[name] for name in BY_HAND} == dict.fromkeys(BY_HAND, True) | dict.fromkeys(PLAIN, False)
    disconnect()


def test_migrating_twice_changes_nothing(fresh: Fresh) -> None:
    url = fresh()
    assert migrate_at(url)
    assert migrate_at(url) == []


def test_nothing_is_pending_afterwards(fresh: Fresh) -> None:
    database.connect(fresh())
    assert database.pending_migrations()
    database.migrate()
    assert database.pending_migrations() == []
    disconnect()


def test_of_processes_that_migrate_at_once_one_does(fresh: Fresh) -> None:
    url = fresh()
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        applied = pool.map(migrate_at, [url] * 4)
    assert sorted(map(bool, applied)) == [False, False, False, True]
