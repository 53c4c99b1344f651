"""Tells webhooks of keys that are about to end, and of those that have: each threshold of each end once."""

from datetime import datetime, timedelta
from typing import Any

from models import apart
from models.api_key import ApiKey
from models.database import now, to_microseconds, transaction
from models.webhook import Webhook
from models.webhook_delivery import emit

DAYS = (14, 7, 1)
# For so long after an end it is told of, should nothing have run at the time.
LATE = timedelta(days=3)


def announce() -> int:
    """Returns how many deliveries were written. May run twice, and beside itself."""
    listening: Any = Webhook.select(Webhook.workspace).where(Webhook.disabled_at.is_null()).distinct()
    return sum(apart.each([workspace_id for (workspace_id,) in listening.tuples()], _announce_in))


def _announce_in(workspace_id: str) -> int:
    told, moment = 0, now()
    soon = (ApiKey.expires_at > moment - LATE) & (ApiKey.expires_at <= moment + timedelta(days=DAYS[0]))
    for key in list(ApiKey.in_workspace(workspace_id).where(ApiKey.revoked_at.is_null(), soon)):
        with transaction():
            told += _announce(key, moment)
    return told


def _announce(key: ApiKey, moment: datetime) -> int:
    assert key.expires_at
    data = {"key_id": key.id, "name": key.name, "expires_at": key.expires_at.isoformat()}
    end = f"{key.id}/{to_microseconds(key.expires_at)}"
    if key.expires_at <= moment:
        return emit(key.workspace_id, "api_key.expired", data, unique=f"{end}/expired")
    passed = [days for days in DAYS if key.expires_at - timedelta(days=days) <= moment]
    days = passed[-1]
    # Whoever makes a key for a week need not hear at once that it ends within two.
    if key.created_at > key.expires_at - timedelta(days=days):
        return 0
    return emit(key.workspace_id, "api_key.expiring", data | {"days": days}, unique=f"{end}/{days}d")
