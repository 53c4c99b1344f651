"""How much of its month a workspace has used."""

from models import monthly_use, rate_limit
from models.database import now_microseconds


def used(workspace_id: str) -> int:
    """The requests of this month so far: what the workers count, or what the database knows where that is more."""
    moment = now_microseconds()
    month = monthly_use.month_at(moment)
    return max(monthly_use.kept(workspace_id, month), rate_limit.used_this_month(workspace_id, moment))
