"""What journals cannot hold, and how far they were read: for as long as anybody could see a difference."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from models import (
    ApiKey,
    UsageGap,
    UsageHour,
    UsageMark,
    database,
    metrics,
    usage,
    usage_fold,
    usage_journal,
    usage_losses,
    usage_purge,
    usage_series,
)
from models.audit import SPARED
from models.database import now
from models.plan import PLANS
from models.usage import HOUR
from tests.support.cast import Person
from tests.support.dying import dies
from tests.support.usage import disk_is_full, use_of

MakeKey = Callable[..., tuple[ApiKey, str]]


@pytest.fixture(autouse=True)
def journals(connected: str, tmp_path: Path) -> Iterator[Path]:
    usage_journal.use(tmp_path)
    yield tmp_path / "usage"
    usage_journal.journal().close()


@pytest.fixture
def full_disk(journals: Path) -> Iterator[Callable[[], None]]:
    """No file of this process may grow as large as a journal, as on a disk that is full; the call makes room again."""
    with disk_is_full() as make_room:
        yield make_room


def gaps() -> dict[int, int]:
    """Hours before this one → requests."""
    return {usage.hour_of(now()) - row.hour: row.count for row in UsageGap.select()}


def lose(key: ApiKey, times: int, hours_ago: int = 0) -> None:
    for _ in range(times):
        usage_journal.write(use_of(key, database.now_microseconds() - hours_ago * HOUR))


def test_a_damaged_file_of_losses_is_made_anew(
    ada: Person, make_key: MakeKey, journals: Path, full_disk: Callable[[], None]
) -> None:
    journals.mkdir(exist_ok=True)
    (journals / "losses").write_bytes(b"cut off")
    lose(make_key(ada)[0], 2)
    assert usage_fold.fold() == (0, 2)


def test_what_cannot_be_written_down_is_a_known_loss(
    ada: Person, make_key: MakeKey, full_disk: Callable[[], None]
) -> None:
    key, _ = make_key(ada)
    lose(key, 4)
    assert usage_journal.journal().lost == 4
    assert usage_fold.fold() == (0, 4)
    assert usage_fold.fold() == (0, 0)
    lose(key, 3)
    full_disk()
    usage_journal.journal().again_at = 0.0  # The pause after a failure is over.
    usage_journal.write(use_of(key))
    assert usage_fold.fold() == (1, 3)
    assert [row.count for row in UsageHour.select().where(UsageHour.key_id == key.id)] == [1]
    assert gaps() == {0: 7}


def test_each_hour_knows_what_it_lacks(ada: Person, make_key: MakeKey, full_disk: Callable[[], None]) -> None:
    """Also when a clock was set back, or ahead."""
    key, _ = make_key(ada)
    for hours_ago, times in ((3, 2), (0, 5), (9, 1), (3, 4), (-2, 3)):
        lose(key, times, hours_ago)
    usage_fold.fold()
    assert gaps() == {3: 6, 0: 5, 9: 1, -2: 3}
    ApiKey.update(created_at=now() - timedelta(days=9)).execute()
    series = usage_series.of_key(ApiKey.get_by_id(key.id), PLANS["team"], usage_series.latest("24h", now()), now())
    assert [bucket.is_short for bucket in series.buckets[-10:]] == [True] + [False] * 5 + [True] + [False] * 2 + [True]


def test_a_loss_outlives_the_processes_that_lost(
    ada: Person, make_key: MakeKey, connected: str, tmp_path: Path
) -> None:
    """They begin and end while the disk is full: only the file was there before."""
    key, _ = make_key(ada)
    usage_journal.write(use_of(key))

    def worker() -> None:
        usage_journal.use(tmp_path)
        with disk_is_full():
            lose(key, 50)

    for _ in range(3):
        dies(connected, worker, after=10**6)
    database.connect(connected)
    assert usage_fold.fold() == (1, 150)
    assert gaps() == {0: 150}


def test_processes_that_lose_at_once_lose_no_loss(
    ada: Person, make_key: MakeKey, full_disk: Callable[[], None]
) -> None:
    use = use_of(make_key(ada)[0])
    children = []
    for _ in range(4):
        if not (child := os.fork()):
            for _ in range(500):
                usage_journal.write(use)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    assert usage_fold.fold() == (0, 2000)


def test_an_hour_that_takes_the_place_of_one_of_long_ago_begins_at_one(
    ada: Person, make_key: MakeKey, full_disk: Callable[[], None]
) -> None:
    key, _ = make_key(ada)
    lose(key, 5, hours_ago=usage_losses.SLOTS)
    lose(key, 2)
    assert (usage_fold.fold(), gaps()) == ((0, 2), {0: 2})


def test_wherever_a_fold_dies_a_loss_is_told_of_once(
    ada: Person, make_key: MakeKey, connected: str, full_disk: Callable[[], None]
) -> None:
    key, _ = make_key(ada)
    lost, after, died = 0, 0, True
    while died:
        lose(key, 2)
        lose(key, 1, hours_ago=1)
        lost += 3
        died = dies(connected, usage_fold.fold, after)
        usage_fold.fold()
        assert sum(gaps().values()) == lost, after
        after += 1
    assert after > 10


def test_a_file_of_losses_that_was_deleted_begins_anew(
    ada: Person, make_key: MakeKey, journals: Path, tmp_path: Path, full_disk: Callable[[], None]
) -> None:
    key, _ = make_key(ada)
    lose(key, 5)
    usage_fold.fold()
    (journals / "losses").unlink()
    usage_journal.use(tmp_path)
    lose(key, 2)
    assert usage_fold.fold() == (0, 2)
    assert gaps() == {0: 7}


def test_a_loss_of_long_ago_is_not_told_of_again(ada: Person, make_key: MakeKey, full_disk: Callable[[], None]) -> None:
    lose(make_key(ada)[0], 2)
    usage_fold.fold()
    UsageMark.delete().execute()
    with database.at(now() + usage_losses.SLOTS * timedelta(hours=1)):
        assert usage_fold.fold() == (0, 0)


def test_without_its_file_a_loss_costs_no_request(ada: Person, make_key: MakeKey) -> None:
    """As on a disk that was full before the first request."""
    key, _ = make_key(ada)
    with disk_is_full(room=usage_losses.SIZE - 1):
        lose(key, 3)
    assert usage_journal.journal().lost == 3
    usage_journal.journal().again_at = 0.0  # The pause after a failure is over.
    usage_journal.write(use_of(key))
    assert usage_fold.fold() == (1, 0)


def test_a_file_that_goes_while_another_is_begun_costs_nothing(ada: Person, make_key: MakeKey, journals: Path) -> None:
    """The scheduler removes what it has folded at any moment."""
    key, _ = make_key(ada)
    journals.mkdir()
    (journals / "gone.journal").symlink_to("nowhere")
    usage_journal.write(use_of(key))
    assert usage_fold.fold() == (1, 0)


def test_what_is_damaged_is_a_loss_too(
    ada: Person, make_key: MakeKey, journals: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key, _ = make_key(ada)
    usage_journal.write(use_of(key))
    journal = usage_journal.journal()
    assert journal.memory is not None
    whole = journal.memory[: journal.end]
    moment, rest = whole.split(b"\t", 1)
    fields = rest.split(b"\t")
    for line in (
        b"nothing of ours\n",
        moment + b"\tof\tanother\tversion\n",
        b"9" * 30 + b"\t" + rest,
        moment + b"\t" + b"\t".join([*fields[:4], b"7" * 20, *fields[5:]]),
        whole.replace(b"curl", b"\xff\xfe"),
    ):
        journal.append(line, 0)
    usage_journal.write(use_of(key))
    before = metrics.USAGE_LOST._value.get()
    assert usage_fold.fold() == (2, 5)
    assert metrics.USAGE_LOST._value.get() - before == 5
    assert gaps() == {0: 5}
    assert "lines of a journal were damaged" in [record.message for record in caplog.records]


@pytest.mark.parametrize("name", ["0.journal", "losses"])
def test_a_file_that_cannot_be_read_holds_up_no_other(
    ada: Person, make_key: MakeKey, journals: Path, name: str
) -> None:
    key, _ = make_key(ada)
    (journals / name).mkdir(parents=True)
    for _ in range(2):
        usage_journal.write(use_of(key))
        # The job fails, as long as it is there, so that somebody looks.
        with pytest.raises(IsADirectoryError):
            usage_fold.fold()
    assert [row.count for row in UsageHour.select().where(UsageHour.key_id == key.id)] == [2]


def test_an_idle_worker_is_not_counted_twice(ada: Person, make_key: MakeKey) -> None:
    """Its file stays as it is for months, and how far it was read is not forgotten as long as anybody could see it."""
    key, _ = make_key(ada)
    usage_journal.write(use_of(key))
    usage_fold.fold()
    longest = max(plan.history for plan in PLANS.values())
    with database.at(now() + longest):
        usage_purge.purge()
    assert usage_fold.fold() == (0, 0)
    # What was read before that is beyond everybody's history.
    with database.at(now() + longest + SPARED + timedelta(days=1)):
        usage_purge.purge()
    assert UsageMark.select().count() == 0
