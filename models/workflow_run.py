"""Runs of workflows, carried out in the background, one step a transaction.

A step's effect, its line in the log and the progress are committed together, under a lock of the run's row. So a run
that is killed anywhere goes on where it was, no step takes effect twice, and any number of executors may work at once.
"""

import json
import logging
import time
from datetime import timedelta
from typing import Any

from peewee import ForeignKeyField, IntegerField, InterfaceError, OperationalError, TextField

from models import paging, scope, workflow_steps
from models.actor import Actor, Grant
from models.api_key import ApiKey
from models.audit import AuditEvent
from models.database import UTCDateTimeField, WorkspaceRecord, db, id_field, is_sqlite, now, sql, transaction
from models.errors import Conflict, DomainError
from models.workflow import Workflow
from models.workspace import Workspace

OPEN = ("queued", "running")
MOST_OPEN = 1_000
KEPT = timedelta(days=90)

log = logging.getLogger(__name__)


class WorkflowRun(WorkspaceRecord):
    id = id_field("run")
    workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
    workspace_id: str
    workflow = ForeignKeyField(Workflow, on_delete="CASCADE", index=False)
    workflow_id: str
    status = TextField(default="queued")
    # As they were when it was started.
    name = TextField()
    steps_text = TextField()
    # Who started it. Of a key also what it held; empty for those who are bound by their role.
    starter_kind = TextField()
    starter_name = TextField()
    starter_id = TextField(null=True)
    scopes = TextField(default="")
    # How many steps were taken, and when the next one is due.
    taken = IntegerField(default=0)
    due_at = UTCDateTimeField(default=now)
    log_text = TextField(default="[]")
    created_at = UTCDateTimeField(default=now)
    started_at = UTCDateTimeField(null=True)
    ended_at = UTCDateTimeField(null=True)

    class Meta:
        table_name = "workflow_run"
        indexes = (
            (("workflow", "created_at", "id"), False),
            (("status", "due_at"), False),
            (("workspace", "status"), False),
        )

    @property
    def steps(self) -> list[dict[str, Any]]:
        return json.loads(self.steps_text)

    @property
    def log(self) -> list[dict[str, Any]]:
        return json.loads(self.log_text)

    @classmethod
    def page(cls, workflow: Workflow, limit: int, after: paging.Place | None) -> "tuple[list[WorkflowRun], bool]":
        """The runs of a workflow, newest first, from just after a place; and whether more follow."""
        query = cls.in_workspace(workflow.workspace_id).where(cls.workflow == workflow.id)
        found: tuple[list[WorkflowRun], bool] = paging.page(query, limit, after, newest_first=True)
        return found

    @classmethod
    def start(cls, workflow: Workflow, *, by: Actor) -> "WorkflowRun":
        """A new run, to be carried out soon. A key must hold the scope of each step: `InsufficientScope`."""
        with transaction():
            workflow.workspace.hold()
            current: Workflow = Workflow.find(workflow.workspace_id, workflow.id)
            if not current.enabled:
                raise Conflict("This workflow is disabled. Enable it first.")
            workflow_steps.must_hold(by.grant, current.steps)
            waiting = cls.in_workspace(workflow.workspace_id).where(cls.status.in_(OPEN)).count()
            if waiting >= MOST_OPEN:
                raise Conflict(f"{MOST_OPEN:,} runs of this workspace are not done yet. Try again later.")
            run = cls.create(
                workspace=current.workspace_id,
                workflow=current,
                name=current.name,
                steps_text=current.steps_text,
                starter_kind=by.kind,
                starter_name=by.name,
                starter_id=by.id,
                scopes=scope.join(by.grant.scopes) if by.grant else "",
            )
            AuditEvent.write(
                "workflow_run.started", run.id, workspace=run.workspace_id, by=by, workflow=current.id, name=run.name
            )
        return run

    @classmethod
    def advance_all(cls, *, seconds: float) -> tuple[int, int]:
        """Take the steps that are due, for about so long. Returns how many runs were met and how many steps taken."""
        deadline = time.monotonic() + seconds
        due = cls.select(cls.id).where(cls.status.in_(OPEN), cls.due_at <= now()).order_by(cls.due_at).limit(200)
        ids, steps = [row.id for row in due], 0
        for run_id in ids:
            while time.monotonic() < deadline and cls.advance(run_id):
                steps += 1
        return len(ids), steps

    @classmethod
    def advance(cls, run_id: str) -> bool:
        """Take the next step of a run, if it is due and nobody else is at it. Returns whether one was taken."""
        with transaction():
            run = cls._locked(run_id)
            if run is None:
                return False
            run.started_at = run.started_at or now()
            run.status = "running"
            step = run.steps[run.taken]
            try:
                # Of its own, so that what a failing step did is undone and its line in the log is not.
                with transaction():
                    message = run._take(step)
            except DomainError as problem:
                run._end("failed", problem.detail)
            except (OperationalError, InterfaceError):
                raise
            except Exception:
                log.exception("a step of a workflow failed", extra={"run": run.id, "step": run.taken + 1})
                run._end("failed", "Something went wrong on our side. Nothing of this step was done.")
            else:
                run._note("done", message)
                run.taken += 1
                run.due_at = now() + timedelta(seconds=step.get("seconds", 0))
                if run.taken == len(run.steps):
                    run._end("succeeded")
            run.save()
        return True

    @classmethod
    def purge(cls) -> int:
        return cls.delete().where(cls.ended_at.is_null(False), cls.ended_at < now() - KEPT).execute()

    @classmethod
    def _locked(cls, run_id: str) -> "WorkflowRun | None":
        if not is_sqlite():
            query = sql("SELECT id FROM workflow_run WHERE id = ? FOR UPDATE SKIP LOCKED")
            if not db.execute_sql(query, (run_id,)).fetchall():
                return None
        return cls.get_or_none(cls.id == run_id, cls.status.in_(OPEN), cls.due_at <= now())

    def _take(self, step: dict[str, Any]) -> str:
        if self.starter_kind == "key":
            workflow_steps.must_hold(self._grant_now(), [step])
        return workflow_steps.take(self.workspace_id, step, by=Actor("workflow", self.name, self.id))

    def _grant_now(self) -> Grant:
        """What the run may use of the key that started it: what the key held then, and still holds."""
        key = ApiKey.get_or_none(ApiKey.id == self.starter_id)
        state = "deleted" if key is None or key.deleted_at else key.state(now())
        if key is None or state != "active":
            raise Conflict(f"The key that started this run is {state}.")
        then, today = scope.parse(self.scopes), scope.parse(key.scopes)
        held = frozenset(name for name in scope.SCOPES if scope.covers(then, name) and scope.covers(today, name))
        return Grant(held, (), None)

    def _note(self, status: str, message: str) -> None:
        entry = {"at": now().isoformat(), "step": self.taken + 1, "status": status, "message": message}
        self.log_text = json.dumps([*self.log, entry], ensure_ascii=False)

    def _end(self, status: str, message: str | None = None) -> None:
        if message is not None:
            self._note(status, message)
        self.status, self.ended_at = status, now()
        by = Actor("workflow", self.name, self.id)
        AuditEvent.write(f"workflow_run.{status}", self.id, workspace=self.workspace_id, by=by, name=self.name)
