"""Cursors: an opaque place in a list, and pages cut by it."""

import base64
import binascii
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Response

from models.database import from_microseconds, to_microseconds
from models.errors import DomainError
from models.json_value import is_storable
from models.paging import Place
from views.api import operations
from views.api.answers import answer


def listed(
    find: Callable[[int, Place | None], tuple[list[Any], bool]],
    to_json: Callable[[Any], dict[str, Any]],
    *,
    by: str = "created_at",
) -> Response:
    """The page of a list that the query asks for. `find` takes a limit and a place, as `models.paging.page` does."""
    query = operations.asked()
    after = None
    if query.cursor is not None:
        moment, row_id = decode(query.cursor)
        after = (from_microseconds(moment), row_id)
    rows, more = find(query.limit, after)
    last = rows[-1] if more else None
    cursor = encode([to_microseconds(getattr(last, by)), last.id]) if last else None
    return answer({"data": [to_json(row) for row in rows], "next_cursor": cursor})


def encode(place: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[int, str]:
    """The place behind a cursor: microseconds and id. A cursor that we did not make is a bad request."""
    try:
        moment, row_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, binascii.Error, RecursionError) as problem:
        raise DomainError(BAD_CURSOR) from problem
    # Text that no database can be asked for, and moments that no calendar has, were never in a cursor of ours.
    if type(moment) is not int or type(row_id) is not str or not 0 <= moment <= LATEST or not is_storable(row_id):
        raise DomainError(BAD_CURSOR)
    return moment, row_id


LATEST = to_microseconds(datetime.max.replace(tzinfo=UTC))
BAD_CURSOR = "This cursor is not one of ours. Start without one."
