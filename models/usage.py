"""What is known of the use of keys: sums by hour and by day, places, networks and routes.

Only `models/usage_fold.py` writes here, from the journals, and only what enforcement saw is a use.
"""

from datetime import datetime, timedelta
from typing import Any

from peewee import BigIntegerField, CompositeKey, IntegerField, SmallIntegerField, TextField, fn

from models import database
from models.database import EPOCH, Record, UTCDateTimeField, from_microseconds

# How a request ended, in the order in which graphs stack them. Stored as their number.
OUTCOMES = ("succeeded", "client_error", "denied", "rate_limited", "server_error")
SUCCEEDED, CLIENT_ERROR, DENIED, RATE_LIMITED, SERVER_ERROR = range(len(OUTCOMES))

HOUR = timedelta(hours=1) // database.MICROSECOND
DAY = 24 * HOUR
# Places that are kept of a secret.
PLACES = 5
# Clocks of several machines differ by less.
AHEAD = timedelta(minutes=5)
# Networks of a key that are remembered, and told of as new; beyond, it is used from everywhere.
NETWORKS = 200


def outcome_of(status: int) -> int:
    """The outcome that a status stands for."""
    if status < 400:
        return SUCCEEDED
    if status in (401, 403):
        return DENIED
    if status == 429:
        return RATE_LIMITED
    return CLIENT_ERROR if status < 500 else SERVER_ERROR


def ahead() -> int:
    """A last use that is later than this was noted by a clock that was wrong, and gives way to any other."""
    return database.to_microseconds(database.now() + AHEAD)


def hour_of(moment: datetime) -> int:
    """The hour of UTC that a moment is in, counted from 1970."""
    return database.to_microseconds(moment) // HOUR


def day_of(moment: datetime) -> int:
    return database.to_microseconds(moment) // DAY


def start_of_hour(hour: int) -> datetime:
    return from_microseconds(hour * HOUR)


def start_of_day(day: int) -> datetime:
    return EPOCH + timedelta(days=day)


class UsageHour(Record):
    """Requests of a secret in an hour of UTC, by the scope that their route asks for and their outcome."""

    key_id = TextField()
    hour = IntegerField()
    secret_id = TextField()
    scope = TextField()
    outcome = SmallIntegerField()
    count = BigIntegerField()

    class Meta:
        table_name = "usage_hour"
        primary_key = CompositeKey("key_id", "hour", "secret_id", "scope", "outcome")


class UsageDay(Record):
    """The same for a day of UTC."""

    key_id = TextField()
    day = IntegerField()
    secret_id = TextField()
    scope = TextField()
    outcome = SmallIntegerField()
    count = BigIntegerField()

    class Meta:
        table_name = "usage_day"
        primary_key = CompositeKey("key_id", "day", "secret_id", "scope", "outcome")


class WorkspaceDay(Record):
    """Requests of all keys of a workspace in a day of UTC, deleted keys included."""

    workspace_id = TextField()
    day = IntegerField()
    outcome = SmallIntegerField()
    count = BigIntegerField()

    class Meta:
        table_name = "usage_workspace_day"
        primary_key = CompositeKey("workspace_id", "day", "outcome")


class UsageRoute(Record):
    """Requests of a key in a day of UTC from one network to one route, for the questions "what if" and "what for".

    `network` is an address (of IPv6 its /64), or what stands for many once a day has seen more than are kept apart.
    """

    key_id = TextField()
    day = IntegerField()
    network = TextField()
    request = TextField()
    scope = TextField()
    accepted = BigIntegerField()
    refused = BigIntegerField()

    class Meta:
        table_name = "usage_route"
        primary_key = CompositeKey("key_id", "day", "network", "request", "scope")


class KeyPlace(Record):
    """Where a secret was used from lately: an address and a client, the newest few of each secret."""

    key_id = TextField()
    secret_id = TextField()
    address = TextField()
    client = TextField()
    at = UTCDateTimeField()
    request = TextField()
    status = IntegerField()

    class Meta:
        table_name = "key_place"
        primary_key = CompositeKey("key_id", "secret_id", "address", "client")

    @classmethod
    def of(cls, key_id: str, secret_id: str | None = None) -> "list[KeyPlace]":
        """The distinct places of a key, or of one secret of it, newest first."""
        query = cls.select().where(cls.key_id == key_id)
        if secret_id is not None:
            query = query.where(cls.secret_id == secret_id)
        seen: dict[tuple[str, str], KeyPlace] = {}
        for place in query.order_by(cls.at.desc()):
            seen.setdefault((place.address, place.client), place)
        return list(seen.values())[:PLACES]

    @classmethod
    def prune(cls, key_id: str, secret_id: str) -> set[tuple[str, str]]:
        """Delete all but the newest of a secret; returns what is left, as address and client."""
        mine = (cls.key_id == key_id) & (cls.secret_id == secret_id)
        cls.delete().where(mine, cls.at > from_microseconds(ahead())).execute()
        kept = list(cls.select(cls.address, cls.client, cls.at).where(mine).order_by(cls.at.desc()).limit(PLACES))
        if len(kept) == PLACES:
            cls.delete().where(mine, cls.at < kept[-1].at).execute()
        return {(place.address, place.client) for place in kept}


class KeyNetwork(Record):
    """The networks that a key was ever let in from, so that a new one can be told of."""

    key_id = TextField()
    network = TextField()
    first_at = UTCDateTimeField()

    class Meta:
        table_name = "key_network"
        primary_key = CompositeKey("key_id", "network")

    @classmethod
    def first_of(cls, key_id: str) -> "KeyNetwork | None":
        """Where a key was used from when it was used first."""
        found: KeyNetwork | None = cls.select().where(cls.key_id == key_id).order_by(cls.first_at).first()
        return found

    @classmethod
    def firsts_of(cls, key_ids: list[str]) -> dict[str, datetime]:
        """When each of these keys was used first, if it was."""
        first: Any = fn.MIN(cls.first_at)
        query = cls.select(cls.key_id, first.alias("first_at")).where(cls.key_id.in_(key_ids)).group_by(cls.key_id)
        return {row.key_id: row.first_at for row in query}


class UsageGap(Record):
    """Requests of an hour that could not be written down: whose they were is not known."""

    hour = IntegerField(primary_key=True)
    count = BigIntegerField()

    class Meta:
        table_name = "usage_gap"


class UsageMark(Record):
    """How far a journal was folded. It moves in the transaction that adds up what was read."""

    journal = TextField(primary_key=True)
    folded = BigIntegerField()
    at = UTCDateTimeField()

    class Meta:
        table_name = "usage_mark"
