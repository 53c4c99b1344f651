"""The workspace itself: its name and its id."""

from flask import Blueprint, Response, flash, g, redirect, url_for
from flask.typing import ResponseReturnValue

from models.errors import Invalid
from models.tenancy import rename_workspace
from models.workspace import workspace_name
from views import access, htmx
from views.people_forms import WorkspaceForm

bp = Blueprint("general", __name__, url_prefix="/w/<workspace_id>/settings/general")


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


def _to() -> ResponseReturnValue:
    return redirect(url_for(".show", workspace_id=g.member.workspace_id), 303)


def _page(form: WorkspaceForm | None = None, status: int = 200) -> Response:
    stored = g.member.workspace
    return htmx.page(
        "general/show.html",
        status=status,
        form=form or WorkspaceForm(formdata=None, obj=stored),
        may_rename=g.member.may("workspace.rename"),
    )
