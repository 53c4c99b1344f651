"""The workspace itself: its name, its id, and what happens to a key that is found in public."""

from flask import Blueprint, Response, flash, g, redirect, url_for
from flask.typing import ResponseReturnValue

from models.errors import Invalid
from models.tenancy import choose_leak_policy, rename_workspace
from models.workspace import REVOKE, TELL, workspace_name
from views import access, htmx
from views.people_forms import LeakForm, WorkspaceForm

bp = Blueprint("general", __name__, url_prefix="/w/<workspace_id>/settings/general")

LEAK_CHOICES = [
    (REVOKE, "Revoke it at once", "Whoever finds it cannot use it, and neither can what uses it now. A mail says so."),
    (TELL, "Only tell", "Whoever manages keys gets a mail. The key works on until somebody revokes it."),
]


@bp.get("")
@access.member_required
def show(workspace_id: str) -> ResponseReturnValue:
    return _page()


@bp.post("")
@access.requires("workspace.rename")
def rename(workspace_id: str) -> ResponseReturnValue:
    form = WorkspaceForm()
    try:
        rename_workspace(g.member.workspace, workspace_name(form.text("name")), by=access.actor())
    except Invalid as problem:
        form.blame(problem)
        return _page(form, status=422)
    flash("The workspace has its new name.")
    return _to()


@bp.post("/leaks")
@access.requires("workspace.leaks")
@access.password_recently
def leaks(workspace_id: str) -> ResponseReturnValue:
    """Say what happens to a key that is found in public."""
    form = LeakForm()
    try:
        choose_leak_policy(g.member.workspace, form.text("leak_policy"), by=access.actor())
    except Invalid as problem:
        form.blame(problem)
        return _page(leak_form=form, status=422)
    flash("The choice is saved.")
    return _to()


def _to() -> ResponseReturnValue:
    return redirect(url_for(".show", workspace_id=g.member.workspace_id), 303)


def _page(form: WorkspaceForm | None = None, leak_form: LeakForm | None = None, status: int = 200) -> Response:
    stored = g.member.workspace
    return htmx.page(
        "general/show.html",
        status=status,
        form=form or WorkspaceForm(formdata=None, obj=stored),
        leak_form=leak_form or LeakForm(formdata=None, obj=stored),
        leak_choices=LEAK_CHOICES,
        may_rename=g.member.may("workspace.rename"),
        may_choose=g.member.may("workspace.leaks"),
    )
