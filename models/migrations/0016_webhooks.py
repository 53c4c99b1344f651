"""Webhooks with their deliveries, and calendar feeds."""

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

    class Member(Table):
        """As above."""

        id = TextField(primary_key=True)

        class Meta:
            table_name = "member"

    class Webhook(Table):
        id = TextField(primary_key=True)
        workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=True)
        url = TextField()
        description = TextField()
        event_names = TextField()
        secret = BlobField()
        secret_at = BigIntegerField()
        old_secret = BlobField(null=True)
        old_until = BigIntegerField(null=True)
        created_at = BigIntegerField()
        disabled_at = BigIntegerField(null=True)
        disabled_reason = TextField()
        failing_since = BigIntegerField(null=True)
        paused_until = BigIntegerField(null=True)
        tried_at = BigIntegerField()
        lease = TextField(null=True)
        lease_until = BigIntegerField(null=True)

        class Meta:
            table_name = "webhook"

    class WebhookDelivery(Table):
        id = TextField(primary_key=True)
        workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
        webhook = ForeignKeyField(Webhook, on_delete="CASCADE", index=False)
        event = TextField()
        fact = TextField()
        body = TextField()
        status = TextField()
        created_at = BigIntegerField()
        due_at = BigIntegerField()
        attempts = IntegerField()
        tried_at = BigIntegerField(null=True)
        answer = IntegerField(null=True)
        ms = IntegerField(null=True)
        error = TextField()

        class Meta:
            table_name = "webhook_delivery"
            indexes = (
                (("webhook", "fact"), True),
                (("webhook", "created_at"), False),
                (("status", "due_at"), False),
                (("workspace",), False),
                (("created_at",), False),
            )

    class CalendarFeed(Table):
        id = TextField(primary_key=True)
        workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=True)
        member = ForeignKeyField(Member, on_delete="CASCADE", unique=True)
        digest = BlobField(unique=True)
        created_at = BigIntegerField()
        read_at = BigIntegerField(null=True)

        class Meta:
            table_name = "calendar_feed"

    db.create_tables([Webhook, WebhookDelivery, CalendarFeed], safe=False)
