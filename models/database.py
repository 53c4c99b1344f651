"""The one database handle, and what every table shares: text ids, UTC times, transactions, migrations."""

import contextlib
import fcntl
import logging
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from peewee import (
    DatabaseProxy,
    Field,
    InterfaceError,
    Model,
    OperationalError,
    SqliteDatabase,
    TextField,
)
from playhouse import db_url, migrations

from models import metrics, postgres
from models.errors import NotFound

CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
MIGRATIONS = Path(__file__).parent / "migrations"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# Rows of one statement that writes many: more than this brings nothing, and both databases have a limit.
ROWS = 500

SQLITE_PRAGMAS = {
    "journal_mode": "wal",
    "foreign_keys": 1,
    "synchronous": "normal",  # With WAL a power cut may lose the last commits but never corrupts.
    "cache_size": -16_000,
}
BUSY_SECONDS = 5
MIGRATION_LOCK = 4_772_001

log = logging.getLogger(__name__)
db = DatabaseProxy()
_moment: ContextVar[int | None] = ContextVar("moment", default=None)


class UTCDateTimeField(Field):
    """A moment as an aware UTC datetime, stored as whole microseconds since 1970.

    An integer compares, sorts and groups alike on SQLite and PostgreSQL and knows no zones.
    """

    field_type = "BIGINT"

    def db_value(self, value: datetime | None) -> int | None:
        return None if value is None else to_microseconds(value)

    def python_value(self, value: int | None) -> datetime | None:
        return None if value is None else from_microseconds(value)


class Record(Model):
    """What every table shares."""

    class Meta:
        database = db
        legacy_table_names = False


class WorkspaceRecord(Record):
    """A row that belongs to a workspace. The two finders below are the only way in for views."""

    id: Any
    workspace: Any

    @classmethod
    def in_workspace(cls, workspace_id: str) -> Any:
        """The rows of one workspace, as a query to refine."""
        return cls.select().where(cls.workspace == workspace_id)

    @classmethod
    def find(cls, workspace_id: str, row_id: str) -> Any:
        """One row of the workspace; `NotFound` for a row of another one and for one that never was."""
        row = cls.in_workspace(workspace_id).where(cls.id == row_id).get_or_none()
        if row is None:
            raise NotFound
        return row


def id_field(prefix: str) -> TextField:
    """The primary key of a table: opaque text that says what it names, such as `key_8m2k…`."""
    return TextField(primary_key=True, default=lambda: new_id(prefix))


def new_id(prefix: str) -> str:
    return f"{prefix}_{random_text(16)}"


def random_text(length: int) -> str:
    """Random Crockford base32, five bits a character, from the operating system."""
    bits = int.from_bytes(secrets.token_bytes((length * 5 + 7) // 8), "big")
    return "".join(CROCKFORD[(bits >> (5 * place)) & 31] for place in range(length))


def now() -> datetime:
    return from_microseconds(now_microseconds())


def now_microseconds() -> int:
    moment = _moment.get()
    return time.time_ns() // 1000 if moment is None else moment


@contextlib.contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Act as if it were another moment: for sample data, and for a job that is run for a given time."""
    token = _moment.set(to_microseconds(moment))
    try:
        yield
    finally:
        _moment.reset(token)


def to_microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def from_microseconds(value: int) -> datetime:
    return EPOCH + timedelta(microseconds=value)


def connect(url: str) -> None:
    """Point the models at a database: `sqlite:///path` or `postgresql://…`."""
    if url.startswith("sqlite"):
        database = db_url.connect(url, pragmas=SQLITE_PRAGMAS, timeout=BUSY_SECONDS)
    else:
        database = postgres.database(url)
    db.initialize(database)


def is_sqlite() -> bool:
    return isinstance(db.obj, SqliteDatabase)


def transaction() -> Any:
    """A transaction that may write.

    SQLite takes its write lock at once: a transaction that reads first and writes later fails
    with "database is locked" however long the busy timeout is.
    """
    return db.atomic("IMMEDIATE") if is_sqlite() and not db.in_transaction() else db.atomic()


def read(sql: str, params: Sequence[object]) -> list[tuple[Any, ...]]:
    """Rows of one read on the hot path.

    It goes to the driver's connection, which halves its time. What fails there is asked once more
    through peewee, on a new connection where the server dropped the old one; its errors are peewee's.
    """
    database = db.obj
    try:
        return database.connection().execute(sql, params).fetchall()
    except Exception:
        if database.in_transaction():
            raise
        if not database.is_connection_usable():
            forget_connection()
        return database.execute_sql(sql, params).fetchall()


def forget_connection() -> None:
    """Drop this thread's connection without asking the server; the next statement opens a new one."""
    with contextlib.suppress(Exception):
        db.close()
    db.dispose()


def allow_statements(seconds: float | None) -> None:
    """Let the statements of this thread's connection take longer than those of a request; None: without end.

    SQLite has no such limit.
    """
    if not is_sqlite():
        db.connection().allow_statements(seconds)


@contextlib.contextmanager
def without_waiting() -> Iterator[None]:
    """For a small write that is worth less than its request: when it cannot be made at once, it is left out."""
    if is_sqlite():
        db.execute_sql("PRAGMA busy_timeout = 0")
    try:
        yield
    except (OperationalError, InterfaceError) as problem:
        metrics.LEFT_OUT.inc()
        log.warning("a small write was left out", extra={"reason": type(problem).__name__})
    finally:
        if is_sqlite():
            db.execute_sql(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")


def sql(text: str) -> str:
    """Hand-written SQL for the database at hand; its placeholders are written `?`."""
    return text.replace("?", db.param)


def migrate() -> list[str]:
    """Bring the schema up to date and return what was applied. Safe to call from many processes at once."""
    with _migrating():
        return migrations.Runner(db.obj, str(MIGRATIONS)).up()


def migration_status() -> list[tuple[str, datetime | None]]:
    """Each migration with the moment it was applied, or None."""
    return [(row.name, row.applied) for row in migrations.Runner(db.obj, str(MIGRATIONS)).status()]


def pending_migrations() -> list[str]:
    return [name for name, applied in migration_status() if applied is None]


@contextlib.contextmanager
def _migrating() -> Iterator[None]:
    """One migrating process at a time: a lock of the server, or a lock file beside the SQLite file."""
    if not is_sqlite():
        allow_statements(None)
        db.execute_sql("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        try:
            yield
        finally:
            db.execute_sql("SELECT pg_advisory_unlock(%s)", (MIGRATION_LOCK,))
            db.close()
        return
    with _MIGRATING, Path(f"{db.obj.database}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


_MIGRATING = threading.Lock()
