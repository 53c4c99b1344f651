"""A person's calendar of expiries and rotations due: the address that programs read, and its making and ending."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, flash, g, redirect, url_for
from flask.typing import ResponseReturnValue

from models import CalendarFeed, calendar_text
from models.database import now
from views import access, htmx

bp = Blueprint("calendar_feed", __name__)

PLACE = "/w/<workspace_id>/settings/notifications/calendar"


@bp.get("/calendar/<token>.ics")
def read(token: str) -> ResponseReturnValue:
    """For programs: who has the address may read it. A dead address answers like one that never was."""
    feed = CalendarFeed.behind(token)
    base_url = current_app.config["SETTINGS"].base_url
    text = calendar_text.write(
        f"API keys of {feed.workspace.name}",
        feed.entries(),
        key_url=f"{base_url}/w/{feed.workspace_id}/settings/api-keys/{{}}",
        host=urlsplit(base_url).hostname or "localhost",
        moment=now(),
    )
    answer = Response(text, mimetype="text/calendar")
    answer.headers["Content-Disposition"] = 'inline; filename="api-keys.ics"'
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


@bp.post(PLACE)
@access.requires("api_keys.manage")
@access.password_recently
def make(workspace_id: str) -> ResponseReturnValue:
    """Answers without a redirect: the address is shown once, and only its hash is kept."""
    token = CalendarFeed.make(g.member, by=access.actor())
    base_url = current_app.config["SETTINGS"].base_url
    return htmx.dialog("calendar/link.html", status=201, link=base_url + url_for(".read", token=token))


@bp.get(PLACE)
@access.member_required
def show(workspace_id: str) -> ResponseReturnValue:
    """It has no page of its own: this is where Cancel of a prompt leads without JavaScript."""
    return _to()


@bp.post(f"{PLACE}/revoke")
@access.requires("api_keys.manage")
def revoke(workspace_id: str) -> ResponseReturnValue:
    CalendarFeed.revoke(g.member, by=access.actor())
    flash("Your calendar address has stopped working.")
    return _to()


def _to() -> ResponseReturnValue:
    return redirect(url_for("notifications.show", workspace_id=g.member.workspace_id, _anchor="calendar"), 303)
