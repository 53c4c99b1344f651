"""The way in: from the bare address to where a person works."""

from flask import Blueprint, g, redirect, url_for
from flask.typing import ResponseReturnValue

from models import Member

bp = Blueprint("home", __name__)


@bp.get("/")
def index() -> ResponseReturnValue:
    if "user" not in g:
        return redirect(url_for("sessions.login"))
    member = Member.first_of(g.user)
    if member is None:
        return redirect(url_for("account.show"))
    return redirect(start_of(member))


def start_of(member: Member) -> str:
    """The address of the page where this person starts in the workspace."""
    page = "api_keys.index" if member.may("api_keys.manage") else "members.index"
    return url_for(page, workspace_id=member.workspace_id)
