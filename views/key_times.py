"""When a key starts and ends, as a person picks and reads it in their own time zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from flask import g

from models import key_settings
from models.key_settings import KeySettings
from models.policy import Limits
from views import format

DAYS = {"30": timedelta(days=30), "90": timedelta(days=90)}
DAY = "%Y-%m-%d"
MINUTE = "%Y-%m-%dT%H:%M"
SECOND = "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True, slots=True)
class Ending:
    """One way for a key to end: a choice of the form, and what the summary says of it."""

    value: str
    label: str
    says: str
    hint: str = ""
    possible: bool = True


def endings(limits: Limits, before: KeySettings | None = None) -> list[Ending]:
    """The choices for the end of a key, each with its date in the person's zone."""
    found = []
    if before is not None:
        end = before.expires_at
        kept = f"Keep: {format.day(end)}" if end else "Keep: none"
        hint = f"Expires {format.day_time(end)}, as now." if end else "No expiration, as now."
        found.append(Ending("keep", kept, "keeps its expiration", hint))
    for value, life in DAYS.items():
        end = local(g.now + life)
        hint = f"Expires {end:%A}, {end:%B} {end.day}, {end.year}."
        possible = limits.longest_life is None or life <= limits.longest_life
        found.append(Ending(value, f"{value} days", f"expires in {value} days", hint, possible))
    found.append(Ending("custom", "Custom date", ""))
    if before is None or before.expires_at is not None:
        found.append(Ending("none", "No expiration", "no expiration", possible=not limits.must_end))
    return found


def choices(limits: Limits, before: KeySettings | None) -> dict[str, object]:
    """What the form of a key offers."""
    return {"endings": endings(limits, before), "first_day": first_day(), "last_day": last_day(limits)}


def usual(limits: Limits) -> str:
    """The ending that is chosen until somebody chooses: the longest of ours that may be."""
    return next((each.value for each in reversed(endings(limits)) if each.value in DAYS and each.possible), "custom")


def first_day() -> date:
    return local(g.now).date()


def last_day(limits: Limits) -> date:
    """The last day that may be chosen: a key lives through the end of it."""
    furthest = g.now + (limits.longest_life or key_settings.FURTHEST)
    day = local(furthest).date()
    return day if end_of(day) <= furthest else day - timedelta(days=1)


def local(moment: datetime) -> datetime:
    return moment.astimezone(format.zone())


def shown_start(moment: datetime | None) -> str:
    return local(moment).strftime(MINUTE) if moment else ""


def read_day(text: str | None) -> date | None:
    try:
        return datetime.strptime((text or "").strip(), DAY).date()
    except ValueError:
        return None


def read_start(text: str) -> datetime | None:
    """A minute in the person's zone. One that the clocks skip is read as if they had not yet been changed."""
    for form in (MINUTE, SECOND):
        try:
            return _utc(datetime.strptime(text.replace(" ", "T"), form).replace(tzinfo=format.zone()))
        except ValueError:
            continue
    return None


def end_of(day: date) -> datetime:
    """The last second of a day in the person's zone; of two with the same name, the later one."""
    return _utc(datetime.combine(day, time(23, 59, 59, fold=1), format.zone()))


def _utc(moment: datetime) -> datetime:
    """In UTC; at the ends of the calendar, where that would overflow, the end itself, which the rules refuse."""
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return (datetime.max if moment.year > 2000 else datetime.min).replace(tzinfo=UTC)
