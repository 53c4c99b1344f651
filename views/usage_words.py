"""Counts of uses in words: names of outcomes and buckets, and a sentence for those who do not see the graph."""

from datetime import datetime, timedelta
from typing import NamedTuple

from models.plan import Plan
from models.usage import OUTCOMES
from models.usage_series import BEFORE, HISTORY, HOURS, LATER, Bucket, Series

NAMES = dict(zip(OUTCOMES, ("Succeeded", "Client error", "Denied", "Rate limited", "Server error"), strict=True))
# As in "1 client error" and "690 client errors": where a number stands before it.
ONE = ("succeeded", "client error", "denied", "rate limited", "server error")
COUNTED = ("succeeded", "client errors", "denied", "rate limited", "server errors")
RANGES = {"24h": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days"}
# Of the hours of a bucket: what it is called, and what the first column of a table is.
UNITS = {1: ("hour", "Hour (UTC)"), 6: ("six hours", "Six hours from (UTC)"), 24: ("day", "Day (UTC)")}
SIZES = ((1e9, "B"), (1e6, "M"), (1e3, "k"))


class Note(NamedTuple):
    """Something that a graph does not show, and whether another plan would."""

    words: str
    plan: bool = False


def label(bucket: Bucket) -> str:
    """ "Nov 22", or "Nov 22, 14:00": buckets are of UTC, wherever the person is."""
    return day(bucket.starts) if _is_day(bucket) else f"{day(bucket.starts)}, {bucket.starts:%H:%M}"


def day(moment: datetime) -> str:
    return f"{moment:%b} {moment.day}"


def sentence(bucket: Bucket, moment: datetime) -> str:
    """What a bucket holds, for a tooltip and for the slider."""
    if bucket.unknown:
        return f"{label(bucket)}: {_unknown(bucket.unknown)}"
    names = zip(bucket.counts, ONE, COUNTED, strict=True)
    parts = [f"{count:,} {one if count == 1 else more}" for count, one, more in names if count]
    when = label(bucket) + (", so far" if bucket.starts <= moment < bucket.ends else "")
    told = f"{when}: {_requests(bucket.total)}" + (f". {', '.join(parts)}" if parts else "")
    told += ". Some could not be counted" if bucket.is_short else ""
    return f"{told}. Some are not counted yet" if bucket.is_late else told


def caption(series: Series, moment: datetime) -> str:
    """ "52,329 requests from Oct 24 to Nov 22, UTC. 95.7% succeeded." """
    known = series.known
    if not known:
        return "Nothing is known of this time."
    first, last = known[0], known[-1]
    until = "now" if last.ends > moment and not _is_day(last) else label(last)
    when = f"on {label(first)}" if first is last and _is_day(first) else f"from {label(first)} to {until}"
    told = f"{_requests(series.total)} {when}, UTC."
    return f"{told} {share(series.counts[0], series.total)} succeeded." if series.total else told


def described(series: Series, moment: datetime) -> str:
    """The graph in words."""
    unit = UNITS[series.span.hours][0]
    told = f"Stacked bars of requests per {unit}, by result. {caption(series, moment)}"
    if peaks := _peaks(series):
        told += f" Most {', '.join(peaks)}."
    return f"{told} The values are in the table below."


def notes(series: Series, plan: Plan, made: str) -> list[Note]:
    """What is not known, and why; `made` says when whatever was used began."""
    found = []
    if series.lacks(HISTORY):
        found.append(Note(f"History on the {plan.title} plan goes back {plan.history.days} days.", plan=True))
    if series.lacks(BEFORE):
        found.append(Note(f"{made} There was nothing to count before."))
    if series.lacks(HOURS):
        found.append(Note("Hours are kept for 90 days, days for longer."))
    if short := [label(bucket) for bucket in series.buckets if bucket.is_short]:
        when = f"{', '.join(short[:3])}{' and at other times' if len(short) > 3 else ''}"
        found.append(Note(f"Some requests could not be counted: {when}. Whose they were is not known."))
    if late := [label(bucket) for bucket in series.buckets if bucket.is_late]:
        found.append(Note(f"Some requests since {late[0]} are not counted yet."))
    return found


def share(part: int, whole: int) -> str:
    """A percentage. All and nothing are said of all and nothing only."""
    if not part or part >= whole:
        return "100%" if part else "0%"
    return f"{min(99.9, max(0.1, 100 * part / whole)):.1f}%"


def compact(number: int | float) -> str:
    """ "950", "52.3k", "1.2M": for where there is no room."""
    for size, unit in SIZES:
        # What would round up to the next unit is already of it.
        if number >= size * 0.9995 and (number >= 10_000 or number % (size / 10) == 0):
            return f"{number / size:.1f}".removesuffix(".0") + unit
    return f"{number:,.1f}".removesuffix(".0")


def mark(number: float) -> str:
    """ "750", "1.25k", "12.5M": the round number beside a line of a graph, which is exact."""
    size, unit = next(((size, unit) for size, unit in SIZES if number >= size), (1, ""))
    return f"{number / size:g}{unit}"


def _unknown(reason: str) -> str:
    return {
        BEFORE: "not known, it did not exist yet",
        HISTORY: "not known, it is beyond the history of the plan",
        HOURS: "not known, hours are kept for 90 days",
        LATER: "still to come",
    }[reason]


def _peaks(series: Series) -> list[str]:
    found = []
    for place, name in enumerate(COUNTED[1:], start=1):
        counts = [bucket.counts[place] for bucket in series.buckets]
        most = max(counts)
        if most:
            found.append(f"{name}: {most:,} on {label(series.buckets[counts.index(most)])}")
    return found


def _requests(number: int) -> str:
    return "1 request" if number == 1 else f"{number:,} requests"


def _is_day(bucket: Bucket) -> bool:
    return bucket.ends - bucket.starts >= timedelta(days=1)
