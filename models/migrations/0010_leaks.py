"""Keys that were found in public, and what a workspace wants done then."""

from typing import Any

from peewee import BigIntegerField, ForeignKeyField, Model, TextField


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

    class KeySecret(Table):
        """As above."""

        id = TextField(primary_key=True)

        class Meta:
            table_name = "key_secret"

    class Leak(Table):
        id = TextField(primary_key=True)
        workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
        key = ForeignKeyField(ApiKey, on_delete="CASCADE", index=False)
        secret = ForeignKeyField(KeySecret, on_delete="CASCADE", index=False)
        at = BigIntegerField()
        reporter = TextField()
        url = TextField()
        source = TextField()
        type = TextField()
        outcome = TextField()

        class Meta:
            table_name = "leak"
            indexes = ((("secret", "reporter", "url"), True), (("key", "at"), False), (("workspace", "at"), False))

    db.create_tables([Leak], safe=False)
    # With a default of the database's own, for processes of the version before.
    db.execute_sql("ALTER TABLE workspace ADD COLUMN leak_policy TEXT NOT NULL DEFAULT 'revoke'")
