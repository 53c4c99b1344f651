"""The Clean-up page: keys that somebody should look at, and what is done to many of them in one go.

A first POST asks, with what would break; a second one acts, and tells what was left alone and why.
"""

from typing import Any

from flask import Blueprint, Response, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from models import Workspace, cleanup, key_bulk, key_review, usage_fold
from models.key_bulk import Outcome, Seen
from models.key_review import MOST, Candidate
from views import cleanup_words
from views.access import actor, password_recently, requires
from views.htmx import dialog, page

bp = Blueprint("key_cleanup", __name__, url_prefix="/w/<workspace_id>/settings/api-keys/cleanup")

# Without an overlap, whoever has many keys to bring to their places would stop them all meanwhile.
OVERLAPS = (("1h", "1 hour", None), ("24h", "24 hours", None), ("7d", "7 days", None))
USUAL = "24h"
STOPPING = (key_bulk.QUARANTINE, key_bulk.REVOKE)


@bp.get("")
@requires("api_keys.manage")
def show(workspace_id: str) -> ResponseReturnValue:
    workspace: Workspace = g.member.workspace
    return page(
        "api_keys/cleanup.html",
        sections=key_review.sections(workspace, g.now),
        words=cleanup_words,
        rules=cleanup_words.rules(workspace.policy),
        offered=key_bulk.OFFERED,
        policy=workspace.policy,
        stage=cleanup.STAGE,
        revoked_from=cleanup.revoked_from,
        now=g.now,
    )


@bp.post("/confirm")
@requires("api_keys.manage")
def confirm(workspace_id: str) -> ResponseReturnValue:
    """Ask before anything is done to the keys that were ticked."""
    name, action = _section(), _action()
    found = key_review.section(g.member.workspace, name, g.now)
    ticked = set(request.form.getlist("key"))
    if "all" in request.form:
        ticked |= {each.key.id for each in found.taken_by_all(g.now)}
    chosen = [each for each in found.listed if each.key.id in ticked]
    if not chosen:
        flash("Select at least one key first.")
        return redirect(url_for(".show", workspace_id=workspace_id), 303)
    return _ask(name, action, [Seen.of(each) for each in chosen], chosen)


@bp.post("/act")
@requires("api_keys.manage")
@password_recently
def act(workspace_id: str) -> ResponseReturnValue:
    name, action, chosen = _section(), _action(), _chosen()
    phrase = cleanup_words.phrase(len(chosen))
    if action == key_bulk.REVOKE and " ".join(request.form.get("confirm", "").split()) != phrase:
        by_id = {each.key.id: each for each in key_review.section(g.member.workspace, name, g.now).listed}
        shown = [by_id[seen.key_id] for seen in chosen if seen.key_id in by_id]
        return _ask(name, action, chosen, shown, error=f"Type “{phrase}”.")
    # What is used right now counts as used.
    usage_fold.fold(0.5)
    given = request.form.get("overlap")
    overlap = given if given in [value for value, _, _ in OVERLAPS] else USUAL
    outcomes = key_bulk.act(workspace_id, name, action, chosen, by=actor(), overlap=overlap)
    if any(each.secret for each in outcomes):
        return _reveal(outcomes)
    return _told(outcomes, cleanup_words.DONE[action], action, undo=action if action in key_bulk.UNDOABLE else "")


@bp.post("/undo")
@requires("api_keys.manage")
@password_recently
def undo(workspace_id: str) -> ResponseReturnValue:
    action = _one_of(key_bulk.UNDOABLE, request.form.get("action"))
    outcomes = key_bulk.undo(workspace_id, action, _chosen(), by=actor())
    return _told(outcomes, cleanup_words.UNDONE[action], action)


def _ask(name: str, action: str, seen: list[Seen], shown: list[Candidate], error: str = "") -> Response:
    workspace: Workspace = g.member.workspace
    return dialog(
        "api_keys/cleanup_confirm.html",
        status=422 if error else 200,
        part=name,
        action=action,
        question=cleanup_words.question(action, len(seen)),
        seen=[each.text for each in seen],
        chosen=[(each, key_bulk.objection_to(each.key, workspace, action, g.now)) for each in shown],
        together=cleanup_words.breaks_together(shown) if action in STOPPING else "",
        words=cleanup_words,
        policy=workspace.policy,
        phrase=cleanup_words.phrase(len(seen)) if action == key_bulk.REVOKE else "",
        overlaps=OVERLAPS if action == key_bulk.ROTATE else (),
        usual=USUAL,
        error=error,
    )


def _reveal(outcomes: list[Outcome]) -> Response:
    """Answers without a redirect, since the secrets must not outlive this response."""
    made = [each for each in outcomes if each.secret]
    left = [each for each in outcomes if not each.done]
    return dialog("api_keys/cleanup_reveal.html", status=201, made=made, left=left)


def _told(outcomes: list[Outcome], did: str, action: str, undo: str = "") -> Response:
    done = [each for each in outcomes if each.done]
    left = [each for each in outcomes if not each.done]
    title = cleanup_words.told(len(done), len(left), did)
    return page(
        "api_keys/cleanup_done.html", title=title, done=done, left=left, action=action, undo=undo, words=cleanup_words
    )


def _chosen() -> list[Seen]:
    return [seen for text in request.form.getlist("seen")[:MOST] if (seen := Seen.read(text))]


def _section() -> str:
    return _one_of(key_review.SECTIONS, request.form.get("section"))


def _action() -> str:
    return _one_of(key_bulk.OFFERED[_section()], request.form.get("action"))


def _one_of(known: Any, wanted: str | None) -> str:
    return wanted if wanted is not None and wanted in known else str(known[0])
