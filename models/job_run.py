"""Recurring jobs in the database: whose turn it is to run them, when each last ran, and how that ended.

The scheduler only wakes; what is due is decided by these rows, so a restart repeats nothing and a stand-in forgets
nothing.
"""

from datetime import datetime, timedelta

from peewee import BooleanField, IntegerField, TextField

from models.database import Record, UTCDateTimeField, now, transaction

# The scheduler at work says so every `BEAT`. When it has been silent for `LEASE`, another one takes over.
LEASE, BEAT = timedelta(seconds=30), timedelta(seconds=10)
# A run that did not say how it ended within this time was cut off, and is made up for: its scheduler lost its turn.
CUT_OFF = 2 * LEASE
SCHEDULER = "scheduler"
# Some jobs are written down every half minute. When none was for so long, no scheduler is at work.
SILENT = timedelta(minutes=5)
LONGEST_OUTCOME = 500


class Lease(Record):
    """Who may do something that only one process should do at a time, until when."""

    name = TextField(primary_key=True)
    holder = TextField()
    until = UTCDateTimeField()

    class Meta:
        table_name = "lease"

    @classmethod
    def take(cls, name: str, holder: str) -> bool:
        """Take or keep the lease for another `LEASE`; False while somebody else has it."""
        moment = now()
        with transaction():
            row = {"name": name, "holder": holder, "until": moment + LEASE}
            if cls.insert(row).on_conflict_ignore().as_rowcount().execute():
                return True
            # A holder whose clock is far ahead must not keep it for ever.
            free = (cls.holder == holder) | (cls.until <= moment) | (cls.until > moment + 2 * LEASE)
            taken = cls.update(holder=holder, until=moment + LEASE).where(cls.name == name, free).execute()
        return bool(taken)

    @classmethod
    def release(cls, name: str, holder: str) -> None:
        """Let another one have it at once."""
        cls.delete().where(cls.name == name, cls.holder == holder).execute()


class JobRun(Record):
    """The latest run of a job, and its latest success and failure."""

    job = TextField(primary_key=True)
    # What it does, in a sentence.
    summary = TextField(default="")
    started_at = UTCDateTimeField()
    ended_at = UTCDateTimeField(null=True)
    ms = IntegerField(default=0)
    failed = BooleanField(default=False)
    # What it did, or the kind of the error.
    outcome = TextField(default="")
    succeeded_at = UTCDateTimeField(null=True)
    failed_at = UTCDateTimeField(null=True)

    class Meta:
        table_name = "job_run"

    @classmethod
    def is_due(cls, job: str, every: timedelta) -> bool:
        """Whether the last run began long enough ago, was cut off, or is in the future: the clock was set back."""
        row = cls.get_or_none(cls.job == job)
        if row is None:
            return True
        return not timedelta(0) <= now() - row.started_at < (min(every, CUT_OFF) if row.is_open else every)

    @classmethod
    def begin(cls, job: str, summary: str = "") -> datetime:
        moment = now()
        changes = {cls.started_at: moment, cls.summary: summary}
        cls.insert(job=job, **{field.name: value for field, value in changes.items()}).on_conflict(
            conflict_target=[cls.job], update=changes
        ).execute()
        return moment

    @classmethod
    def end(cls, job: str, *, ms: int, failed: bool, outcome: str) -> None:
        moment = now()
        kept = {"ended_at": moment, "ms": ms, "failed": failed, "outcome": outcome[:LONGEST_OUTCOME]}
        kept["failed_at" if failed else "succeeded_at"] = moment
        cls.update(kept).where(cls.job == job).execute()

    @classmethod
    def latest(cls) -> "list[JobRun]":
        """One row for each job that ever ran, by name."""
        return list(cls.select().order_by(cls.job))

    @staticmethod
    def silent_since(runs: "list[JobRun]", moment: datetime) -> datetime | None:
        """When the last of these runs was, if that is so long ago that no scheduler can be at work."""
        last: datetime | None = max((run.ended_at or run.started_at for run in runs), default=None)
        return last if last is not None and last <= moment - SILENT else None

    @property
    def is_open(self) -> bool:
        """It did not say how it ended: it runs, or was cut off."""
        return self.ended_at is None or self.ended_at < self.started_at
