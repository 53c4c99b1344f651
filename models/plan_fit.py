"""What of a workspace no longer fits its plan. Nothing of that is stopped: it is marked, and new ones are refused."""

from dataclasses import dataclass
from datetime import datetime

from models import scope
from models.api_key import ApiKey
from models.plan import Plan
from models.workspace import Workspace

MOST_LISTED = 100

LIFE = "life"
ADMIN = "admin"
NETWORKS = "networks"


@dataclass(frozen=True, slots=True)
class PlanFit:
    """How the keys of a workspace sit with its plan. `over` are the keys that it would not let be made today."""

    active: int
    beyond: int
    over: list[ApiKey]
    over_count: int

    @property
    def fits(self) -> bool:
        return not self.beyond and not self.over_count


def fit(workspace: Workspace, moment: datetime) -> PlanFit:
    """Measure the active keys of a workspace against its plan. At most `MOST_LISTED` of those over it are listed."""
    plan = workspace.plan
    active = ApiKey.active(workspace.id, moment)
    count = active.count()
    beyond = 0 if plan.active_keys is None else max(0, count - plan.active_keys)
    condition = ApiKey.id.is_null()
    if plan.longest_life is not None:
        condition |= ApiKey.expires_at.is_null() | (ApiKey.expires_at > moment + plan.longest_life)
    if not plan.admin_keys:
        condition |= ApiKey.scopes.contains(scope.ADMIN)
    if not plan.allowlists:
        condition |= ApiKey.networks != ""
    over = active.where(condition)
    listed = list(over.order_by(ApiKey.name_folded, ApiKey.id).limit(MOST_LISTED))
    return PlanFit(count, beyond, listed, over.count() if len(listed) == MOST_LISTED else len(listed))


def misfits(key: ApiKey, plan: Plan, moment: datetime) -> tuple[str, ...]:
    """What of a key its plan would not let be made today: `LIFE`, `ADMIN`, `NETWORKS`."""
    if not key.is_live(moment):
        return ()
    found = {
        LIFE: plan.longest_life is not None and (key.expires_at is None or key.expires_at > moment + plan.longest_life),
        ADMIN: not plan.admin_keys and scope.ADMIN in key.scopes.split(),
        NETWORKS: not plan.allowlists and bool(key.networks),
    }
    return tuple(name for name, is_over in found.items() if is_over)
