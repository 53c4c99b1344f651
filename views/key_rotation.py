"""Rotation on the pages of a key: a new secret with an overlap, and what can be done while the old one works on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, flash, g, request
from flask.typing import ResponseReturnValue

from models import ApiKey, KeySecret, key_rotation, secret_use
from models.database import random_text
from models.errors import AlreadyDone, Conflict, Invalid
from views import format, key_forms
from views.access import actor, password_recently, requires
from views.htmx import dialog
from views.key_reveal import already, reveal, to_page

bp = Blueprint("key_rotation", __name__, url_prefix="/w/<workspace_id>/settings/api-keys/<key_id>")

BOTH = ("GET", "POST")
WORDS = {"1h": "1 hour", "24h": "24 hours", "7d": "7 days"}
USUAL = "24h"
GONE = "The old key has stopped working in the meantime. There is nothing left to do."


@dataclass(frozen=True, slots=True)
class Choice:
    """An overlap that can be chosen, with the moment at which it would end."""

    value: str
    title: str
    text: str


@bp.route("/rotate", methods=BOTH)
@requires("api_keys.manage")
@password_recently
def rotate(workspace_id: str, key_id: str) -> ResponseReturnValue:
    key = key_forms.live(workspace_id, key_id)
    if request.method != "POST":
        return _ask_rotate(key)
    overlap, seen = request.form.get("overlap", ""), request.form.get("secret_id", "")
    try:
        made = key.rotate(by=actor(), overlap=overlap, seen=seen, form_id=key_forms.form_id())
    except AlreadyDone:
        return already("rotated", key)
    except (Conflict, Invalid) as problem:
        return _ask_rotate(key_forms.live(workspace_id, key_id), problem.detail, problem.status)
    return reveal(key, made)


@bp.route("/finish-rotation", methods=BOTH)
@requires("api_keys.manage")
@password_recently
def finish(workspace_id: str, key_id: str) -> ResponseReturnValue:
    key = key_forms.live(workspace_id, key_id)
    if request.method != "POST":
        return dialog("api_keys/finish_rotation.html", key=key, **_asked(key))
    key.finish_rotation(by=actor(), seen=request.form.get("secret_id", ""))
    flash(f"The old key of {key.name} has stopped working.")
    return to_page(key)


@bp.route("/extend-rotation", methods=BOTH)
@requires("api_keys.manage")
@password_recently
def extend(workspace_id: str, key_id: str) -> ResponseReturnValue:
    key = key_forms.live(workspace_id, key_id)
    if request.method != "POST":
        return _ask_extend(key)
    try:
        end = key.extend_rotation(
            by=actor(), overlap=request.form.get("overlap", ""), seen=request.form.get("secret_id", "")
        )
    except Invalid as problem:
        return _ask_extend(key, problem.detail, problem.status)
    flash(f"The old key of {key.name} works until {format.day_time(end)}.")
    return to_page(key)


@bp.route("/undo-rotation", methods=BOTH)
@requires("api_keys.manage")
@password_recently
def undo(workspace_id: str, key_id: str) -> ResponseReturnValue:
    key = key_forms.live(workspace_id, key_id)
    if request.method != "POST":
        return dialog("api_keys/undo_rotation.html", key=key, **_asked(key))
    key.undo_rotation(by=actor(), seen=request.form.get("secret_id", ""))
    flash(f"The rotation of {key.name} is undone. The old key is the current one again.")
    return to_page(key)


def shown(key: ApiKey) -> dict[str, Any]:
    """The old secret while it works, and who still uses it, for the page of a key."""
    retiring = KeySecret.retiring_of(key.id, g.now) if key.is_live(g.now) else None
    return {"retiring": retiring, "retiring_use": retiring and secret_use.of(retiring, g.now)}


def _ask_rotate(key: ApiKey, problem: str = "", status: int = 200) -> Response:
    retiring = KeySecret.retiring_of(key.id, g.now)
    choices = [] if retiring else _choices(key, after=g.now, began=g.now)
    return dialog(
        "api_keys/rotate.html",
        status=status,
        key=key,
        retiring=retiring,
        choices=choices,
        # An overlap that the end of the key makes shorter stands for all longer ones.
        usual=next((each.value for each in choices if each.value == USUAL), choices[-1].value if choices else "none"),
        secret_id=KeySecret.current_of(key.id).id,
        form_id=random_text(26),
        problem=problem,
    )


def _ask_extend(key: ApiKey, problem: str = "", status: int = 200) -> Response:
    retiring = KeySecret.retiring_of(key.id, g.now)
    if retiring is None:
        raise Conflict(GONE)
    most = key_rotation.end_of("7d", g.now, key.expires_at, key.workspace.policy, retiring.retired_at)
    return dialog(
        "api_keys/extend_rotation.html",
        status=status,
        key=key,
        retiring=retiring,
        choices=_choices(key, after=retiring.ends_at, began=retiring.retired_at),
        problem=problem,
        is_held_back=most < g.now + key_rotation.OVERLAPS["7d"],
    )


def _choices(key: ApiKey, after: datetime, began: datetime) -> list[Choice]:
    """The overlaps that end after a moment, shortest first, none with the same end as a shorter one."""
    policy, found = key.workspace.policy, []
    most = key_rotation.end_of("7d", g.now, key.expires_at, policy, began)
    is_held_back = most < g.now + key_rotation.OVERLAPS["7d"]
    for value, title in WORDS.items():
        end = key_rotation.end_of(value, g.now, key.expires_at, policy, began)
        if end > after:
            why = ", when the key expires" if end == key.expires_at else ""
            if not why and is_held_back and end == most:
                why = ", the longest that the policy of this workspace allows"
            found.append(Choice(value, title, f"Until {format.weekday_time(end)}{why}."))
            after = end
    return found


def _asked(key: ApiKey) -> dict[str, Any]:
    """The same for what is asked of the old secret, which must still work."""
    found = shown(key)
    if found["retiring"] is None:
        raise Conflict(GONE)
    return found
