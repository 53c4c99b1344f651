"""Workflows of a workspace, and their runs."""

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, g, url_for

from models import Workflow, WorkflowRun, Workspace
from models.errors import Invalid, NotFound
from views.api import enforcement, once, operations, paging
from views.api.answers import tagged
from views.api.schemas import workflows as shapes
from views.api.schemas.common import ListQuery
from views.format import iso

SCOPE = "write:workflows"


def add_routes(bp: Blueprint) -> None:
    bp.get("/w/<workspace_id>/workflows")(list_workflows)
    bp.post("/w/<workspace_id>/workflows")(create_workflow)
    bp.get("/w/<workspace_id>/workflows/<workflow_id>")(get_workflow)
    bp.patch("/w/<workspace_id>/workflows/<workflow_id>")(change_workflow)
    bp.get("/w/<workspace_id>/workflows/<workflow_id>/runs")(list_runs)
    bp.post("/w/<workspace_id>/workflows/<workflow_id>/runs")(start_run)
    bp.get("/w/<workspace_id>/workflows/<workflow_id>/runs/<run_id>")(get_run)


@operations.operation(SCOPE, operations.WORKFLOWS, query=ListQuery, returns=shapes.WorkflowList, errors=(404,))
def list_workflows(workspace_id: str) -> Response:
    """List workflows.

    Oldest first, in pages.
    """
    return paging.listed(lambda limit, after: Workflow.page(g.credential.workspace_id, limit, after), _json)


@operations.operation(
    SCOPE, operations.WORKFLOWS, json=shapes.NewWorkflow, returns=shapes.Workflow, status=201, errors=(404, 409)
)
def create_workflow(workspace_id: str) -> Response:
    """Create a workflow.

    The key must also hold the scope that each of the steps needs.
    """
    workspace = Workspace.known(g.credential.workspace_id)
    workflow = Workflow.make(workspace, operations.taken().model_dump(), by=enforcement.actor())
    place = url_for("api.get_workflow", workspace_id=workspace.id, workflow_id=workflow.id)
    return tagged(_json(workflow), 201, {"Location": place})


@operations.operation(SCOPE, operations.WORKFLOWS, returns=shapes.Workflow, errors=(404,))
def get_workflow(workspace_id: str, workflow_id: str) -> Response:
    """Get a workflow."""
    return tagged(_json(_found(workflow_id)))


@operations.operation(
    SCOPE, operations.WORKFLOWS, json=shapes.WorkflowChange, returns=shapes.Workflow, errors=(404, 409, 412)
)
def change_workflow(workspace_id: str, workflow_id: str) -> Response:
    """Change a workflow.

    A merge patch: only what is given changes. Runs that were started before keep their steps. The key must also hold
    the scope that each of the steps needs.
    """
    given = operations.taken().model_dump(exclude_unset=True)
    if empty := [field for field, value in given.items() if value is None]:
        raise Invalid(dict.fromkeys(empty, "This cannot be empty."))
    workflow = _found(workflow_id)
    once.expect(_json(workflow))
    workflow.change(given, by=enforcement.actor())
    return tagged(_json(_found(workflow_id)))


@operations.operation(SCOPE, operations.WORKFLOWS, query=ListQuery, returns=shapes.RunList, errors=(404,))
def list_runs(workspace_id: str, workflow_id: str) -> Response:
    """List the runs of a workflow.

    Newest first, in pages.
    """
    workflow = _found(workflow_id)
    return paging.listed(lambda limit, after: WorkflowRun.page(workflow, limit, after), _run_json)


@operations.operation(SCOPE, operations.WORKFLOWS, returns=shapes.Run, status=201, errors=(404, 409))
def start_run(workspace_id: str, workflow_id: str) -> Response:
    """Run a workflow.

    The steps are taken in the background: read the run until its status is `succeeded` or `failed`. The key must also
    hold the scope that each of the steps needs, until they are taken. It takes no body.
    """
    run = WorkflowRun.start(_found(workflow_id), by=enforcement.actor())
    ids = {"workspace_id": run.workspace_id, "workflow_id": run.workflow_id, "run_id": run.id}
    return tagged(_run_json(run), 201, {"Location": url_for("api.get_run", **ids)})


@operations.operation(SCOPE, operations.WORKFLOWS, returns=shapes.Run, errors=(404,))
def get_run(workspace_id: str, workflow_id: str, run_id: str) -> Response:
    """Get a run.

    Its status, and a line for each step that was taken.
    """
    run: WorkflowRun = WorkflowRun.find(g.credential.workspace_id, run_id)
    if run.workflow_id != workflow_id:
        raise NotFound
    return tagged(_run_json(run))


def _found(workflow_id: str) -> Workflow:
    found: Workflow = Workflow.find(g.credential.workspace_id, workflow_id)
    return found


def _json(workflow: Workflow) -> dict[str, Any]:
    return {
        "id": workflow.id,
        "name": workflow.name,
        "enabled": workflow.enabled,
        "steps": workflow.steps,
        "created_at": iso(workflow.created_at),
        "updated_at": iso(workflow.updated_at),
    }


def _run_json(run: WorkflowRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "workflow_id": run.workflow_id,
        "status": run.status,
        "started_by": {"kind": run.starter_kind, "name": run.starter_name, "id": run.starter_id},
        "created_at": iso(run.created_at),
        "started_at": run.started_at and iso(run.started_at),
        "ended_at": run.ended_at and iso(run.ended_at),
        "log": [entry | {"at": iso(datetime.fromisoformat(entry["at"]))} for entry in run.log],
    }
