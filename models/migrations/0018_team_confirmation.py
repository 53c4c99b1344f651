"""Team addresses are confirmed by whoever reads them, and a workspace chooses when they get the daily mail."""

from typing import Any

from peewee import BigIntegerField, BlobField, ForeignKeyField, IntegerField, Model, TextField


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

    class TeamHour(Table):
        workspace = ForeignKeyField(Workspace, primary_key=True, on_delete="CASCADE")
        hour = IntegerField()
        time_zone = TextField()

        class Meta:
            table_name = "team_hour"

    db.create_tables([TeamHour], safe=False)
    migrator.migrate(
        migrator.add_column("team_address", "confirmed_at", BigIntegerField(null=True)),
        migrator.add_column("team_address", "token_digest", BlobField(null=True, index=True)),
        migrator.add_column("team_address", "token_until", BigIntegerField(null=True)),
    )
    # They get mail today.
    db.execute_sql("UPDATE team_address SET confirmed_at = created_at")
