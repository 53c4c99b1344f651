"""How values look in pages: moments in the person's zone, numbers and states in words."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Flask, g

from models.database import now

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def set_up(app: Flask) -> None:
    for each in (ago, day, short_day, day_time, weekday_time, time_of_day, left, in_days, iso, utc_day, route):
        app.add_template_filter(each)


def ago(moment: datetime | None) -> str:
    """ "3 min ago" today and yesterday, then the day; also of what a clock noted that was ahead."""
    if moment is None:
        return "Never"
    past = now() - moment
    if past < -HOUR:
        return short_day(moment)
    if past < MINUTE:
        return "Just now"
    if past < HOUR:
        return f"{past // MINUTE} min ago"
    if past < DAY:
        return f"{past // HOUR} hr ago"
    return short_day(moment)


def short_day(moment: datetime) -> str:
    """ "Nov 2", with the year when it is another one."""
    local = moment.astimezone(zone())
    year = "" if local.year == now().astimezone(zone()).year else f", {local.year}"
    return f"{local:%b} {local.day}{year}"


def day(moment: datetime) -> str:
    local = moment.astimezone(zone())
    return f"{local:%b} {local.day}, {local.year}"


def day_time(moment: datetime) -> str:
    local = moment.astimezone(zone())
    return f"{local:%b} {local.day}, {local.year}, {local:%H:%M} {local:%Z}"


def weekday_time(moment: datetime) -> str:
    """ "Monday, November 23, 19:00 UTC": for what is near."""
    local = moment.astimezone(zone())
    return f"{local:%A}, {local:%B} {local.day}, {local:%H:%M} {local:%Z}"


def time_of_day(moment: datetime) -> str:
    local = moment.astimezone(zone())
    return f"{local:%H:%M} {local:%Z}"


def left(moment: datetime) -> str:
    """How long until a moment, in short: "14 hr left"."""
    rest = moment - now()
    if rest >= 2 * DAY:
        return f"{rest // DAY} days left"
    return f"{rest // HOUR} hr left" if rest >= HOUR else f"{max(rest // MINUTE, 1)} min left"


def utc_day(moment: datetime) -> str:
    """ "Today", "Yesterday" or "Nov 2", of a day of UTC, wherever the person is."""
    today = now().astimezone(UTC).date()
    then = moment.astimezone(UTC).date()
    if today - then <= DAY:
        return "Today" if then == today else "Yesterday"
    return f"{then:%b} {then.day}" + ("" if then.year == today.year else f", {then.year}")


def in_days(moment: datetime) -> str:
    """How far a moment is: "In 74 days", "In 5 hours", "10 days ago"."""
    left = moment - now()
    if left < timedelta(0):
        return f"{_count(-left // DAY, 'day')} ago" if -left >= DAY else "Today"
    if left >= 2 * DAY:
        return f"In {_count(left // DAY, 'day')}"
    return f"In {_count(left // HOUR, 'hour')}" if left >= HOUR else f"In {_count(left // MINUTE, 'minute')}"


def route(template: str) -> str:
    """A route of the API in short: `GET /members/{member_id}`; `*` stands for those that were not kept apart."""
    if template == "*":
        return "other requests"
    method, _, path = template.partition(" ")
    path = path.removeprefix("/api/v2")
    path = path.removeprefix("/w/<workspace_id>") or path
    return f"{method} {path.replace('<', '{').replace('>', '}')}"


def iso(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def zone() -> ZoneInfo:
    user = g.get("user")
    return user.zone if user else ZoneInfo("UTC")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
