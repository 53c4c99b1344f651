"""The use of keys: sums by hour and day, places, networks, routes, and how far each journal was folded."""

from typing import Any

from peewee import BigIntegerField, CompositeKey, IntegerField, Model, SmallIntegerField, SqliteDatabase, TextField


def up(migrator: Any, db: Any) -> None:
    # The key is nearly the whole row: kept once, in its order.
    alone = isinstance(db, SqliteDatabase)

    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class UsageHour(Table):
        key_id = TextField()
        hour = IntegerField()
        secret_id = TextField()
        scope = TextField()
        outcome = SmallIntegerField()
        count = BigIntegerField()

        class Meta:
            table_name = "usage_hour"
            without_rowid = alone
            primary_key = CompositeKey("key_id", "hour", "secret_id", "scope", "outcome")

    class UsageDay(Table):
        key_id = TextField()
        day = IntegerField()
        secret_id = TextField()
        scope = TextField()
        outcome = SmallIntegerField()
        count = BigIntegerField()

        class Meta:
            table_name = "usage_day"
            without_rowid = alone
            primary_key = CompositeKey("key_id", "day", "secret_id", "scope", "outcome")

    class WorkspaceDay(Table):
        workspace_id = TextField()
        day = IntegerField()
        outcome = SmallIntegerField()
        count = BigIntegerField()

        class Meta:
            table_name = "usage_workspace_day"
            without_rowid = alone
            primary_key = CompositeKey("workspace_id", "day", "outcome")

    class UsageRoute(Table):
        key_id = TextField()
        day = IntegerField()
        network = TextField()
        request = TextField()
        scope = TextField()
        accepted = BigIntegerField()
        refused = BigIntegerField()

        class Meta:
            table_name = "usage_route"
            without_rowid = alone
            primary_key = CompositeKey("key_id", "day", "network", "request", "scope")

    class KeyPlace(Table):
        key_id = TextField()
        secret_id = TextField()
        address = TextField()
        client = TextField()
        at = BigIntegerField()
        request = TextField()
        status = IntegerField()

        class Meta:
            table_name = "key_place"
            without_rowid = alone
            primary_key = CompositeKey("key_id", "secret_id", "address", "client")

    class KeyNetwork(Table):
        key_id = TextField()
        network = TextField()
        first_at = BigIntegerField()

        class Meta:
            table_name = "key_network"
            without_rowid = alone
            primary_key = CompositeKey("key_id", "network")

    class UsageGap(Table):
        hour = IntegerField(primary_key=True)
        count = BigIntegerField()

        class Meta:
            table_name = "usage_gap"

    class UsageMark(Table):
        journal = TextField(primary_key=True)
        folded = BigIntegerField()
        at = BigIntegerField()

        class Meta:
            table_name = "usage_mark"

    tables = [UsageHour, UsageDay, WorkspaceDay, UsageRoute, KeyPlace, KeyNetwork, UsageGap, UsageMark]
    db.create_tables(tables, safe=False)
