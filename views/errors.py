"""Errors as answers: a page for people, a problem document (RFC 9457) for programs."""

import logging

from flask import Flask, Response, current_app, g, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from peewee import InterfaceError, OperationalError
from pydantic_core import to_json
from werkzeug.exceptions import HTTPException

from models import Member, database, metrics
from models.errors import (
    REFUSALS,
    DeadLink,
    DomainError,
    InsufficientScope,
    Invalid,
    KeyRefused,
    RateLimited,
    Throttled,
    Unavailable,
)
from views import forms, htmx, old_links
from views.access import PasswordNeeded, logins
from views.application import Answer
from views.frame import PROGRAMS
from views.log import request_id

log = logging.getLogger(__name__)

REALM = 'Bearer realm="gravity-rail"'

CODES = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    411: "length_required",
    412: "precondition_failed",
    413: "too_large",
    415: "unsupported_media_type",
    422: "validation_failed",
    429: "rate_limited",
    431: "headers_too_large",
    500: "internal_error",
    503: "unavailable",
}
# Forms for those who are not signed in.
SIGNED_OUT = (
    "sessions.login",
    "sessions.set_password",
    "sessions.theme",
    "team_address.confirm",
    "team_address.decline",
)
DETAILS = {
    400: "The request could not be understood.",
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    411: "Send a Content-Length. Bodies in chunks are not taken.",
    413: "The request is too large. The limit is 1 MB.",
    415: "Send the body as application/json.",
    431: "The Authorization header is too large.",
    500: "Something went wrong on our side. Nothing was changed.",
}
WORDS = {
    400: "This request could not be understood",
    403: "You may not do this",
    404: "Not found",
    405: "This address does not work that way",
    409: "This changed in the meantime",
    413: "That is too large",
    429: "Too many tries",
    500: "Something went wrong",
    503: "Briefly unavailable",
}

# As /metrics calls what slows down guessing.
TOO_MANY_TRIES = "too_many_tries"


def set_up(app: Flask) -> None:
    # So that the first one is seen as a rise.
    for code in (*REFUSALS, InsufficientScope.code, BadCredentials.code):
        metrics.KEYS_REFUSED.labels(code)
    for limit in (RateLimited.code, "quota_exceeded", TOO_MANY_TRIES):
        metrics.LIMITED.labels(limit)
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(PasswordNeeded, _password_needed)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(InterfaceError, _database_away)
    app.register_error_handler(Exception, _unexpected)


def _domain_error(error: DomainError) -> Response:
    _count(error)
    if led := old_links.answer(error):
        return led
    return _respond(error.status, error.code, error.title, error.detail, error)


def _count(error: DomainError) -> None:
    if isinstance(error, RateLimited):
        metrics.LIMITED.labels(error.code).inc()
    elif isinstance(error, Throttled):
        metrics.LIMITED.labels(TOO_MANY_TRIES).inc()
    elif isinstance(error, KeyRefused | InsufficientScope | BadCredentials):
        metrics.KEYS_REFUSED.labels(error.code).inc()


def http_error(error: HTTPException) -> Response:
    """What Flask or Werkzeug refused, as our answer."""
    status = error.code or 500
    if error.response is not None:
        return make_response(error.response)
    detail = DETAILS.get(status) or error.description or error.name
    code = CODES.get(status, error.name.lower().replace(" ", "_"))
    response = _respond(status, code, error.name.capitalize(), detail)
    for name, value in error.get_headers(request.environ):
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _csrf_error(error: CSRFError) -> Response:
    if "user" not in g and request.endpoint not in SIGNED_OUT:
        # The session ended, in another tab perhaps: signing in again is what helps.
        return make_response(logins.unauthorized())
    message = (
        "This form was open too long, or in another browser. Reload the page and send it again. Nothing was changed."
    )
    return _respond(400, "bad_request", "Reload and try again", message)


def _database_away(error: Exception) -> Response:
    metrics.DATABASE_AWAY.inc()
    log.warning("the database did not answer", extra={"reason": type(error).__name__})
    if not database.db.in_transaction():
        database.forget_connection()
    return _domain_error(Unavailable())


def _unexpected(error: Exception) -> Response:
    log.exception("unexpected error")
    return _respond(500, "internal_error", "Internal error", DETAILS[500])


def _password_needed(error: PasswordNeeded) -> Response:
    """The prompt carries the whole form, so that the action goes on, once, with the password."""
    back = htmx.here().rpartition("/")[0] or "/"
    return htmx.dialog(
        "sessions/confirm.html",
        status=403,
        action=request.path,
        fields=forms.carried(),
        problem=error.problem,
        back=back,
    )


def _respond(status: int, code: str, title: str, detail: str, error: DomainError | None = None) -> Response:
    if request.path.startswith(PROGRAMS):
        return problem(status, code, title, detail, error)
    heading = title if isinstance(error, DeadLink) else WORDS.get(status, title)
    if "user" in g:
        if status == 404 and "member" not in g:
            # Whoever is lost keeps the menu.
            g.member = Member.first_of(g.user)
        symbol = "lock" if status == 403 else "triangle-alert"
        response = htmx.page("errors/signed_in.html", status=status, heading=heading, message=detail, symbol=symbol)
    else:
        response = make_response(_bare(heading, detail), status)
    if isinstance(error, Throttled):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _bare(heading: str, detail: str) -> str:
    return render_template("errors/signed_out.html", heading=heading, message=detail)


def problem(status: int, code: str, title: str, detail: str, error: DomainError | None = None) -> Response:
    """A problem document. It says nothing of what was asked for, so that a stranger's id looks like none."""
    body: dict[str, object] = {
        "type": f"{current_app.config['SETTINGS'].base_url}/help#{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id(),
    }
    body |= _of_proven_key(status, error)
    if isinstance(error, Invalid):
        body["errors"] = [{"field": field, "message": message} for field, message in error.errors.items()]
    elif error is not None:
        body |= error.facts
    response = Answer(to_json(body), status, content_type="application/problem+json")
    if (challenge := _challenge(status, code, detail, error)) is not None:
        response.headers["WWW-Authenticate"] = challenge
    if status == 503:
        response.headers["Retry-After"] = "2"
    if isinstance(error, Throttled | RateLimited):
        response.headers["Retry-After"] = str(error.retry_after)
    g.problem = error
    return response


def _of_proven_key(status: int, error: DomainError | None) -> dict[str, object]:
    """What helps whoever sent the whole secret: which key it is, what it may, and where it can be mended."""
    proven = g.get("proven")
    if proven is None or status not in (401, 403, 429):
        return {}
    facts: dict[str, object] = {"key_id": proven.key_id, "granted_scopes": proven.scopes.split()}
    if isinstance(error, InsufficientScope):
        facts["required_scope"] = error.scope
    page = f"{current_app.config['SETTINGS'].base_url}/w/{proven.workspace_id}/settings/api-keys/{proven.key_id}"
    if isinstance(error, KeyRefused) and error.code == "key_quarantined":
        facts["wake_url"] = f"{page}/wake"
    return facts | {"fix_url": f"{page}?request={request_id()}#refused"}


def _challenge(status: int, code: str, detail: str, error: DomainError | None) -> str | None:
    """RFC 6750, section 3: no `error` where no credentials came; nothing of the request is echoed."""
    if code == "missing_key":
        return REALM
    if isinstance(error, KeyRefused) and status == 401:
        return f'{REALM}, error="invalid_token", error_description="{_ascii(detail)}"'
    if isinstance(error, BadCredentials):
        return f'{REALM}, error="invalid_request", error_description="{_ascii(detail)}"'
    if isinstance(error, InsufficientScope):
        return f'{REALM}, error="insufficient_scope", scope="{error.scope}"'
    return None


def _ascii(text: str) -> str:
    return text.replace("…", "...").encode("ascii", "replace").decode()


class BadCredentials(DomainError):
    """Credentials in the wrong place or form: RFC 6750's `invalid_request`."""

    status, code, title = 400, "bad_request", "Bad request"
