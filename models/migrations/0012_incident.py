"""Uses of dead secrets, one row for each key and place until somebody has looked into it."""

from typing import Any

from peewee import BigIntegerField, BooleanField, ForeignKeyField, Model, TextField


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

    class Incident(Table):
        id = TextField(primary_key=True)
        workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
        key = ForeignKeyField(ApiKey, on_delete="CASCADE", index=False)
        secret_id = TextField()
        address = TextField()
        client = TextField()
        request = TextField()
        count = BigIntegerField()
        first_at = BigIntegerField()
        last_at = BigIntegerField()
        wanted_rotation = BooleanField()
        resolved_at = BigIntegerField(null=True)
        resolved_by = TextField(null=True)

        class Meta:
            table_name = "incident"
            indexes = ((("key", "resolved_at"), False), (("workspace", "last_at"), False))

    db.create_tables([Incident], safe=False)
