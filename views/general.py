"""The workspace itself: its name, its id, and what its plan includes."""

from flask import Blueprint, Response, flash, g, redirect, url_for
from flask.typing import ResponseReturnValue

from models import ApiKey
from models.errors import Invalid
from models.plan import Plan
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
    workspace = g.member.workspace
    return htmx.page(
        "general/show.html",
        status=status,
        form=form,
        may_rename=g.member.may("workspace.rename"),
        keys_in_use=ApiKey.active(workspace.id, g.now).count(),
        facts=plan_facts(workspace.plan),
    )


def plan_facts(plan: Plan) -> list[tuple[str, str]]:
    """What the plan includes, in words."""
    return [
        ("Active API keys", "No limit" if plan.active_keys is None else f"{plan.active_keys:,}"),
        ("Longest key lifetime", f"{plan.longest_life.days} days" if plan.longest_life else "No limit"),
        ("Keys with admin:workspace", "Included" if plan.admin_keys else "Not included"),
        ("IP allowlists", "Included" if plan.allowlists else "Not included"),
    ]
