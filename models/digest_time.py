"""When a person's next digest is due: once a day, at their hour, in their time zone."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

HOUR = 8


def next_digest(after: datetime, zone: ZoneInfo, hour: int) -> datetime:
    """The first moment later than `after` at which the clock there shows the hour.

    An hour that is left out when clocks go forward is taken an hour later, and of an hour that comes twice the first.
    """
    day = after.astimezone(zone).date()
    while True:
        moment = _begins(day, zone, hour)
        if moment > after:
            return moment
        day += timedelta(days=1)


def digest_day(at: datetime, zone: ZoneInfo, hour: int) -> date:
    """The day of the digest that was due last: one of 23:00 that goes out after midnight is of the day before."""
    day = at.astimezone(zone).date()
    return day if _begins(day, zone, hour) <= at else day - timedelta(days=1)


def _begins(day: date, zone: ZoneInfo, hour: int) -> datetime:
    return datetime.combine(day, time(hour), zone).astimezone(UTC)
