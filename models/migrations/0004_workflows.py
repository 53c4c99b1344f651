"""Workflows and their runs."""

from typing import Any

from peewee import BigIntegerField, BooleanField, ForeignKeyField, IntegerField, Model, TextField


def up(migrator: Any, db: Any) -> None:
    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Workspace(Table):
        """Made before; stated for what refers to it."""

        id = TextField(primary_key=True)

        class Meta:
            table_name = "workspace"

    class Workflow(Table):
        id = TextField(primary_key=True)
        workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
        name = TextField()
        enabled = BooleanField()
        steps_text = TextField()
        created_at = BigIntegerField()
        updated_at = BigIntegerField()

        class Meta:
            table_name = "workflow"
            indexes = ((("workspace", "name"), True), (("workspace", "created_at", "id"), False))

    class WorkflowRun(Table):
        id = TextField(primary_key=True)
        workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
        workflow = ForeignKeyField(Workflow, on_delete="CASCADE", index=False)
        status = TextField()
        name = TextField()
        steps_text = TextField()
        starter_kind = TextField()
        starter_name = TextField()
        starter_id = TextField(null=True)
        scopes = TextField()
        taken = IntegerField()
        due_at = BigIntegerField()
        log_text = TextField()
        created_at = BigIntegerField()
        started_at = BigIntegerField(null=True)
        ended_at = BigIntegerField(null=True)

        class Meta:
            table_name = "workflow_run"
            indexes = (
                (("workflow", "created_at", "id"), False),
                (("status", "due_at"), False),
                (("workspace", "status"), False),
            )

    db.create_tables([Workflow, WorkflowRun], safe=False)
