"""What clients may ask of a write: that it happens once (`Idempotency-Key`), or only to what they saw (`If-Match`).

Either makes the whole request one transaction, so that the check and the effect cannot come apart.
"""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Response, g, request

from models import IdempotentAnswer, Workspace
from models.database import transaction
from models.errors import DomainError, PreconditionFailed
from views.api.answers import answer, etag
from views.application import context

F = TypeVar("F", bound=Callable[..., Any])

# The draft's structured string, or the bare text that most clients send.
HEADER = re.compile(r'"([\x21\x23-\x7e]{1,255})"|([\x21\x23-\x7e]{1,255})', re.ASCII)
TAG = re.compile(r'\s*(W/)?("[\x21\x23-\x7e]*")\s*(?:,|$)', re.ASCII)


def guarded(view: F) -> F:
    """Let a view honour both headers. It is called again, or not at all, as they ask."""

    @wraps(view)
    def careful(**kwargs: Any) -> Any:
        environ = context().request.environ
        method = environ["REQUEST_METHOD"]
        if method == "POST" and "HTTP_IDEMPOTENCY_KEY" in environ:
            return _once(view, environ["HTTP_IDEMPOTENCY_KEY"], kwargs)
        if method in ("PATCH", "PUT", "DELETE") and "HTTP_IF_MATCH" in environ:
            with transaction():
                # What is compared now must still be there when the view changes it.
                Workspace.known(g.credential.workspace_id).hold()
                return view(**kwargs)
        return view(**kwargs)

    return careful  # type: ignore[return-value] # called as the view is


def expect(body: dict[str, Any]) -> None:
    """Raise `PreconditionFailed` unless `If-Match`, if given, names what is there now (RFC 9110, section 13.1.1)."""
    wanted = request.headers.get("If-Match")
    if wanted is None or wanted.strip() == "*":
        return
    # A weak tag matches nothing here.
    if etag(body) not in {tag for weak, tag in TAG.findall(wanted) if not weak}:
        raise PreconditionFailed


def _once(view: Callable[..., Response], header: str, kwargs: dict[str, Any]) -> Response:
    given = HEADER.fullmatch(header.strip())
    if not given:
        raise DomainError("Idempotency-Key must be 1 to 255 visible characters.")
    asked = f"{request.path}\n{request.query_string.decode('latin-1')}\n".encode() + request.get_data()
    with transaction():
        row, is_known = IdempotentAnswer.begin(g.credential.key_id, given[1] or given[2], asked)
        if is_known:
            return _again(row)
        response = view(**kwargs)
        body = g.get("kept_answer", response.get_data())
        row.keep(
            response.status_code,
            body.decode(),
            location=response.headers.get("Location"),
            etag=response.headers.get("ETag"),
        )
        return response


def _again(row: IdempotentAnswer) -> Response:
    response = answer(row.body.encode() or None, row.status, {"Idempotent-Replayed": "true"})
    for name, value in (("Location", row.location), ("ETag", row.etag)):
        if value:
            response.headers[name] = value
    return response
