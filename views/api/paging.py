"""Cursors: an opaque place in a list, and pages cut by it."""

import base64
import binascii
import json
from typing import Any

from models.errors import DomainError


def encode(place: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[int, str]:
    """The place behind a cursor: microseconds and id. A cursor that we did not make is a bad request."""
    try:
        moment, row_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, binascii.Error, RecursionError) as problem:
        raise DomainError(BAD_CURSOR) from problem
    if type(moment) is not int or type(row_id) is not str or not 0 <= moment < 2**62 or "\0" in row_id:
        raise DomainError(BAD_CURSOR)
    return moment, row_id


BAD_CURSOR = "This cursor is not one of ours. Start without one."
