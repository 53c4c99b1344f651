"""Secrets that overlap: since when one retires, its visible characters, and at most one current secret of a key."""

from typing import Any

from peewee import BigIntegerField, TextField


def up(migrator: Any, db: Any) -> None:
    migrator.migrate(
        migrator.add_column("key_secret", "hint_start", TextField(null=True)),
        migrator.add_column("key_secret", "hint_end", TextField(null=True)),
        migrator.add_column("key_secret", "retired_at", BigIntegerField(null=True)),
    )
    for hint in ("hint_start", "hint_end"):
        # Those of older secrets are gone; they only ever told people apart.
        db.execute_sql(
            f"UPDATE key_secret SET {hint} = (SELECT {hint} FROM api_key WHERE api_key.id = key_secret.key_id) "  # noqa: S608 our own names
            "WHERE revoked_at IS NULL"
        )
    db.execute_sql(
        "CREATE UNIQUE INDEX key_secret_current ON key_secret (key_id) WHERE retired_at IS NULL AND revoked_at IS NULL"
    )
