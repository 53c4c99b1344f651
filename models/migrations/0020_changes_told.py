"""What tells a change from the next: how often a policy was changed, and since when somebody no longer manages keys."""

from typing import Any

from peewee import SQL, BigIntegerField, IntegerField


def up(migrator: Any, db: Any) -> None:
    migrator.migrate(
        migrator.add_column("workspace", "policy_version", IntegerField(default=0, constraints=[SQL("DEFAULT 0")])),
        migrator.add_column("member", "managed_until", BigIntegerField(null=True)),
    )
