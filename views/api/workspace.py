"""The workspace of the key."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, g

from models import ApiKey, Workspace, quota
from models.database import now
from models.errors import Invalid
from models.scope import ADMIN
from models.tenancy import rename_workspace
from models.workspace import workspace_name
from views.api import enforcement, once, operations
from views.api.answers import tagged
from views.api.schemas import workspace as shapes
from views.format import iso


def add_routes(bp: Blueprint) -> None:
    bp.get("/w/<workspace_id>")(get_workspace)
    bp.patch("/w/<workspace_id>")(change_workspace)


@operations.operation(ADMIN, operations.WORKSPACE, returns=shapes.Workspace, errors=(404,))
def get_workspace(workspace_id: str) -> Response:
    """Get the workspace.

    Its name, its plan with the limits, and how much of them is used.
    """
    return tagged(_json(_workspace()))


@operations.operation(
    ADMIN, operations.WORKSPACE, json=shapes.WorkspaceChange, returns=shapes.Workspace, errors=(404, 412)
)
def change_workspace(workspace_id: str) -> Response:
    """Rename the workspace.

    Nothing but the name can be changed by a key: not the plan, and not the workspace's end.
    """
    workspace, given = _workspace(), operations.taken()
    once.expect(_json(workspace))
    if "name" in given.model_fields_set:
        if given.name is None:
            raise Invalid(name="Enter a name for the workspace.")
        rename_workspace(workspace, workspace_name(given.name), by=enforcement.actor())
    return tagged(_json(_workspace()))


def _workspace() -> Workspace:
    return Workspace.known(g.credential.workspace_id)


def _json(workspace: Workspace) -> dict[str, Any]:
    plan = workspace.plan
    return {
        "id": workspace.id,
        "name": workspace.name,
        "plan": plan.slug,
        "limits": {
            "active_keys": plan.active_keys,
            "longest_life_days": plan.longest_life and plan.longest_life.days,
            "admin_keys": plan.admin_keys,
            "allowlists": plan.allowlists,
            "requests_per_minute": plan.requests_per_minute,
            "requests_per_month": plan.requests_per_month,
            "history_days": plan.history.days,
        },
        "policy": asdict(workspace.policy),
        "active_keys": ApiKey.active(workspace.id, now()).count(),
        "requests_this_month": quota.used(workspace.id),
        "created_at": iso(workspace.created_at),
    }
