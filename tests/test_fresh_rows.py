"""Rows are kept only while nobody has committed anything: not a moment longer, whoever commits and however."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models import ApiKey, KeySecret, database, fresh_rows, verification
from models.database import db
from models.errors import KeyRefused
from tests.support.cast import Person

MakeKey = Callable[..., tuple[ApiKey, str]]

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def statements(connected: str) -> Iterator[list[str]]:
    """What the connection is asked."""
    asked: list[str] = []
    connection = db.connection()
    connection.set_trace_callback(asked.append)
    yield asked
    connection.set_trace_callback(None)


@pytest.fixture
def file(connected: str) -> Path:
    return Path(db.obj.database)


def outcome(text: str) -> str:
    try:
        return verification.verify(text).scopes
    except KeyRefused as refusal:
        return refusal.code


def test_nothing_is_asked_again_while_nothing_changes(ada: Person, make_key: MakeKey, statements: list[str]) -> None:
    _, text = make_key(ada)
    outcome(text)
    del statements[:]
    assert [outcome(text) for _ in range(5)] == ["read:members"] * 5
    assert not statements


def test_a_commit_of_our_own_is_seen(ada: Person, make_key: MakeKey) -> None:
    key, text = make_key(ada)
    assert outcome(text) == "read:members"
    key.revoke(by=ada.actor)
    assert outcome(text) == "revoked_key"


def test_a_commit_of_another_connection_is_seen_whatever_made_it(ada: Person, make_key: MakeKey, file: Path) -> None:
    key, text = make_key(ada)
    other = sqlite3.connect(file, isolation_level=None)
    for number in range(200):
        wanted = "read:data" if number % 2 else "read:members"
        other.execute("UPDATE api_key SET scopes = ? WHERE id = ?", (wanted, key.id))
        assert outcome(text) == wanted
    other.close()


def test_a_commit_of_another_process_is_seen_through_checkpoints(ada: Person, make_key: MakeKey, file: Path) -> None:
    _, text = make_key(ada)
    script = (
        "import sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "for line in sys.stdin:\n"
        "    c.execute('UPDATE api_key SET scopes = ?', (line.strip(),))\n"
        "    c.execute('PRAGMA wal_checkpoint(TRUNCATE)')\n"
        "    print('done', flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin and other.stdout
        for number in range(60):
            wanted = "read:data" if number % 2 else "read:members"
            other.stdin.write(wanted + "\n")
            other.stdin.flush()
            assert other.stdout.readline() == "done\n"
            assert outcome(text) == wanted
        other.stdin.close()


def test_what_is_rolled_back_is_not_seen(ada: Person, make_key: MakeKey) -> None:
    key, text = make_key(ada)
    with pytest.raises(ZeroDivisionError), database.transaction():
        ApiKey.update(scopes="read:data").where(ApiKey.id == key.id).execute()
        assert outcome(text) == "read:data"
        raise ZeroDivisionError
    assert outcome(text) == "read:members"


def test_a_new_connection_starts_with_nothing(ada: Person, make_key: MakeKey, file: Path) -> None:
    _, text = make_key(ada)
    assert outcome(text) == "read:members"
    database.forget_connection()
    # The last connection took the shared memory away with it; the next one makes another.
    assert not file.with_name(file.name + "-shm").exists()
    with sqlite3.connect(file) as other:
        other.execute("UPDATE api_key SET scopes = 'read:data'")
    other.close()
    assert outcome(text) == "read:data"


def test_unknown_secrets_are_not_kept(ada: Person, make_key: MakeKey, statements: list[str]) -> None:
    make_key(ada)
    outcome("gr_" + "0" * 20)
    del statements[:]
    assert outcome("gr_" + "0" * 20) == "invalid_key"
    assert statements


def test_without_wal_every_row_is_read(ada: Person, make_key: MakeKey, statements: list[str]) -> None:
    _, text = make_key(ada)
    db.execute_sql("PRAGMA journal_mode = DELETE").fetchall()
    del fresh_rows._thread.kept
    for _ in range(2):
        del statements[:]
        assert outcome(text) == "read:members"
        assert statements
    assert KeySecret.select().count() == 1
