"""Backup and restore: the same keys work afterwards, and nothing is lost to a file that is not good."""

import json
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from peewee import Table

from models import ApiKey, KeySecret, User, Workspace, database, usage_fold, usage_journal, verification
from models.database import db, sql
from models.errors import KeyRefused
from tests.support import cast, ledger
from tests.support.cast import Person
from tests.support.processes import WAIT
from tests.support.terminal import Terminal
from tests.support.usage import counts, use_of

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    return Terminal(app).run


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copy"


def contents() -> dict[str, list[str]]:
    """Every row of every table."""
    tables = {name: Table(name) for name in db.get_tables()}
    return {name: sorted(str(row) for row in table.bind(db).select().tuples()) for name, table in tables.items()}


def empty() -> None:
    for table in (Workspace, User):
        table.delete().execute()


def test_a_restored_database_is_what_it_was(run: Run, copy: Path, ada: Person, mallory: Person) -> None:
    kept, secret = cast.make_key(ada)
    ended, dead = cast.make_key(ada)
    ended.revoke(by=ada.actor)
    before = contents()
    assert len(before["api_key"]) == 2
    assert run("db", "backup", copy).exit_code == 0
    empty()
    assert not ApiKey.select().exists()
    assert run("db", "restore", copy).exit_code == 0
    assert contents() == before
    assert verification.verify(secret).key_id == kept.id
    with pytest.raises(KeyRefused, match="revoked"):
        verification.verify(dead)


def test_a_backup_is_one_private_file_without_secrets(run: Run, copy: Path, ada: Person) -> None:
    _, secret = cast.make_key(ada)
    said = json.loads(run("db", "backup", copy, "--json").stdout)
    assert said == {"path": str(copy), "bytes": copy.stat().st_size}
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [path for path in copy.parent.iterdir() if "copy" in path.name] == [copy]
    assert secret.encode() not in copy.read_bytes()
    peppers = [text for text, what in ledger.noted().items() if what == "pepper"]
    assert not [text for text in peppers if text.encode() in copy.read_bytes()]


def test_nothing_is_replaced_unasked(run: Run, copy: Path, ada: Person) -> None:
    copy.write_text("precious")
    assert run("db", "backup", copy).exit_code == 1
    assert copy.read_text() == "precious"
    assert run("db", "backup", copy, "--yes").exit_code == 0
    cast.make_key(ada)
    before = contents()
    done = run("db", "restore", copy)
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "--yes" in done.stderr
    assert contents() == before
    assert run("db", "restore", copy, "--yes").exit_code == 0
    assert not ApiKey.select().exists()


def damage_the_middle(copy: Path) -> None:
    whole = bytearray(copy.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 8192] = b"\xff" * len(whole[middle : middle + 8192])
    copy.write_bytes(whole)


def cut_short(copy: Path) -> None:
    copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])


def replace_by_text(copy: Path) -> None:
    copy.write_text("not a backup\n" * 1000)


def make_empty(copy: Path) -> None:
    copy.write_bytes(b"")


@pytest.mark.parametrize("spoil", [damage_the_middle, cut_short, replace_by_text, make_empty])
def test_a_file_that_is_not_good_changes_nothing(
    run: Run, copy: Path, ada: Person, spoil: Callable[[Path], None]
) -> None:
    for number in range(20):
        cast.make_key(ada, note=f"{number} " * 20)
    run("db", "backup", copy)
    spoil(copy)
    before = contents()
    done = run("db", "restore", copy, "--yes")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1), done.stderr
    assert contents() == before


def test_a_backup_of_a_newer_version_is_refused(run: Run, copy: Path, ada: Person) -> None:
    note = sql("INSERT INTO schema_migration (name, applied) VALUES (?, ?)")
    db.execute_sql(note, ("9999_later", "2031-01-01"))
    try:
        run("db", "backup", copy)
    finally:
        db.execute_sql(sql("DELETE FROM schema_migration WHERE name = ?"), ("9999_later",))
    before = contents()
    done = run("db", "restore", copy, "--yes")
    assert "newer version: 9999_later" in done.stderr
    assert contents() == before


def test_a_backup_under_load_is_consistent(run: Run, copy: Path, ada: Person) -> None:
    """Each key comes with its secret, in one transaction: a copy that has one without the other is torn."""
    begun, stop = threading.Event(), threading.Event()

    def load() -> None:
        while not stop.is_set():
            key, _ = cast.make_key(ada)
            key.revoke(by=ada.actor)
            begun.set()
        db.close()

    thread = threading.Thread(target=load)
    thread.start()
    begun.wait(WAIT)
    try:
        done = [run("db", "backup", copy, "--yes").exit_code for _ in range(5)]
    finally:
        stop.set()
        thread.join()
    assert done == [0] * 5
    total = ApiKey.select().count()
    run("db", "restore", copy, "--yes")
    assert 0 < ApiKey.select().count() <= total
    assert ApiKey.select().count() == KeySecret.select().count()


def test_a_process_that_goes_on_sees_the_restored_database(run: Run, copy: Path, ada: Person) -> None:
    """A server need not be restarted: its open connection reads the new rows."""
    _, secret = cast.make_key(ada)
    run("db", "backup", copy)
    empty()
    seen: list[object] = []
    asked, restored = threading.Event(), threading.Event()

    def server() -> None:
        seen.append(ApiKey.select().count())
        asked.set()
        restored.wait(WAIT)
        seen.append(verification.verify(secret).workspace_id)
        db.close()

    thread = threading.Thread(target=server)
    thread.start()
    asked.wait(WAIT)
    assert run("db", "restore", copy).exit_code == 0
    restored.set()
    thread.join()
    assert seen == [0, ada.workspace.id]
    assert database.pending_migrations() == []


def test_a_restore_counts_nothing_twice_and_what_journals_hold_again(run: Run, copy: Path, ada: Person) -> None:
    key, _ = cast.make_key(ada)
    for _ in range(3):
        usage_journal.write(use_of(key))
    usage_fold.fold()
    # Written, not folded: in the journal alone.
    usage_journal.write(use_of(key))
    assert run("db", "backup", copy).exit_code == 0
    usage_journal.write(use_of(key))
    assert counts(key) == {("read:members", "succeeded"): 5}
    assert run("db", "restore", copy, "--yes").exit_code == 0
    assert counts(key) == {("read:members", "succeeded"): 5}
    assert counts(key) == {("read:members", "succeeded"): 5}
