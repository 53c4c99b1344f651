"""The audit trail: written by the verb that changes something, in the same transaction."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from peewee import ForeignKeyField, TextField, chunked

from models import paging
from models.actor import Actor
from models.database import ROWS, UTCDateTimeField, WorkspaceRecord, id_field, now
from models.plan import PLANS
from models.workspace import Workspace

# A smaller plan hides older history at once; this much later it is deleted.
SPARED = timedelta(days=30)
PLAN_CHANGED = "workspace.plan_changed"
# Who else learns of an event, in the transaction that writes it.
_listeners: "list[Callable[[list[AuditEvent]], object]]" = []


def at_write(listener: "Callable[[list[AuditEvent]], object]") -> "Callable[[list[AuditEvent]], object]":
    """Call this function with the events of a workspace that are written, in their transaction."""
    _listeners.append(listener)
    return listener


class AuditEvent(WorkspaceRecord):
    """What happened. The subject is named by its id alone, so history outlives what it records."""

    id = id_field("evt")
    workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
    workspace_id: str
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
        cls.write_all([(action, subject, details)], workspace=workspace, by=by)

    @classmethod
    def write_all(cls, happened: "Sequence[tuple[str, str, dict[str, Any]]]", *, workspace: str, by: Actor) -> None:
        """Record several actions, each with its subject and details, in this order."""
        moment = now()
        events = [
            cls(
                workspace=workspace,
                # Read newest first, they come in their order.
                at=moment + timedelta(microseconds=place),
                action=action,
                subject=subject,
                actor_kind=by.kind,
                actor_id=by.id,
                actor_name=by.name,
                address=by.address,
                request_id=by.request_id,
                details=json.dumps(details, ensure_ascii=False, default=str),
            )
            for place, (action, subject, details) in enumerate(happened)
        ]
        for some in chunked(events, ROWS):
            cls.insert_many([event.__data__ for event in some]).execute()
        for tell in _listeners:
            tell(events)

    @classmethod
    def about(cls, workspace_id: str, subject: str, limit: int = 50) -> "list[AuditEvent]":
        """The newest events of one subject, newest first. Nothing is older than the plan's history."""
        oldest = now() - Workspace.known(workspace_id).plan.history
        return list(
            cls.in_workspace(workspace_id)
            .where(cls.subject == subject, cls.at >= oldest)
            .order_by(cls.at.desc(), cls.id.desc())
            .limit(limit)
        )

    @classmethod
    def page(
        cls, workspace: Workspace, filters: dict[str, Any], limit: int, after: paging.Place | None
    ) -> "tuple[list[AuditEvent], bool]":
        """The newest events, newest first, from just after a place; and whether more follow.

        `filters` may have `action` (a whole one, or a noun that ends with a dot), `subject`, `actor` and
        `request_id`, and the moments `since` and `until`. Nothing is older than the plan's history.
        """
        oldest = max(filter(None, (now() - workspace.plan.history, filters.get("since"))))
        query = cls.in_workspace(workspace.id).where(cls.at >= oldest)
        if until := filters.get("until"):
            query = query.where(cls.at < until)
        if action := filters.get("action"):
            query = query.where(cls.action.startswith(action) if action.endswith(".") else cls.action == action)
        for name, column in (("subject", cls.subject), ("actor", cls.actor_id), ("request_id", cls.request_id)):
            if value := filters.get(name):
                query = query.where(column == value)
        found: tuple[list[AuditEvent], bool] = paging.page(query, limit, after, by="at", newest_first=True)
        return found

    @classmethod
    def purge(cls) -> int:
        """Delete what nobody could see for `SPARED`."""
        deleted = 0
        for theirs, oldest in retention():
            while True:
                some = cls.select(cls.id).where(cls.at < oldest, cls.workspace.in_(theirs)).limit(1_000)
                count = cls.delete().where(cls.id.in_([row.id for row in some])).execute()
                deleted += count
                if count < 1_000:
                    break
        return deleted

    @property
    def facts(self) -> dict[str, Any]:
        return json.loads(self.details)


def kept_since(workspace: Workspace) -> datetime:
    """What is older was hidden by every plan that the workspace had in the last `SPARED`."""
    begins = now() - SPARED
    changes = _plan_changes(begins).where(AuditEvent.subject == workspace.id).order_by(AuditEvent.at)
    oldest = []
    for change in changes:
        before = PLANS.get(change.facts["plan"][0], workspace.plan)
        oldest.append(begins - before.history)
        begins = change.at
    return min([*oldest, begins - workspace.plan.history])


def retention() -> Iterator[tuple[Any, datetime]]:
    """All workspaces in groups, as queries for their ids, and the moment before which nothing of theirs is kept."""
    changes = _plan_changes(now() - SPARED).where(AuditEvent.subject.in_(Workspace.select(Workspace.id)))
    changed = sorted({change.subject for change in changes})
    for plan in PLANS.values():
        on_it = Workspace.select(Workspace.id).where(Workspace.plan_slug == plan.slug, Workspace.id.not_in(changed))
        yield on_it, now() - SPARED - plan.history
    for workspace in Workspace.select().where(Workspace.id.in_(changed)):
        yield Workspace.select(Workspace.id).where(Workspace.id == workspace.id), kept_since(workspace)


def _plan_changes(since: datetime) -> Any:
    return AuditEvent.select().where(AuditEvent.action == PLAN_CHANGED, AuditEvent.at >= since)
