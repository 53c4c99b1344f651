"""The requests of each workspace in each month, against the quota of its plan."""

from typing import Any

from peewee import BigIntegerField, CompositeKey, ForeignKeyField, IntegerField, Model, TextField


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

    class MonthlyUse(Table):
        workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
        month = IntegerField()
        used = BigIntegerField()

        class Meta:
            table_name = "monthly_use"
            primary_key = CompositeKey("workspace", "month")

    db.create_tables([MonthlyUse], safe=False)
