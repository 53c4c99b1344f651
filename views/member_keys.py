"""The keys that one person made: what still uses them, and revoking them all, as when the person may be compromised."""

from flask import Blueprint, Response, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField

from models import Member, key_makers
from models.errors import Conflict, Invalid
from views import access, htmx
from views.key_forms import RevokeForm

bp = Blueprint("member_keys", __name__, url_prefix="/w/<workspace_id>/settings/members/<member_id>")

# Keys that the dialog names.
MOST = 20


class RevokeMadeForm(RevokeForm):
    remove = BooleanField("Remove the person, too")

    usual = "leaked"

    def __init__(self) -> None:
        super().__init__(remove="remove" in request.args)


@bp.route("/revoke-keys", methods=("GET", "POST"))
@access.requires("api_keys.manage")
@access.password_recently
def revoke(workspace_id: str, member_id: str) -> ResponseReturnValue:
    """Revoke every working key that a person made, and take them out of the workspace if that is ticked."""
    member: Member = Member.find(workspace_id, member_id)
    form = RevokeMadeForm()
    if not form.is_submitted():
        return _ask(member, form)
    try:
        if not form.confirms(member.name):
            raise Invalid(confirm="Type the name exactly as it is shown.")
        count = key_makers.revoke_made_by(
            member, by=access.actor(), reason=form.reason.data or "", note=form.text("note"), remove=form.remove.data
        )
    except (Invalid, Conflict) as problem:
        form.blame(problem)
        return _ask(member, form, problem.status)
    flash(_told(member, count, form.remove.data))
    return redirect(url_for("members.index", workspace_id=workspace_id), 303)


def _told(member: Member, count: int, removed: bool) -> str:
    keys = f"{count} key{'s' if count != 1 else ''} made by {member.name} {'are' if count != 1 else 'is'} revoked."
    return f"{keys} {member.name} is removed." if removed else keys


def _ask(member: Member, form: RevokeMadeForm, status: int = 200) -> Response:
    return htmx.dialog(
        "members/revoke_keys.html",
        status=status,
        member=member,
        form=form,
        made=key_makers.made_by(member, g.now),
        most=MOST,
        may_remove=member.role in access.actor().touches,
        is_self=member.id == g.member.id,
    )
