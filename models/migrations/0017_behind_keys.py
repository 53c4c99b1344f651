"""Of a key that a key made: which one, and the person behind it."""

from typing import Any

from peewee import TextField

MADE_WITH = """
UPDATE api_key SET creator_key_id = (
    SELECT MIN(e.actor_id) FROM audit_event AS e
    WHERE e.subject = api_key.id AND e.action = 'api_key.created' AND e.actor_kind = 'key')
WHERE creator_kind = 'key'
"""
# One more generation at each run, from the keys that people made down.
BEHIND = """
UPDATE api_key SET
    behind_name = (
        SELECT COALESCE(m.behind_name, m.creator_name) FROM api_key AS m WHERE m.id = api_key.creator_key_id),
    creator_id = (SELECT m.creator_id FROM api_key AS m WHERE m.id = api_key.creator_key_id)
WHERE behind_name IS NULL AND creator_key_id IN (
    SELECT id FROM api_key WHERE creator_kind = 'user' OR behind_name IS NOT NULL)
"""


def up(migrator: Any, db: Any) -> None:
    migrator.migrate(
        migrator.add_column("api_key", "creator_key_id", TextField(null=True)),
        migrator.add_column("api_key", "behind_name", TextField(null=True)),
    )
    fill(db)


def fill(db: Any) -> None:
    """For the keys that are there, as far as the history still tells who made them."""
    db.execute_sql(MADE_WITH)
    while db.execute_sql(BEHIND).rowcount > 0:
        pass
