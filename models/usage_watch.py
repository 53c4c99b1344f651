"""The recorder watches itself: how far the counts of this machine are behind its requests."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from models import metrics, usage_journal
from models.database import from_microseconds, now, now_microseconds
from models.usage import UsageMark
from models.usage_journal import ENDING

# Requests that wait for longer are told of where counts are shown; until then they will be there at the next look.
LATE = timedelta(minutes=1)
# Its time is when requests were last counted.
COUNTED = "counted"


def marks(names: Iterable[str]) -> dict[str, int]:
    """How far each journal was read, and how much of each loss is known."""
    wanted = list(names)
    if not wanted:
        return {}
    return {mark.journal: mark.folded for mark in UsageMark.select().where(UsageMark.journal.in_(wanted))}


def waiting_since() -> datetime | None:
    """The moment of the oldest use that is not in the database yet; None when all are."""
    folder = usage_journal.journal().folder
    files, oldest = list(folder.glob(f"*{ENDING}")), None
    read = marks(file.name for file in files)
    for file in files:
        with contextlib.suppress(OSError, ValueError), file.open("rb") as opened:
            opened.seek(read.get(file.name, 0))
            moment = int(opened.read(64).partition(b"\t")[0])
            oldest = moment if oldest is None else min(oldest, moment)
    return None if oldest is None else from_microseconds(oldest)


def late_since(moment: datetime) -> datetime | None:
    """From when on counts are not whole since they are long in coming; None when they are not."""
    waits = waiting_since()
    return waits if waits is not None and moment - waits > LATE else None


def behind() -> float:
    """How old the oldest use is that is not in the database yet, in seconds; 0 when all are."""
    waits = waiting_since()
    return 0.0 if waits is None else max(0.0, (now() - waits).total_seconds())


def has_counted(folder: Path, requests: int) -> None:
    """Remember when requests were last counted. The marks do not tell: they go with the files of dead workers."""
    if requests:
        moment = now_microseconds() * 1_000
        with contextlib.suppress(OSError):
            (folder / COUNTED).touch(mode=0o600)
            os.utime(folder / COUNTED, ns=(moment, moment))


@metrics.at_scrape
def figures() -> Iterator[Metric]:
    """How far the counts of this machine are behind its requests."""
    yield GaugeMetricFamily(
        "gravity_usage_oldest_uncounted_seconds", "Age of the oldest request that is not counted yet.", value=behind()
    )
    file = usage_journal.journal().folder / COUNTED
    yield GaugeMetricFamily(
        "gravity_usage_newest_count_timestamp_seconds", "When requests were last counted, 0 for never.",
        value=file.stat().st_mtime if file.exists() else 0,
    )  # fmt: skip
