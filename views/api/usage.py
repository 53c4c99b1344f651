"""The requests of a key by hour or by day: the numbers that its page draws."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, g

from models import ApiKey, Workspace, usage_series
from models.database import MICROSECOND, now
from models.errors import Invalid
from models.scope import ADMIN
from models.usage_series import Span
from views.api import operations
from views.api.answers import tagged
from views.api.schemas import usage as shapes
from views.usage_export import series_json

# Hours of a bucket, how far back it goes when nothing is said, and how much may be asked for at once.
UNITS = {
    "hour": (1, timedelta(hours=24), timedelta(hours=744)),
    "day": (24, timedelta(days=30), timedelta(days=400)),
}
# Before it there was nothing to count, and calendars end.
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)


def add_routes(bp: Blueprint) -> None:
    bp.get("/w/<workspace_id>/api-keys/<key_id>/usage")(get_api_key_usage)


@operations.operation(ADMIN, operations.API_KEYS, query=shapes.UsageQuery, returns=shapes.Usage, errors=(404,))
def get_api_key_usage(workspace_id: str, key_id: str) -> Response:
    """Get the usage of an API key.

    Requests by hour or by day of UTC and by outcome, as far back as the history of the plan goes. A count that is not
    known is null and never zero.
    """
    key: ApiKey = ApiKey.find(g.credential.workspace_id, key_id)
    moment, asked = now(), operations.asked()
    plan = Workspace.known(key.workspace_id).plan
    series = usage_series.of_key(key, plan, _span(asked, moment), moment)
    return tagged({"key_id": key.id, "bucket": asked.bucket, **series_json(series)})


def _span(asked: Any, moment: datetime) -> Span:
    hours, usual, most = UNITS[asked.bucket]
    until = min(asked.until or moment, moment)
    if until < EARLIEST:
        raise Invalid({"to": f"Nothing was counted before {EARLIEST.year}."})
    # The usual time ends with the bucket that `until` is in or ends, and begins with a whole one.
    since = asked.since or until - usual + timedelta(hours=hours) - MICROSECOND
    if since >= until and asked.since:
        raise Invalid({"from": "Name a moment that is before `to` and not in the future."})
    if until - since > most + timedelta(hours=hours):
        raise _too_much(asked.bucket)
    span = usage_series.between(since, until, hours)
    if span.ends - span.starts > most:
        raise _too_much(asked.bucket)
    return span


def _too_much(bucket: str) -> Invalid:
    hours, _, most = UNITS[bucket]
    return Invalid({"from": f"Ask for at most {most // timedelta(hours=hours)} {bucket}s at once."})
