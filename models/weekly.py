"""The week that is over, in figures, promised once to everybody who manages keys."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from peewee import fn

from models import apart, outbox, usage
from models.api_key import ApiKey
from models.database import now, transaction
from models.incident import Incident
from models.outbox import Notice
from models.usage import SUCCEEDED, UsageDay, WorkspaceDay
from models.workspace import Workspace

KIND = "weekly"
WEEK = timedelta(days=7)
BATCH = 100


def promise_all() -> int:
    """Promise the last full week (ISO 8601, UTC) of each workspace in which there was anything; returns how many."""
    monday = last_monday(now())
    return sum(apart.each(_not_told(threshold(monday)), lambda workspace: _promise(workspace, monday)))


def last_monday(moment: datetime) -> datetime:
    """When the last full week began."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday()) - WEEK


def threshold(monday: datetime) -> str:
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02}"


def _not_told(week: str) -> Iterator[Workspace]:
    told = Notice.select(Notice.workspace).where(Notice.kind == KIND, Notice.threshold == week)
    last = ""
    while some := list(
        Workspace.select().where(Workspace.id > last, Workspace.id.not_in(told)).order_by(Workspace.id).limit(BATCH)
    ):
        last = some[-1].id
        yield from some


def _promise(workspace: Workspace, monday: datetime) -> bool:
    facts = figures(workspace, monday)
    if not any((facts["requests"], facts["created"], facts["revoked"], facts["incidents"])):
        return False
    with transaction():
        return outbox.promise(KIND, workspace.id, workspace.id, threshold(monday), facts=facts) > 0


def figures(workspace: Workspace, monday: datetime) -> dict[str, Any]:
    """What happened in the seven days from a Monday on."""
    days = (usage.day_of(monday), usage.day_of(monday + WEEK))
    requests, failed = _requests(workspace.id, *days)
    before, _ = _requests(workspace.id, days[0] - 7, days[0])
    mine = ApiKey.select().where(ApiKey.workspace == workspace.id)
    during = (monday, monday + WEEK - timedelta(microseconds=1))
    seen = Incident.in_workspace(workspace.id).where(Incident.first_at.between(*during))
    return {
        "monday": monday.isoformat(),
        "requests": requests,
        "failed": failed,
        "before": before,
        "busiest": _busiest(workspace.id, *days),
        "created": mine.where(ApiKey.created_at.between(*during)).count(),
        "revoked": mine.where(ApiKey.revoked_at.between(*during)).count(),
        "incidents": seen.count(),
    }


def _requests(workspace_id: str, first: int, end: int) -> tuple[int, int]:
    """All requests of some days, and those that did not succeed."""
    query: Any = WorkspaceDay.select(WorkspaceDay.outcome, fn.SUM(WorkspaceDay.count)).where(
        WorkspaceDay.workspace_id == workspace_id, WorkspaceDay.day >= first, WorkspaceDay.day < end
    )
    counts = {outcome: int(count) for outcome, count in query.group_by(WorkspaceDay.outcome).tuples()}
    total = sum(counts.values())
    return total, total - counts.get(SUCCEEDED, 0)


def _busiest(workspace_id: str, first: int, end: int) -> str:
    total = fn.SUM(UsageDay.count)
    query: Any = (
        UsageDay.select(ApiKey.name, total)
        .join(ApiKey, on=UsageDay.key_id == ApiKey.id)
        .where(ApiKey.workspace == workspace_id, UsageDay.day >= first, UsageDay.day < end)
        .group_by(ApiKey.id, ApiKey.name)
        .order_by(total.desc(), ApiKey.id)
        .limit(1)
    )
    return next((str(name) for name, _ in query.tuples()), "")
