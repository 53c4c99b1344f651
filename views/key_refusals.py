"""Refused requests on the page of their key, and what an owner can do about a missing scope there."""

from dataclasses import dataclass, replace

from flask import Blueprint, Response, flash, request, url_for
from flask.typing import ResponseReturnValue

from models import ApiKey, Refusal, scope
from models.errors import Conflict, NotFound, PlanLimit
from views.access import actor, password_recently, requires
from views.htmx import dialog
from views.key_reveal import to_page

bp = Blueprint("key_refusals", __name__, url_prefix="/w/<workspace_id>/settings/api-keys/<key_id>")

FIRST = 20
REASONS = {
    "revoked_key": "The key was revoked, or this secret was replaced",
    "expired_key": "The key had expired",
    "disabled_key": "The key was disabled",
    "not_yet_valid_key": "The key had not started yet",
    "ip_not_allowed": "Its address is not on the allowlist",
    "key_quarantined": "The key was in quarantine",
    "insufficient_scope": "A scope was missing",
    "rate_limited": "The requests of the minute were used up",
    "quota_exceeded": "The requests of the month were used up",
    "not_found": "It asked for another workspace",
    "not_allowed": "No key may do this",
    "plan_limit": "The plan does not include it",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """The part of the list that a page shows. `wanted` is the request id that was asked for."""

    rows: list[Refusal]
    total: int
    wanted: str
    found: bool


def shown(key: ApiKey) -> Shown:
    """The refusals for the page at hand: the newest, all, or the one with the request id that was asked for."""
    rows = Refusal.of(key)
    wanted = request.args.get("request", "").strip()[:60]
    found = [row for row in rows if row.request_id == wanted] if wanted else []
    if found:
        return Shown(found, len(rows), wanted, True)
    part = rows if "all" in request.args else rows[:FIRST]
    return Shown(part, len(rows), wanted, False)


def page_of(workspace_id: str, request_id: str) -> str | None:
    """The address of the key page that shows this refused request."""
    row = Refusal.behind(workspace_id, request_id)
    if row is None:
        return None
    place = url_for("api_keys.show", workspace_id=workspace_id, key_id=row.key_id, request=request_id)
    return f"{place}#refused"


@bp.route("/add-scope", methods=("GET", "POST"))
@requires("api_keys.manage")
@password_recently
def add_scope(workspace_id: str, key_id: str) -> ResponseReturnValue:
    """Give a key the one scope that a refused request lacked."""
    key: ApiKey = ApiKey.find(workspace_id, key_id)
    wanted = scope.SCOPES.get(request.values.get("scope", ""))
    if wanted is None:
        raise NotFound
    held = scope.covers(scope.parse(key.scopes), wanted.name)
    if request.method != "POST":
        return _ask(key, wanted, held)
    if not held:
        settings = replace(key.settings, scopes=key.settings.scopes | {wanted.name})
        try:
            key.edit(settings, version=request.form.get("version", 0, type=int), by=actor())
        except (Conflict, PlanLimit) as problem:
            return _ask(ApiKey.find(workspace_id, key_id), wanted, held, problem.detail, problem.status)
        flash(f"{key.name} has {wanted.name} now.")
    return to_page(key)


def _ask(key: ApiKey, wanted: scope.Scope, held: bool, problem: str = "", status: int = 200) -> Response:
    return dialog("api_keys/add_scope.html", status=status, key=key, wanted=wanted, held=held, problem=problem)
