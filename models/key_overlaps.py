"""The overlaps of rotations that ran out: each is noted once in the history of its key, with what used it last.

The old secret stops by itself, by the clock alone. See models/key_rotation.py.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from models import apart
from models.actor import SYSTEM
from models.api_key import ApiKey
from models.audit import AuditEvent
from models.database import now, transaction
from models.key_secret import KeySecret
from models.usage import KeyPlace
from models.workspace import Workspace

BATCH = 100


def close_all() -> int:
    """Returns how many are over that were not before. May be killed anywhere, run twice, and beside itself."""
    return sum(apart.each(_all_over(), lambda old: close(old.id, old.key.workspace_id)))


def _all_over() -> Iterator[KeySecret]:
    last = ""
    while found := list(_over(now()).where(KeySecret.id > last).order_by(KeySecret.id).limit(BATCH)):
        last = found[-1].id
        yield from found


def _over(moment: datetime) -> Any:
    query = KeySecret.select(KeySecret, ApiKey).join(ApiKey)
    return query.where(KeySecret.ends_at <= moment, KeySecret.closed_at.is_null())


def close(secret_id: str, workspace_id: str) -> int:
    """Note the end of one overlap, unless that was done; returns how many were noted."""
    with transaction():
        Workspace(id=workspace_id).hold()
        old = _over(now()).where(KeySecret.id == secret_id).get_or_none()
        if old is None:
            return 0
        old.put(closed_at=now())
        if not _ran_out(old):
            return 0
        AuditEvent.write("api_key.overlap_ended", old.key_id, workspace=workspace_id, by=SYSTEM, **_facts(old))
    return 1


def _ran_out(old: KeySecret) -> bool:
    """Whether the overlap was what ended the secret, and neither somebody's hand nor the end of its key."""
    key = old.key
    ends = (old.revoked_at, key.revoked_at, key.expires_at)
    return all(end is None or end > old.ends_at for end in ends)


def _facts(old: KeySecret) -> dict[str, object]:
    facts: dict[str, object] = {"old": old.hint, "ends_at": old.ends_at.isoformat()}
    places = [place for place in KeyPlace.of(old.key_id, old.id) if place.at >= old.retired_at]
    if places:
        last = places[0]
        facts |= {"used_at": last.at.isoformat(), "used_from": last.address, "used_by": last.client}
    return facts
