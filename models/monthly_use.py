"""How many requests a workspace has made this month: counted where all workers see it, kept in the database."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from peewee import BigIntegerField, CompositeKey, ForeignKeyField, IntegerField

from models import database
from models.database import MICROSECOND, Record, db, from_microseconds, is_sqlite
from models.workspace import Workspace

# What a new machine would not know of: the requests since this long ago.
KEEP_EVERY = timedelta(seconds=30) // MICROSECOND

KEEP = """
INSERT INTO monthly_use (workspace_id, month, used) VALUES (?, ?, ?)
ON CONFLICT (workspace_id, month) DO UPDATE SET used = GREATER(monthly_use.used, excluded.used)
"""
SELECT = "SELECT used FROM monthly_use WHERE workspace_id = ? AND month = ?"


class MonthlyUse(Record):
    """The requests of a workspace in a month of UTC. The row follows the shared counter, half a minute behind."""

    workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
    # 202611 is November 2026.
    month = IntegerField()
    used = BigIntegerField(default=0)

    class Meta:
        table_name = "monthly_use"
        primary_key = CompositeKey("workspace", "month")


class Month(NamedTuple):
    """A calendar month of UTC in microseconds; it ends just before `ends`."""

    number: int
    starts: int
    ends: int

    @property
    def seconds(self) -> int:
        return (self.ends - self.starts) // 1_000_000


_latest = Month(0, 0, 0)


def month_at(moment: int) -> Month:
    global _latest
    latest = _latest
    if not latest.starts <= moment < latest.ends:
        day = from_microseconds(moment)
        first = datetime(day.year, day.month, 1, tzinfo=UTC)
        following = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
        latest = _latest = Month(
            day.year * 100 + day.month, database.to_microseconds(first), database.to_microseconds(following)
        )
    return latest


def kept(workspace_id: str, month: Month) -> int:
    """What the database knows."""
    rows = database.read(database.sql(SELECT), (workspace_id, month.number))
    return rows[0][0] if rows else 0


class Keeper:
    """Writes the counts of one process to the database, each workspace's at most once in `KEEP_EVERY`."""

    def __init__(self) -> None:
        self.written: dict[str, int] = {}

    def is_due(self, workspace_id: str, moment: int) -> bool:
        return moment - self.written.get(workspace_id, 0) >= KEEP_EVERY

    def keep(self, workspace_id: str, used: int, moment: int) -> None:
        """Never waits for a lock and never fails the request: what is left out now is written the next time."""
        if len(self.written) > 10_000:
            self.written.clear()
        self.written[workspace_id] = moment
        with database.without_waiting():
            db.execute_sql(_keep_statement(), (workspace_id, month_at(moment).number, used))


def _keep_statement() -> str:
    return database.sql(KEEP.replace("GREATER", "MAX" if is_sqlite() else "GREATEST"))
