"""Slows down guessing: a growing pause after repeated failures, counted per account and per address.

The pause never grows past a minute and ends by itself, and a browser that signed in before has a
count of its own, so nobody can lock an owner out by failing on purpose.
"""

from datetime import timedelta

from peewee import IntegerField, TextField

from models.database import Record, UTCDateTimeField, now, transaction
from models.errors import Throttled

FREE_FAILURES = {"account": 5, "device": 5, "address": 30}
LONGEST_PAUSE = timedelta(minutes=1)
FORGET_AFTER = timedelta(hours=1)


class Throttle(Record):
    """How often something failed. The bucket is `kind:whom`."""

    bucket = TextField(primary_key=True)
    failures = IntegerField(default=0)
    blocked_until = UTCDateTimeField(null=True)
    failed_at = UTCDateTimeField(default=now)

    class Meta:
        table_name = "throttle"

    @classmethod
    def check(cls, *buckets: str) -> None:
        """Raise `Throttled` while any of the buckets is paused."""
        moment = now()
        row = (
            cls.select()
            .where(cls.bucket.in_(buckets), cls.blocked_until > moment)
            .order_by(cls.blocked_until.desc())
            .first()
        )
        if row is not None:
            raise Throttled(max(1, round((row.blocked_until - moment).total_seconds())))

    @classmethod
    def fail(cls, *buckets: str) -> None:
        """Count a failure in each bucket."""
        with transaction():
            for bucket in sorted(buckets):
                cls._fail(bucket)

    @classmethod
    def _fail(cls, bucket: str) -> None:
        moment = now()
        cls.insert(bucket=bucket, failures=0, failed_at=moment).on_conflict_ignore().execute()
        # The update takes the row's lock, so that two failures at once count as two.
        cls.update(failures=cls.failures + 1).where(cls.bucket == bucket).execute()
        row = cls.get_by_id(bucket)
        if row.failed_at < moment - FORGET_AFTER:
            row.failures = 1
        row.failed_at = moment
        over = row.failures - FREE_FAILURES[bucket.partition(":")[0]]
        row.blocked_until = moment + min(timedelta(seconds=2 ** min(over, 10)), LONGEST_PAUSE) if over >= 0 else None
        row.save()

    @classmethod
    def clear(cls, *buckets: str) -> None:
        cls.delete().where(cls.bucket.in_(buckets)).execute()

    @classmethod
    def purge(cls) -> int:
        return cls.delete().where(cls.failed_at < now() - FORGET_AFTER).execute()
