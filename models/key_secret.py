"""The secrets of a key, as versions over time. Kept are keyed hashes alone."""

from typing import Any

from peewee import BlobField, DeferredForeignKey, TextField

from models import secret
from models.database import Record, UTCDateTimeField, id_field, now
from models.errors import AlreadyDone
from models.secret import Secret


class KeySecret(Record):
    """One version of a key's secret: its keyed hash, and when it stopped working."""

    id = id_field("sec")
    key = DeferredForeignKey("ApiKey", on_delete="CASCADE", backref="secrets")
    key_id: str
    digest = BlobField(unique=True)
    pepper = TextField()
    # The one-use number of the form that made it: the same form sent twice makes one secret.
    form_id = TextField(null=True, unique=True)
    created_at = UTCDateTimeField(default=now)
    # The end of an overlap, and an end by hand; the key's own end counts besides.
    ends_at = UTCDateTimeField(null=True)
    revoked_at = UTCDateTimeField(null=True)

    class Meta:
        table_name = "key_secret"

    @classmethod
    def add(cls, key: Any, made: Secret, form_id: str | None) -> None:
        newest = secret.peppers()[0]
        digest = secret.digest(made.reveal(), newest)
        cls.create(key=key, digest=digest, pepper=newest.version, form_id=form_id)

    @classmethod
    def refuse_repeat(cls, form_id: str | None) -> None:
        if form_id is None:
            return
        before = cls.get_or_none(cls.form_id == form_id)
        if before is not None:
            raise AlreadyDone(before.key_id)

    @classmethod
    def end_all(cls, key: Any) -> None:
        cls.update(revoked_at=now()).where(cls.key == key, cls.revoked_at.is_null()).execute()
