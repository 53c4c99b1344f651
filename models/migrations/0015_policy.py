"""What owners ask of the keys of a workspace, and the stages in which unused keys are cleaned up."""

from typing import Any

from peewee import BigIntegerField, TextField


def up(migrator: Any, db: Any) -> None:
    # With a default of the database's own, for processes of the version before.
    db.execute_sql("ALTER TABLE workspace ADD COLUMN policy_text TEXT NOT NULL DEFAULT '{}'")
    migrator.migrate(
        migrator.add_column("api_key", "flagged_at", BigIntegerField(null=True)),
        migrator.add_column("api_key", "quarantined_at", BigIntegerField(null=True)),
        migrator.add_column("api_key", "woken_at", BigIntegerField(null=True)),
        migrator.add_column("api_key", "exempt_reason", TextField(null=True)),
    )
