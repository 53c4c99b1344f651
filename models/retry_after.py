"""How long a server asks to be left alone: the `Retry-After` of its answer (RFC 9110, 10.2.3)."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# The answers that a wait is taken from.
BUSY = (429, 503)
# More digits than any wait that is meant.
MOST_DIGITS = 9


def wait(value: str | None, moment: datetime) -> timedelta:
    """From this moment on; nothing for what is no number of seconds and no date, and for a date that is over."""
    value = (value or "").strip()
    if value.isascii() and value.isdigit():
        return timedelta(seconds=int(value[: MOST_DIGITS + 1]))
    try:
        at = parsedate_to_datetime(value)
        return max(timedelta(0), (at if at.tzinfo else at.replace(tzinfo=UTC)) - moment)
    except (ValueError, TypeError, OverflowError):
        return timedelta(0)
