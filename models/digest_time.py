"""When a person's next digest is due: once a day, at their hour, in their time zone."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

HOUR = 8


def next_digest(after: datetime, zone: ZoneInfo, hour: int) -> datetime:
    """The first moment later than `after` at which the clock there shows the hour.

    An hour that is left out when clocks go forward is taken an hour later, and of an hour that comes twice the first.
    """
    day = after.astimezone(zone).date()
    while True:
        moment = datetime.combine(day, time(hour), zone).astimezone(UTC)
        if moment > after:
            return moment
        day += timedelta(days=1)
