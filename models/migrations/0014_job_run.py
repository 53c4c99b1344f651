"""Recurring jobs: whose turn it is, and when each last ran."""

from typing import Any

from peewee import BigIntegerField, BooleanField, IntegerField, Model, TextField


def up(migrator: Any, db: Any) -> None:
    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Lease(Table):
        name = TextField(primary_key=True)
        holder = TextField()
        until = BigIntegerField()

        class Meta:
            table_name = "lease"

    class JobRun(Table):
        job = TextField(primary_key=True)
        summary = TextField()
        started_at = BigIntegerField()
        ended_at = BigIntegerField(null=True)
        ms = IntegerField()
        failed = BooleanField()
        outcome = TextField()
        succeeded_at = BigIntegerField(null=True)
        failed_at = BigIntegerField(null=True)

        class Meta:
            table_name = "job_run"

    db.create_tables([Lease, JobRun], safe=False)
