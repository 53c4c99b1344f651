"""Bearer enforcement: the one place that every API request passes before its view.

verify → state (revoked, expired, disabled, not yet valid) → workspace → allowlist → quarantine → scope → limits
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Request, g, request

from models import database, rate_limit, role, scope, secret, verification
from models.actor import Actor, Grant
from models.errors import InsufficientScope, KeyRefused, NotFound, RateLimited, Throttled
from models.plan import Plan
from models.usage_journal import ACCEPTED, ASLEEP, DEAD, REFUSED
from models.verification import Credential
from views.application import context, notes
from views.errors import BadCredentials
from views.frame import KEY_ID
from views.log import request_id

F = TypeVar("F", bound=Callable[..., Any])

# RFC 6750, section 2.1: one token. A comma or a blank in it means two headers, or none that is whole.
BEARER = re.compile(r"(?i:bearer) +([^\s,]+)", re.ASCII)
ANY_BEARER = re.compile(r"(?:^|,[ \t]*)(?i:bearer)(?![!#$%&'*+.^_`|~0-9A-Za-z-])", re.ASCII)
# Where keys are put by mistake: they would end up in logs and histories.
KEY_FIELDS = ("access_token", "api_key", "key")
LOOKED_AT = 16 * 1024

ANY_KEY = ""
PUBLIC = None
# Of a secret, for good: its use is an incident.
DEATHS = ("revoked_key", "expired_key")
# What the route of a request asks for.
NEEDS = "gravity.needs"


def needs(wanted: str | None) -> Callable[[F], F]:
    """Declare what a view asks for: a scope, `ANY_KEY`, or `PUBLIC` for no key at all."""
    if wanted and wanted not in scope.SCOPES:
        raise ValueError(f"There is no scope {wanted!r}.")

    def decorate(view: F) -> F:
        view.needs = wanted  # type: ignore[attr-defined] # a mark on the function
        return view

    return decorate


def check_routes(app: Flask) -> None:
    """Refuse to start with an API route that declares no scope."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/") and not hasattr(app.view_functions[rule.endpoint], "needs"):
            raise RuntimeError(f"The route {rule.rule} declares no scope. Decorate its view with @needs(…).")


def enforce() -> None:
    """Let the request through, or raise what refuses it."""
    here = context()
    asked = here.request
    environ = asked.environ
    wanted: str | None = getattr(here.app.view_functions[str(asked.endpoint)], "needs")  # noqa: B009 set by `needs`
    if wanted is PUBLIC:
        return
    environ[NEEDS] = wanted
    _refuse_key_elsewhere(asked)
    token = bearer_token(environ.get("HTTP_AUTHORIZATION"))
    mine = notes()
    address = environ.get("REMOTE_ADDR") or ""
    try:
        credential = verification.verify(token)
    except KeyRefused as refusal:
        _slow_guessing(refusal, address)
        mine.proven = refusal.proven
        mine.verdict = verdict_of(refusal)
        if refusal.proven:
            environ[KEY_ID] = refusal.proven.key_id
        raise
    mine.proven = mine.credential = credential
    mine.verdict = REFUSED
    environ[KEY_ID] = credential.key_id
    workspace_id = (asked.view_args or {}).get("workspace_id")
    if workspace_id is not None and workspace_id != credential.workspace_id:
        raise NotFound
    if not credential.allows(address):
        raise KeyRefused("ip_not_allowed", proven=credential)
    if credential.quarantined_at is not None:
        raise KeyRefused("key_quarantined", proven=credential)
    if wanted and not credential.may(wanted):
        raise InsufficientScope(wanted)
    mine.standing = standing = rate_limit.spend(credential, database.now_microseconds())
    if standing.refused:
        raise _limited(standing, credential.plan)
    mine.verdict = ACCEPTED


def verdict_of(refusal: KeyRefused) -> str:
    """What a use counts as whose secret is not good now."""
    return DEAD if refusal.code in DEATHS else ASLEEP


def _slow_guessing(refusal: KeyRefused, address: str) -> None:
    """Answer an address that sends many bad credentials with 429. A good key from there still works."""
    if refusal.proven is None and (wait := rate_limit.bad_credential(address, database.now_microseconds())):
        raise Throttled(wait) from refusal


def _limited(standing: rate_limit.Standing, plan: Plan) -> RateLimited:
    limit = plan.requests_per_minute if standing.refused == "rate_limited" else plan.requests_per_month
    return RateLimited(standing.refused, limit=limit or 0, plan=plan.slug, seconds=standing.retry_after)


def bearer_token(header: str | None) -> str:
    """The token of an Authorization header.

    Raises `KeyRefused("missing_key")` for none or another scheme, and `BadCredentials` for a bearer
    scheme without exactly one token, which is also how two headers arrive.
    """
    if header is not None:
        one = BEARER.fullmatch(header.strip(" \t"))
        if one:
            return one.group(1)
        if ANY_BEARER.search(header):
            raise BadCredentials("Send one Authorization header with one token: Bearer gr_…")
    raise KeyRefused("missing_key")


def actor() -> Actor:
    """The key at hand, as every verb wants to know it."""
    held: Credential = g.credential
    end = None if held.expires_at is None else database.from_microseconds(held.expires_at)
    grant = Grant(scope.parse(held.scopes), tuple(held.networks.split()), end)
    return Actor("key", held.name, held.key_id, role.KEY_TOUCHES, request.remote_addr, request_id(), grant)


def _refuse_key_elsewhere(asked: Request) -> None:
    """A key in a query or a body is refused, never used, so that nobody comes to rely on it."""
    environ = asked.environ
    if environ.get("QUERY_STRING") and _holds_key(asked.args):
        raise BadCredentials("A key was sent in the address, where logs keep it. Revoke it, and use the header.")
    # A longer body is left unread until the key has proven good.
    if environ.get("CONTENT_LENGTH") and 0 < (asked.content_length or 0) <= LOOKED_AT:
        body = asked.get_json(silent=True) if asked.is_json else asked.form
        if _holds_key(body):
            raise BadCredentials("A key was sent in the body. Send it in the Authorization header alone.")


def _holds_key(fields: Any) -> bool:
    if not hasattr(fields, "get"):
        return False
    given = (fields.get(name) for name in KEY_FIELDS)
    return any(isinstance(value, str) and secret.FORM.search(value) for value in given)
