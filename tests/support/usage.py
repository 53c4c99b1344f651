"""Uses of keys, as if they had been requests."""

import contextlib
import resource
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from models import ApiKey, KeySecret, UsageHour, database, incident, usage_fold, usage_sums, verification
from models.database import now, transaction
from models.incident import Sighting
from models.usage import OUTCOMES
from models.usage_journal import ACCEPTED, SIZE, Use

MEMBERS = "GET /api/v2/w/<workspace_id>/members"


def secret_of(key: ApiKey) -> str:
    """The id of its newest secret."""
    newest = KeySecret.select().where(KeySecret.key == key.id).order_by(KeySecret.created_at.desc()).get()
    return str(newest.id)


def use_of(key: ApiKey, moment: int | None = None, **more: Any) -> Use:
    secret_id = secret_of(key)
    at = database.now_microseconds() if moment is None else moment
    made = Use(at, key.id, secret_id, "read:members", ACCEPTED, 200, MEMBERS, "192.0.2.7", "curl/8")
    return made._replace(**more)


def used(
    text: str,
    *,
    at: datetime | None = None,
    times: int = 1,
    scope: str = "read:members",
    status: int = 200,
    verdict: str = ACCEPTED,
    request: str = MEMBERS,
    address: str = "192.0.2.7",
    client: str = "curl/8",
) -> None:
    """Count requests with this secret, all in the same hour, as the folding of a journal would."""
    found = verification.verify(text)
    moment = database.to_microseconds(at or now())
    sums = usage_sums.Sums()
    sums.add(Use(moment, found.key_id, found.secret_id, scope, verdict, status, request, address, client), times)
    with transaction():
        sums.write(usage_sums.Remembered())


def counts(key: ApiKey) -> dict[tuple[str, str], int]:
    """(scope, outcome) → requests, of all that was written down by now."""
    usage_fold.fold()
    rows = UsageHour.select().where(UsageHour.key_id == key.id)
    return {(row.scope, OUTCOMES[row.outcome]): row.count for row in rows}


def dead_use(key: ApiKey, **use: Any) -> None:
    """Three calls with a secret of this key as if it had ended."""
    moment = database.now_microseconds()
    with transaction():
        incident.see(key, [Sighting(3, moment, use_of(key, moment, status=401, **use))])


def ago(**parts: float) -> datetime:
    return now() - timedelta(**parts)


@contextlib.contextmanager
def disk_is_full(room: int = SIZE - 1) -> Iterator[Callable[[], None]]:
    """No file of this process may grow beyond `room` bytes, by default not to a journal; the call makes room again."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
