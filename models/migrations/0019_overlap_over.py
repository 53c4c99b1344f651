"""Which overlaps of rotations are over, and noted in the history."""

import time
from typing import Any

from peewee import BigIntegerField


def up(migrator: Any, db: Any) -> None:
    migrator.migrate(migrator.add_column("key_secret", "closed_at", BigIntegerField(null=True)))
    # Those of before are no news.
    db.execute_sql(
        f"UPDATE key_secret SET closed_at = ends_at WHERE ends_at IS NOT NULL AND ends_at <= {time.time_ns() // 1000}"  # noqa: S608 a number
    )
    db.execute_sql(
        "CREATE INDEX key_secret_closing ON key_secret (ends_at) WHERE ends_at IS NOT NULL AND closed_at IS NULL"
    )
