"""The first answers to POSTs that carry an `Idempotency-Key`."""

from typing import Any

from peewee import BigIntegerField, BlobField, ForeignKeyField, IntegerField, Model, TextField


def up(migrator: Any, db: Any) -> None:
    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class ApiKey(Table):
        """Made before; stated for what refers to it."""

        id = TextField(primary_key=True)

        class Meta:
            table_name = "api_key"

    class IdempotentAnswer(Table):
        digest = BlobField(primary_key=True)
        key = ForeignKeyField(ApiKey, on_delete="CASCADE", index=False)
        fingerprint = BlobField()
        status = IntegerField()
        location = TextField(null=True)
        etag = TextField(null=True)
        body = TextField()
        created_at = BigIntegerField()

        class Meta:
            table_name = "idempotent_answer"
            indexes = ((("created_at",), False),)

    db.create_tables([IdempotentAnswer], safe=False)
