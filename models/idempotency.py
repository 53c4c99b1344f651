"""Answers that are given again: a POST that is sent twice with one `Idempotency-Key` takes effect once.

draft-ietf-httpapi-idempotency-key-header. The row is written in the transaction of the effect, so that either
both are there or neither; a second request that comes meanwhile waits for that transaction.
"""

import hashlib
from datetime import timedelta

from peewee import BlobField, ForeignKeyField, IntegerField, TextField

from models.api_key import ApiKey
from models.database import Record, UTCDateTimeField, now
from models.errors import Conflict

KEPT = timedelta(hours=24)


class IdempotentAnswer(Record):
    """The first answer to a POST of a key, for 24 hours. It never holds a secret: views leave that out."""

    # Of the API key's id and the header: what a client sends is not kept.
    digest = BlobField(primary_key=True)
    key = ForeignKeyField(ApiKey, on_delete="CASCADE", index=False)
    # Of the request, so that another one under the same header is noticed.
    fingerprint = BlobField()
    # Zero until the answer is known.
    status = IntegerField(default=0)
    location = TextField(null=True)
    etag = TextField(null=True)
    body = TextField(default="")
    created_at = UTCDateTimeField(default=now)

    class Meta:
        table_name = "idempotent_answer"
        indexes = ((("created_at",), False),)

    @classmethod
    def begin(cls, key_id: str, header: str, request: bytes) -> "tuple[IdempotentAnswer, bool]":
        """The row for this request, and whether it has an answer already. Call it within a transaction.

        Raises `Conflict` when the header came with another request before.
        """
        digest = hashlib.sha256(f"{key_id}\n{header}".encode()).digest()
        fingerprint = hashlib.sha256(request).digest()
        cls.delete().where(cls.digest == digest, cls.created_at <= now() - KEPT).execute()
        # Where the same header is being worked on, PostgreSQL waits here until that has ended.
        made = cls.insert(digest=digest, key=key_id, fingerprint=fingerprint).on_conflict_ignore().as_rowcount()
        is_first = made.execute() == 1
        row = cls.get_by_id(digest)
        if row.fingerprint != fingerprint:
            raise Conflict("This Idempotency-Key came with another request before. Choose a new one.")
        return row, not is_first

    def keep(self, status: int, body: str, *, location: str | None, etag: str | None) -> None:
        """Remember the answer, for whoever sends the request again."""
        values = {"status": status, "body": body, "location": location, "etag": etag}
        IdempotentAnswer.update(values).where(IdempotentAnswer.digest == self.digest).execute()

    @classmethod
    def purge(cls) -> int:
        return cls.delete().where(cls.created_at <= now() - KEPT).execute()
