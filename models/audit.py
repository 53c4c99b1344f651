"""The audit trail: written by the verb that changes something, in the same transaction."""

import json
from typing import Any

from peewee import ForeignKeyField, TextField

from models.actor import Actor
from models.database import UTCDateTimeField, WorkspaceRecord, id_field, now
from models.workspace import Workspace


class AuditEvent(WorkspaceRecord):
    """What happened. The subject is named by its id alone, so history outlives what it records."""

    id = id_field("evt")
    workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
    at = UTCDateTimeField(default=now)
    action = TextField()
    subject = TextField()
    actor_kind = TextField()
    actor_id = TextField(null=True)
    actor_name = TextField()
    address = TextField(null=True)
    request_id = TextField(null=True)
    details = TextField(default="{}")

    class Meta:
        table_name = "audit_event"
        indexes = ((("subject", "at"), False), (("workspace", "at"), False))

    @classmethod
    def write(cls, action: str, subject: str, *, workspace: str, by: Actor, **details: object) -> None:
        """Record `noun.verb` on a subject. Details must never hold a secret."""
        cls.create(
            workspace=workspace,
            action=action,
            subject=subject,
            actor_kind=by.kind,
            actor_id=by.id,
            actor_name=by.name,
            address=by.address,
            request_id=by.request_id,
            details=json.dumps(details, ensure_ascii=False, default=str),
        )

    @classmethod
    def about(cls, workspace_id: str, subject: str, limit: int = 50) -> "list[AuditEvent]":
        """The newest events of one subject, newest first."""
        return list(
            cls.in_workspace(workspace_id)
            .where(cls.subject == subject)
            .order_by(cls.at.desc(), cls.id.desc())
            .limit(limit)
        )

    @property
    def facts(self) -> dict[str, Any]:
        return json.loads(self.details)
