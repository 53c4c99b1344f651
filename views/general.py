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
    return _page(WorkspaceForm(obj=g.member.workspace))


@bp.post("")
@access.requires("workspace.rename")
def rename(workspace_id: str) -> ResponseReturnValue:
    form = WorkspaceForm()
    try:
        rename_workspace(g.member.workspace, workspace_name(form.text("name")), by=access.actor())
    except Invalid as problem:
        form.blame(problem)
        return _page(form, 422)
    flash("The workspace has its new name.")
    return redirect(url_for(".show", workspace_id=workspace_id), 303)


def _page(form: WorkspaceForm, status: int = 200) -> Response:
    return htmx.page(
        "general/show.html",
        status=status,
        form=form,
        may_rename=g.member.may("workspace.rename"),
    )
