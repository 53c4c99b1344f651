"""What the page of a key tells: one line for each of its cards."""

from datetime import datetime
from typing import Any

from models import ApiKey, Incident, network, scope
from models.plan import Plan
from views import key_history, key_leaks, key_refusals, plan_words
from views.key_reveal import test_url


def told(key: ApiKey, plan: Plan, moment: datetime) -> dict[str, Any]:
    """The context of `api_keys/show.html`."""
    return {
        "key": key,
        "plan": plan,
        "now": moment,
        "scopes": scope.SCOPES,
        "test_url": test_url(key),
        "still_allowed": network.allows(key.networks, key.last_used_address or ""),
        "misfits": plan_words.misfit_words(key, plan, moment),
        "leaks": key_leaks.shown(key, moment),
        "incidents": Incident.open_of(key),
        "refusals": key_refusals.shown(key),
        "reasons": key_refusals.REASONS,
        "history": key_history.of(key),
    }
