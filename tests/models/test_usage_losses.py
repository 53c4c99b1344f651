"""What journals cannot hold, and how far they were read: for as long as anybody could see a difference."""

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
    usage,
    usage_fold,
    usage_journal,
    usage_purge,
    usage_series,
)
from models.audit import SPARED
from models.database import now, transaction
from models.plan import PLANS
from models.usage import HOUR
from models.usage_journal import Loss
from models.usage_purge import HOURS_KEPT
from models.usage_sums import Remembered, Sums
from tests.support.cast import Person
from tests.support.usage import use_of

MakeKey = Callable[..., tuple[ApiKey, str]]


@pytest.fixture(autouse=True)
def journals(connected: str, tmp_path: Path) -> Iterator[Path]:
    usage_journal.use(tmp_path)
    yield tmp_path / "usage"
    usage_journal.journal().close()


def test_what_cannot_be_written_down_is_a_known_loss(ada: Person, make_key: MakeKey, journals: Path) -> None:
    key, _ = make_key(ada)
    journals.write_text("a file where the folder should be")
    for _ in range(4):
        usage_journal.write(use_of(key))
    journal = usage_journal.journal()
    assert journal.lost == 4
    journals.unlink()
    journal.again_at = 0.0  # The pause after a failure is over.
    usage_journal.write(use_of(key))
    assert usage_fold.fold() == (1, 4)
    assert [row.count for row in UsageHour.select().where(UsageHour.key_id == key.id)] == [1]
    assert [row.count for row in UsageGap.select()] == [4]


def test_every_hour_of_a_loss_is_known_to_be_short(ada: Person, make_key: MakeKey) -> None:
    """It is written down as a whole once there is room again, which may be hours later."""
    hour = usage.hour_of(now())
    loss = Loss((hour - 3) * HOUR + 5, hour * HOUR + 7, 40)
    backwards = Loss((hour - 8) * HOUR, (hour - 9) * HOUR, 2)
    endless = Loss(0, hour * HOUR + 9, 1)
    sums = Sums()
    for each in (loss, backwards):
        sums.lose(each)
    with transaction():
        sums.write(Remembered())
    found = {row.hour - hour: row.count for row in UsageGap.select()}
    assert found == {0: 40, -1: 0, -2: 0, -3: 0, -8: 0, -9: 2}
    key, _ = make_key(ada)
    ApiKey.update(created_at=now() - timedelta(days=9)).execute()
    series = usage_series.of_key(ApiKey.get_by_id(key.id), PLANS["team"], usage_series.latest("24h", now()), now())
    assert [bucket.is_short for bucket in series.buckets[-10:]] == [True] * 2 + [False] * 4 + [True] * 4
    sums = Sums()
    sums.lose(endless)
    assert len(sums.gaps) <= HOURS_KEPT / timedelta(hours=1) + 1


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
