"""A line of a journal is counted once, whoever reads at the same time, dies just then, or takes the file away."""

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from peewee import OperationalError, fn

from models import ApiKey, AuditEvent, KeyPlace, UsageHour, database, usage_fold, usage_journal, usage_watch
from models.usage_fold import STALE
from models.usage_journal import LOOK_EVERY, SIZE
from models.usage_sums import Sums
from tests.support.cast import Person
from tests.support.usage import disk_is_full, use_of

MakeKey = Callable[..., tuple[ApiKey, str]]


@pytest.fixture(autouse=True)
def journals(connected: str, tmp_path: Path) -> Iterator[Path]:
    usage_journal.use(tmp_path)
    yield tmp_path / "usage"
    usage_journal.journal().close()


def counted(key: ApiKey) -> int:
    return UsageHour.select(fn.SUM(UsageHour.count)).where(UsageHour.key_id == key.id).scalar() or 0


def test_a_line_that_is_half_written_is_read_once_it_is_whole(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    usage_journal.write(use_of(key))
    journal = usage_journal.journal()
    assert journal.memory is not None
    line = journal.memory[: journal.end]
    journal.memory[journal.end : journal.end + 30] = line[:30]
    assert usage_fold.fold() == (1, 0)
    journal.append(line, 0)
    assert usage_fold.fold() == (1, 0)


def test_what_a_worker_writes_last_is_counted_before_its_file_goes(
    ada: Person, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies just after its file was read."""
    key, _ = make_key(ada)
    usage_journal.write(use_of(key))
    read = usage_fold._lines

    def read_while_it_dies(*where: Any) -> Any:
        lines = read(*where)
        usage_journal.write(use_of(key))
        usage_journal.journal().close()
        return lines

    monkeypatch.setattr(usage_fold, "_lines", read_while_it_dies)
    usage_fold.fold()
    monkeypatch.undo()
    usage_fold.fold()
    assert counted(key) == 2
    assert not list(usage_journal.journal().folder.glob("*.journal"))


def test_two_that_read_the_same_count_it_once(
    ada: Person, make_key: MakeKey, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the lock between them was deleted, or does not hold where the folder is."""
    key, _ = make_key(ada)
    add_up = usage_fold._added_up

    def overtaken(pieces: list[Any]) -> Sums:
        monkeypatch.undo()
        (journals / "fold.lock").unlink()
        assert usage_fold.fold().requests == 3
        return add_up(pieces)

    for total in (3, 6):
        for _ in range(3):
            usage_journal.write(use_of(key))
        monkeypatch.setattr(usage_fold, "_added_up", overtaken)
        with pytest.raises(RuntimeError, match="another process folds"):
            usage_fold.fold()
        assert counted(key) == total


def test_a_journal_that_is_taken_away_while_it_is_written_to_is_written_again(
    ada: Person, make_key: MakeKey, journals: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With all that it held: some of that is counted by then, and some is not."""
    key, _ = make_key(ada)
    moment = database.now_microseconds()
    usage_journal.write(use_of(key, moment))
    usage_fold.fold()
    usage_journal.write(use_of(key, moment + 1))
    shutil.rmtree(journals)
    usage_journal.write(use_of(key, moment + 2))
    assert usage_fold.fold() == (0, 0)
    usage_journal.write(use_of(key, moment + LOOK_EVERY))
    assert usage_fold.fold() == (3, 0)
    # Also when it was moved, when there is no room at first, and when the clock was set back.
    journals.rename(journals.with_name("elsewhere"))
    with disk_is_full():
        usage_journal.write(use_of(key, moment + 2 * LOOK_EVERY))
    assert usage_fold.fold() == (0, 0)
    usage_journal.write(use_of(key, moment))
    assert usage_fold.fold() == (2, 0)
    assert counted(key) == 6
    assert (journals / "losses").exists()
    assert [record.message for record in caplog.records] == ["a journal was taken away, and was written again"] * 2


def test_what_a_process_left_that_died_while_it_began_a_file_is_removed(connected: str, journals: Path) -> None:
    """Not at once, and not while another is about to name it."""
    journals.mkdir()
    left, locked, young = (journals / f"{name}.new" for name in ("left", "locked", "young"))
    for file in (left, locked, young):
        file.touch()
    for file in (left, locked):
        os.utime(file, (time.time() - STALE - 1, time.time() - STALE - 1))
    with locked.open() as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        usage_fold.fold()
        assert (left.exists(), locked.exists(), young.exists()) == (False, True, True)


def test_a_fold_ends_in_time_and_the_next_one_goes_on(
    ada: Person, make_key: MakeKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, _ = make_key(ada)
    monkeypatch.setattr(usage_fold, "MOST", 1)
    for _ in range(3):
        usage_journal.use(tmp_path)
        usage_journal.write(use_of(key))
    assert usage_fold.fold(seconds=0) == (1, 0)
    assert usage_fold.fold() == (2, 0)


def test_the_oldest_use_of_all_workers_tells_how_far_counts_are_behind(
    ada: Person, make_key: MakeKey, tmp_path: Path
) -> None:
    key, _ = make_key(ada)
    ages = (50, 400, 90)
    for age in ages:
        usage_journal.use(tmp_path)
        usage_journal.write(use_of(key, database.now_microseconds() - age * 1_000_000))
    assert 400 <= usage_watch.behind() < 460


def test_a_fold_that_failed_tells_of_a_new_network_the_next_time(
    ada: Person, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it took for written was taken back."""

    def away(*_: Any) -> None:
        raise OperationalError("the database went away")

    key, _ = make_key(ada)
    usage_journal.write(use_of(key))
    monkeypatch.setattr(Sums, "_write_incidents", away)
    with pytest.raises(OperationalError):
        usage_fold.fold()
    monkeypatch.undo()
    assert usage_fold.fold() == (1, 0)
    assert AuditEvent.select().where(AuditEvent.action == "api_key.new_network").count() == 1
    assert len(KeyPlace.of(key.id)) == 1


def test_one_process_of_a_machine_folds_at_a_time(ada: Person, make_key: MakeKey, journals: Path) -> None:
    key, _ = make_key(ada)
    usage_journal.write(use_of(key))
    with (journals / "fold.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert usage_fold.fold() == (0, 0)
    assert usage_fold.fold() == (1, 0)


def test_a_process_that_forks_writes_apart_from_its_child(ada: Person, make_key: MakeKey) -> None:
    use = use_of(make_key(ada)[0])
    usage_journal.write(use)
    if not (child := os.fork()):
        for _ in range(3):
            usage_journal.write(use)
        os._exit(0)
    os.waitpid(child, 0)
    usage_journal.write(use)
    assert usage_fold.fold() == (5, 0)


def test_a_file_has_its_room_before_it_is_written_to(ada: Person, make_key: MakeKey, journals: Path) -> None:
    """To write to a hole of a mapped file on a full disk would end the worker."""
    usage_journal.write(use_of(make_key(ada)[0]))
    (file,) = journals.glob("*.journal")
    assert file.stat().st_blocks * 512 >= file.stat().st_size == SIZE
    assert file.stat().st_mode & 0o077 == journals.stat().st_mode & 0o077 == 0


def test_journals_that_nobody_folds_do_not_fill_the_disk(
    ada: Person, make_key: MakeKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, _ = make_key(ada)
    monkeypatch.setattr(usage_journal, "MOST", 2 * SIZE)
    for _ in range(4):
        usage_journal.use(tmp_path)
        usage_journal.write(use_of(key))
    assert usage_fold.fold() == (2, 2)
    usage_journal.use(tmp_path)
    usage_journal.write(use_of(key))
    assert usage_fold.fold() == (1, 0)


def test_a_full_disk_is_not_asked_at_every_request(
    ada: Person, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def full(file: Path, *_: Any) -> None:
        asked.append(file)
        raise OSError(errno.ENOSPC, "No space left on device")

    use = use_of(make_key(ada)[0])
    monkeypatch.setattr(usage_journal, "_made", full)
    for _ in range(5):
        usage_journal.write(use)
    assert (len(asked), usage_journal.journal().lost) == (1, 5)


@pytest.mark.parametrize("sent", ["a\tb\x7f\x85c\xa0\ud800ü\n", "x" * 300])
def test_what_is_kept_of_an_address_and_a_client_is_short_and_plain(ada: Person, make_key: MakeKey, sent: str) -> None:
    key, _ = make_key(ada)
    usage_journal.write(use_of(key, address=sent, client=sent))
    assert usage_fold.fold() == (1, 0)
    (place,) = KeyPlace.of(key.id)
    plain = "".join(char for char in sent if char.isprintable())
    assert (place.address, place.client) == (plain[:64], plain[:200])
