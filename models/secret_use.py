"""Who still uses an old secret: how often lately, and from where since it was replaced."""

from datetime import datetime, timedelta
from typing import NamedTuple

from peewee import fn

from models import usage
from models.key_secret import KeySecret
from models.usage import KeyPlace, UsageHour


class SecretUse(NamedTuple):
    """Calls of the last hour, or `since` a little before it; places since the rotation, newest first."""

    calls: int
    since: datetime | None
    places: list[KeyPlace]


def of(retiring: KeySecret, moment: datetime) -> SecretUse:
    """The use of a secret that retires. Counts are by hours of UTC, so the hour before is told of as a whole."""
    this = usage.hour_of(moment)
    before = usage.hour_of(moment - timedelta(hours=1))
    calls = _calls(retiring, before)
    earlier = calls - _calls(retiring, this)
    since = usage.start_of_hour(before) if earlier else None
    places = KeyPlace.of(retiring.key_id, retiring.id)
    return SecretUse(calls, since, [place for place in places if place.at >= retiring.retired_at])


def _calls(retiring: KeySecret, first_hour: int) -> int:
    mine = (UsageHour.key_id == retiring.key_id) & (UsageHour.secret_id == retiring.id)
    query = UsageHour.select(fn.SUM(UsageHour.count)).where(mine, UsageHour.hour >= first_hour)
    return int(query.scalar() or 0)
