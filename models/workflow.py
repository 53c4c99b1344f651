"""Workflows: named lists of steps that run in the background."""

import json
from typing import Any

from peewee import BooleanField, ForeignKeyField, IntegrityError, TextField

from models import paging, text, workflow_steps
from models.actor import Actor
from models.audit import AuditEvent
from models.database import UTCDateTimeField, WorkspaceRecord, id_field, now, transaction
from models.errors import Conflict, Invalid
from models.workspace import Workspace

LONGEST_NAME = 120
MOST_WORKFLOWS = 1_000


class Workflow(WorkspaceRecord):
    id = id_field("wfl")
    workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
    workspace_id: str
    name = TextField()
    enabled = BooleanField(default=True)
    steps_text = TextField()
    created_at = UTCDateTimeField(default=now)
    updated_at = UTCDateTimeField(default=now)

    class Meta:
        table_name = "workflow"
        indexes = ((("workspace", "name"), True), (("workspace", "created_at", "id"), False))

    @property
    def steps(self) -> list[dict[str, Any]]:
        return json.loads(self.steps_text)

    @classmethod
    def page(cls, workspace_id: str, limit: int, after: paging.Place | None) -> "tuple[list[Workflow], bool]":
        """Workflows in the order they were made, from just after a place; and whether more follow."""
        found: tuple[list[Workflow], bool] = paging.page(cls.in_workspace(workspace_id), limit, after)
        return found

    @classmethod
    def make(cls, workspace: Workspace, values: dict[str, Any], *, by: Actor) -> "Workflow":
        """A new workflow. A key must hold the scope of each of its steps: `InsufficientScope`."""
        columns = _columns(values)
        workflow_steps.must_hold(by.grant, values["steps"])
        try:
            with transaction():
                workspace.hold()
                if cls.in_workspace(workspace.id).count() >= MOST_WORKFLOWS:
                    raise Conflict(f"A workspace has at most {MOST_WORKFLOWS:,} workflows.")
                made = cls.create(workspace=workspace, **columns)
                made._record("workflow.created", by, name=made.name, actions=_actions(values["steps"]))
        except IntegrityError as problem:
            raise _taken(columns["name"]) from problem
        return made

    def change(self, values: dict[str, Any], *, by: Actor) -> None:
        """Change name, steps or whether it may run: only what is given. Runs that were started keep their steps."""
        columns = _columns(values)
        try:
            with transaction():
                self.workspace.hold()
                current: Workflow = Workflow.find(self.workspace_id, self.id)
                fresh = {name: value for name, value in columns.items() if value != getattr(current, name)}
                if not fresh:
                    return
                if fresh.keys() & {"steps_text", "enabled"}:
                    workflow_steps.must_hold(by.grant, values.get("steps", current.steps))
                facts: dict[str, Any] = {
                    name: [getattr(current, name), fresh[name]] for name in ("name", "enabled") if name in fresh
                }
                if "steps_text" in fresh:
                    facts["actions"] = [_actions(current.steps), _actions(values["steps"])]
                Workflow.update(fresh | {"updated_at": now()}).where(Workflow.id == self.id).execute()
                self._record("workflow.changed", by, **facts)
        except IntegrityError as problem:
            raise _taken(columns["name"]) from problem

    def _record(self, action: str, by: Actor, **details: object) -> None:
        AuditEvent.write(action, self.id, workspace=self.workspace_id, by=by, **details)


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    errors: dict[str, str] = {}
    if "name" in values:
        try:
            columns["name"] = text.line(values["name"], what="a name", longest=LONGEST_NAME)
        except text.BadText as problem:
            errors["name"] = str(problem)
    if "enabled" in values:
        columns["enabled"] = values["enabled"]
    if "steps" in values:
        try:
            columns["steps_text"] = json.dumps(workflow_steps.checked(values["steps"]), ensure_ascii=False)
        except Invalid as problem:
            errors |= problem.errors
    if errors:
        raise Invalid(errors)
    return columns


def _actions(steps: list[dict[str, Any]]) -> list[str]:
    return [str(step["action"]) for step in steps]


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a workflow named {name} already.")
