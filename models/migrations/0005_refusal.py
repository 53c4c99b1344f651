"""Refused requests of keys."""

from typing import Any

from peewee import BigIntegerField, ForeignKeyField, IntegerField, Model, TextField


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

    class ApiKey(Table):
        """As above."""

        id = TextField(primary_key=True)

        class Meta:
            table_name = "api_key"

    class Refusal(Table):
        id = TextField(primary_key=True)
        workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
        key = ForeignKeyField(ApiKey, on_delete="CASCADE", index=False)
        at = BigIntegerField()
        request_id = TextField()
        code = TextField()
        status = IntegerField()
        request = TextField()
        scope = TextField(null=True)
        address = TextField()
        client = TextField()

        class Meta:
            table_name = "refusal"
            indexes = ((("key", "at"), False), (("workspace", "request_id"), False))

    db.create_tables([Refusal], safe=False)
