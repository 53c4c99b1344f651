"""Uses of keys, as if they had been requests."""

from datetime import datetime, timedelta

from models import database, usage_sums, verification
from models.database import now, transaction
from models.usage_journal import ACCEPTED, Use


def used(
    text: str,
    *,
    at: datetime | None = None,
    times: int = 1,
    scope: str = "read:members",
    status: int = 200,
    verdict: str = ACCEPTED,
    request: str = "GET /api/v2/w/<workspace_id>/members",
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


def ago(**parts: float) -> datetime:
    return now() - timedelta(**parts)
