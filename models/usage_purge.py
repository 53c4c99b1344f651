"""Deletes sums of use that are older than they are kept: hours after 90 days, days with the history of the plan."""

from datetime import timedelta

from models import apart, usage
from models.api_key import ApiKey
from models.audit import SPARED, kept_since
from models.database import now, transaction
from models.plan import PLANS
from models.usage import UsageDay, UsageGap, UsageHour, UsageMark, UsageRoute, WorkspaceDay
from models.workspace import Workspace

HOURS_KEPT = timedelta(days=90)
# Keys in one transaction: it holds the database only briefly, and what is done stays done.
BATCH = 100


def purge() -> int:
    """Delete what nobody can see any more; returns how many rows."""
    longest = max(plan.history for plan in PLANS.values())
    # A file may lie still for long. Without its mark it would be counted again, so marks stay until nobody sees that.
    UsageMark.delete().where(UsageMark.at < now() - longest - SPARED).execute()
    deleted = UsageGap.delete().where(UsageGap.hour < usage.hour_of(now() - longest)).execute()
    return int(deleted + sum(apart.each(Workspace.each(), _of_workspace)))


def _of_workspace(workspace: Workspace) -> int:
    oldest = usage.day_of(kept_since(workspace))
    deleted = (
        WorkspaceDay.delete().where(WorkspaceDay.workspace_id == workspace.id, WorkspaceDay.day < oldest).execute()
    )
    # Deleted keys too: their sums outlive them no longer than others.
    keys = [key.id for key in ApiKey.select(ApiKey.id).where(ApiKey.workspace == workspace.id)]
    for start in range(0, len(keys), BATCH):
        with transaction():
            deleted += sum(_of_key(key_id, oldest) for key_id in keys[start : start + BATCH])
    return int(deleted)


def _of_key(key_id: str, oldest: int) -> int:
    hour = max(usage.hour_of(now() - HOURS_KEPT), oldest * 24)
    return int(
        UsageHour.delete().where(UsageHour.key_id == key_id, UsageHour.hour < hour).execute()
        + UsageDay.delete().where(UsageDay.key_id == key_id, UsageDay.day < oldest).execute()
        + UsageRoute.delete().where(UsageRoute.key_id == key_id, UsageRoute.day < oldest).execute()
    )
