"""What the page of a key tells: one line for each of its cards."""

from datetime import datetime
from typing import Any

from models import ApiKey, cleanup, scope
from models.plan import Plan
from models.policy import misfits
from views import (
    key_advice,
    key_history,
    key_incidents,
    key_leaks,
    key_notices,
    key_refusals,
    key_rotation,
    key_usage,
    plan_words,
)


def key_misfits(key: ApiKey, moment: datetime) -> list[str]:
    """What the policy of the workspace would not let be made like this today, as sentences."""
    return list(misfits(key, key.workspace.policy, moment).values()) if key.is_live(moment) else []


def told(key: ApiKey, plan: Plan, moment: datetime) -> dict[str, Any]:
    """The context of `api_keys/show.html`."""
    return {
        **key_usage.context(key),
        "plan": plan,
        "scopes": scope.SCOPES,
        "staged": key.workspace.policy.staged_cleanup,
        "stage": cleanup.STAGE,
        "revoked_from": cleanup.revoked_from(key),
        "off_policy": key_misfits(key, moment),
        "misfits": plan_words.misfit_words(key, plan, moment),
        "leaks": key_leaks.shown(key, moment),
        "incidents": key_incidents.shown(key),
        **key_rotation.shown(key),
        "refusals": key_refusals.shown(key),
        "reasons": key_refusals.REASONS,
        **key_advice.shown(key, plan, moment),
        "notices": key_notices.shown(key),
        "history": key_history.of(key),
    }
