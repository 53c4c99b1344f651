"""The audit trail of a workspace."""

from typing import Any

from flask import Blueprint, Response, g

from models import AuditEvent, Workspace
from models.scope import ADMIN
from views.api import operations, paging
from views.api.schemas import audit_events as shapes
from views.format import iso


def add_routes(bp: Blueprint) -> None:
    bp.get("/w/<workspace_id>/audit-events")(list_audit_events)


@operations.operation(ADMIN, operations.AUDIT, query=shapes.AuditQuery, returns=shapes.AuditEventList, errors=(404,))
def list_audit_events(workspace_id: str) -> Response:
    """List audit events.

    Newest first, in pages, as far back as the history of the plan goes.
    """
    workspace = Workspace.known(g.credential.workspace_id)
    filters = operations.asked().model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    return paging.listed(lambda limit, after: AuditEvent.page(workspace, filters, limit, after), _json, by="at")


def _json(event: AuditEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": iso(event.at),
        "action": event.action,
        "subject": event.subject,
        "actor": {"kind": event.actor_kind, "name": event.actor_name, "id": event.actor_id},
        "address": event.address,
        "request_id": event.request_id,
        "details": event.facts,
    }
