"""The secrets of a key, as versions over time. Kept are keyed hashes alone."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from peewee import BlobField, DeferredForeignKey, TextField

from models import secret
from models.database import Record, UTCDateTimeField, id_field, now
from models.errors import AlreadyDone
from models.secret import Secret


class KeySecret(Record):
    """One version of a key's secret: its keyed hash, and when it stopped working.

    A key has one current secret, which is neither retired nor revoked, and at most one that retires: it was
    replaced, and works on until `ends_at`.
    """

    id = id_field("sec")
    key = DeferredForeignKey("ApiKey", on_delete="CASCADE", backref="secrets")
    key_id: str
    digest = BlobField(unique=True)
    pepper = TextField()
    # The visible characters; unknown of what was replaced before they were kept here.
    hint_start = TextField(null=True)
    hint_end = TextField(null=True)
    # The one-use number of the form that made it: the same form sent twice makes one secret.
    form_id = TextField(null=True, unique=True)
    created_at = UTCDateTimeField(default=now)
    # When another one took its place.
    retired_at = UTCDateTimeField(null=True)
    # The end of an overlap, and an end by hand; the key's own end counts besides.
    ends_at = UTCDateTimeField(null=True)
    # When it was noted in the history that its overlap is over.
    closed_at = UTCDateTimeField(null=True)
    revoked_at = UTCDateTimeField(null=True)

    class Meta:
        table_name = "key_secret"

    @classmethod
    def add(cls, key: Any, made: Secret, form_id: str | None) -> "KeySecret":
        newest = secret.peppers()[0]
        digest = secret.digest(made.reveal(), newest)
        row: KeySecret = cls.create(
            key=key, digest=digest, pepper=newest.version, hint_start=made.start, hint_end=made.end, form_id=form_id
        )
        return row

    @classmethod
    def current_of(cls, key_id: str) -> "KeySecret":
        row: KeySecret = cls.get(cls.key == key_id, cls.retired_at.is_null(), cls.revoked_at.is_null())
        return row

    @classmethod
    def current(cls, key_ids: Iterable[str]) -> "list[KeySecret]":
        return list(cls.select().where(cls.key.in_(list(key_ids)), cls.retired_at.is_null(), cls.revoked_at.is_null()))

    @classmethod
    def retiring(cls, key_ids: Iterable[str], moment: datetime) -> "dict[str, KeySecret]":
        """The replaced secrets that still work, by the id of their key."""
        rows = cls.select().where(cls.key.in_(list(key_ids)), cls.ends_at > moment, cls.revoked_at.is_null())
        return {row.key_id: row for row in rows}

    @classmethod
    def retiring_of(cls, key_id: str, moment: datetime) -> "KeySecret | None":
        return cls.retiring([key_id], moment).get(key_id)

    @classmethod
    def unended(cls, moment: datetime) -> Any:
        """The condition for a secret that was neither stopped nor outlived its overlap. Its key may have ended."""
        return cls.revoked_at.is_null() & (cls.ends_at.is_null() | (cls.ends_at > moment))

    @classmethod
    def end_by(cls, key_id: str, moment: datetime) -> None:
        """Let no overlap of a key go on after this moment, at which the key itself ends."""
        cls.update(ends_at=moment).where(cls.key == key_id, cls.ends_at > moment, cls.revoked_at.is_null()).execute()

    @classmethod
    def refuse_repeat(cls, form_id: str | None) -> None:
        if form_id is None:
            return
        before = cls.get_or_none(cls.form_id == form_id)
        if before is not None:
            raise AlreadyDone(before.key_id)

    @property
    def hint(self) -> str:
        """Its visible characters, as far as they are known."""
        return secret.hint(self.hint_start or "", self.hint_end or "")

    def put(self, **columns: object) -> None:
        """Change some columns, in the transaction at hand."""
        KeySecret.update(**columns).where(KeySecret.id == self.id).execute()
        for column, value in columns.items():
            setattr(self, column, value)
