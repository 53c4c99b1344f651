"""The Clean-up page: keys that somebody should look at, and what is done to many of them in one go.

A first POST asks, with what would break; a second one acts, and tells what was left alone and why.
"""

from typing import Any

from flask import Blueprint, Response, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from models import Workspace, key_review, usage_fold
from models.impact import Impact
from models.key_review import Candidate, Outcome, Seen
from views import format, key_impact
from views.access import actor, password_recently, requires
from views.htmx import dialog, page

bp = Blueprint("key_cleanup", __name__, url_prefix="/w/<workspace_id>/settings/api-keys/cleanup")

TITLES = {
    key_review.UNUSED: "Unused",
    key_review.EXPIRING: "Expiring",
    key_review.ROTATION: "Rotation due",
    key_review.LEFT: "Maker gone",
    key_review.WIDE: "More than it uses",
    key_review.CALLED: "Called with a dead secret",
}
# Words of the button, of the question, and of what was done.
ACTIONS = {
    key_review.EXTEND_30: ("Extend by 30 days", "Extend", "extended by 30 days"),
    key_review.EXTEND_90: ("Extend by 90 days", "Extend", "extended by 90 days"),
    key_review.NARROW: ("Narrow…", "Narrow", "narrowed"),
    key_review.ROTATE: ("Rotate…", "Rotate", "rotated"),
    key_review.QUARANTINE: ("Quarantine…", "Quarantine", "put in quarantine"),
    key_review.REVOKE: ("Revoke…", "Revoke", "revoked"),
}
# Without an overlap, whoever has many keys to bring to their places would stop them all meanwhile.
OVERLAPS = (("1h", "1 hour", None), ("24h", "24 hours", None), ("7d", "7 days", None))
USUAL = "24h"
UNDOABLE = {key_review.QUARANTINE: "Wake", key_review.NARROW: "Undo the narrowing of"}
MOST = key_review.MOST


@bp.get("")
@requires("api_keys.manage")
def show(workspace_id: str) -> ResponseReturnValue:
    workspace: Workspace = g.member.workspace
    return page(
        "api_keys/cleanup.html",
        sections=key_review.sections(workspace, g.now),
        titles=TITLES,
        rules=_rules(workspace),
        offered=key_review.OFFERED,
        actions=ACTIONS,
        why=_why,
        breaks=_breaks,
        policy=workspace.policy,
        most=MOST,
        looked_at=key_review.LOOKED_AT,
        now=g.now,
    )


@bp.post("/confirm")
@requires("api_keys.manage")
def confirm(workspace_id: str) -> ResponseReturnValue:
    """Ask before anything is done to the keys that were ticked."""
    section, action = _section(), _action()
    found = key_review.candidates(g.member.workspace, section, g.now)
    ticked = set(request.form.getlist("key"))
    chosen = [each for each in found if "all" in request.form or each.key.id in ticked]
    if not chosen:
        flash("Tick the keys that it is about first.")
        return redirect(url_for(".show", workspace_id=workspace_id), 303)
    return _ask(section, action, [each.seen for each in chosen], chosen)


@bp.post("/act")
@requires("api_keys.manage")
@password_recently
def act(workspace_id: str) -> ResponseReturnValue:
    section, action = _section(), _action()
    chosen = [seen for text in request.form.getlist("seen")[:MOST] if (seen := Seen.read(text))]
    if action == key_review.REVOKE and " ".join(request.form.get("confirm", "").split()) != phrase(len(chosen)):
        by_id = {each.key.id: each for each in key_review.candidates(g.member.workspace, section, g.now)}
        shown = [by_id[seen.key_id] for seen in chosen if seen.key_id in by_id]
        return _ask(section, action, chosen, shown, error=f"Type “{phrase(len(chosen))}”.")
    # What is used right now counts as used.
    usage_fold.fold(0.5)
    given = request.form.get("overlap")
    overlap = given if given in [value for value, _, _ in OVERLAPS] else USUAL
    outcomes = key_review.act(workspace_id, section, action, chosen, by=actor(), overlap=overlap)
    if any(each.secret for each in outcomes):
        return _reveal(outcomes)
    return _told(action, ACTIONS[action][2], outcomes)


@bp.post("/undo")
@requires("api_keys.manage")
@password_recently
def undo(workspace_id: str) -> ResponseReturnValue:
    action = request.form.get("action", "")
    if action not in UNDOABLE:
        action = key_review.QUARANTINE
    outcomes = key_review.undo(workspace_id, action, request.form.getlist("key")[:MOST], by=actor())
    return _told("", "woken" if action == key_review.QUARANTINE else "as before", outcomes)


def phrase(number: int) -> str:
    """What is typed before keys are revoked."""
    return f"revoke {number} key{'s' * (number != 1)}"


def _ask(section: str, action: str, seen: list[Seen], shown: list[Candidate], error: str = "") -> Response:
    return dialog(
        "api_keys/cleanup_confirm.html",
        status=422 if error else 200,
        part=section,
        action=action,
        verb=ACTIONS[action][1],
        seen=[each.text for each in seen],
        chosen=shown,
        why=_why,
        breaks=_breaks,
        phrase=phrase(len(seen)),
        typed=action == key_review.REVOKE,
        overlaps=OVERLAPS if action == key_review.ROTATE else (),
        usual=USUAL,
        error=error,
    )


def _reveal(outcomes: list[Outcome]) -> Response:
    """Answers without a redirect, since the secrets must not outlive this response."""
    made = [each for each in outcomes if each.secret]
    left = [each for each in outcomes if not each.done]
    return dialog("api_keys/cleanup_reveal.html", status=201, made=made, left=left)


def _told(action: str, did: str, outcomes: list[Outcome]) -> Response:
    return page(
        "api_keys/cleanup_done.html",
        done=[each for each in outcomes if each.done],
        left=[each for each in outcomes if not each.done],
        did=did,
        action=action,
        undo=UNDOABLE.get(action),
    )


def _breaks(found: Impact) -> str:
    """What would break without a key, by its calls of the last days."""
    days = key_impact.days(found.days)
    if not found.at_most:
        return f"In the last {days} nothing would have failed without it."
    return f"Without it {key_impact.calls(found.at_least, found.at_most)} of the last {days} would have failed."


def _why(section: str, each: Candidate) -> str:
    """Why a key is in a section, and since when."""
    key, since = each.key, each.since
    if section == key_review.UNUSED:
        when = format.day(since) if since else ""
        return f"Not used since {when}." if key.last_used_at else f"Never used since {when}."
    if section == key_review.EXPIRING:
        return f"Expires {format.in_days(key.expires_at).lower()}, on {format.day(key.expires_at)}."
    if section == key_review.ROTATION:
        return f"Its secret is from {format.day(since)}." if since else "Its secret is old."
    if section == key_review.LEFT:
        how = "no longer manages keys" if key.creator_id else "is no longer here"
        made = "made it with a key" if key.behind_name else "made it"
        return f"{key.maker_name}, who {made}, {how}{f' since {format.day(since)}' if since else ''}."
    if section == key_review.WIDE:
        return f"Not used since {format.day(since)}: {', '.join(each.drop)}." if since else ""
    times = f"{each.calls:,} call{'s' * (each.calls != 1)}"
    return f"{times} with a secret that has ended{f', since {format.day(since)}' if since else ''}."


def _rules(workspace: Workspace) -> dict[str, str]:
    policy = workspace.policy
    never = f"made {min(30, policy.unused_days)} days ago and never used"
    return {
        key_review.UNUSED: f"Not used for {policy.unused_days} days, or {never}.",
        key_review.EXPIRING: "End within 14 days.",
        key_review.ROTATION: f"Have a secret that is older than {policy.rotation_days} days.",
        key_review.LEFT: "Made by somebody who left, or who no longer manages keys, and may still have them.",
        key_review.WIDE: f"Hold scopes that they do not use. The {key_review.LOOKED_AT} keys used last are looked at.",
        key_review.CALLED: "Something still sends a secret that was revoked, rotated out or has expired.",
    }


def _section() -> str:
    return _one_of(key_review.SECTIONS, request.form.get("section"))


def _action() -> str:
    return _one_of(key_review.OFFERED[_section()], request.form.get("action"))


def _one_of(known: Any, wanted: str | None) -> str:
    return wanted if wanted is not None and wanted in known else str(known[0])
