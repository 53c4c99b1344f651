"""JSON answers."""

import hashlib
from collections.abc import Mapping
from typing import Any

from flask import Response, g
from pydantic_core import to_json

from views.application import Answer

SHOWN_BEFORE = (
    "The secret was shown in the first answer and is kept nowhere. If it is lost, somebody who manages keys can rotate "
    "the key, or undo its rotation while the old secret works."
)
# What changes by merely being used, and so says nothing about whether somebody changed a thing.
PASSING = frozenset(
    (
        "active_keys", "requests_this_month",
        "last_used_at", "last_used_address", "last_used_client", "last_used_request", "last_used_status",
    )
)  # fmt: skip


def answer(
    body: Mapping[str, Any] | bytes | None, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer, of a body that may be JSON already, or an empty one."""
    if body is None:
        response = Response(b"", status, headers)
        del response.headers["Content-Type"]
        return response
    return Answer(body if isinstance(body, bytes) else to_json(body), status, headers)


def tagged(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The answer for one thing, with the `ETag` that a write may name in `If-Match`."""
    written = to_json(body)
    made = answer(written, status, headers)
    made.headers["ETag"] = _tag_of(written) if PASSING.isdisjoint(body) else etag(body)
    return made


def with_secret(
    body: Mapping[str, Any], secret: str, status: int = 201, headers: Mapping[str, str] | None = None
) -> Response:
    """The one answer that holds a secret. What an `Idempotency-Key` keeps of it says that it was shown."""
    g.kept_answer = to_json({**body, "secret": None, "secret_note": SHOWN_BEFORE})
    return answer({**body, "secret": secret, "secret_note": None}, status, headers)


def etag(body: Mapping[str, Any]) -> str:
    """A strong validator (RFC 9110, section 8.8.3) of a representation, apart from what merely being used changes."""
    return _tag_of(to_json({name: value for name, value in body.items() if name not in PASSING}))


def _tag_of(written: bytes) -> str:
    return f'"{hashlib.blake2b(written, digest_size=12).hexdigest()}"'
