"""Whether the peppers at hand are those that the keys were hashed under.

With a wrong pepper every key would be answered `invalid_key`, and their owners would replace keys that are fine.
"""

from peewee import BlobField, TextField

from models import secret
from models.database import Record, transaction
from models.errors import Unavailable
from models.key_secret import KeySecret

WITNESS = "a text that is no key"


class PepperCheck(Record):
    """What a pepper of this version makes of a known text."""

    version = TextField(primary_key=True)
    digest = BlobField()

    class Meta:
        table_name = "pepper_check"

    @classmethod
    def hold(cls) -> None:
        """Remember new peppers; raise `Unavailable` for one that changed and for one that keys still need."""
        with transaction():
            for pepper in secret.peppers():
                digest = secret.digest(WITNESS, pepper)
                cls.insert(version=pepper.version, digest=digest).on_conflict_ignore().execute()
                if bytes(cls.get_by_id(pepper.version).digest) != digest:
                    raise Unavailable(CHANGED.format(pepper.version))
            known = [pepper.version for pepper in secret.peppers()]
            lost = KeySecret.select().where(KeySecret.revoked_at.is_null(), KeySecret.pepper.not_in(known)).first()
            if lost is not None:
                raise Unavailable(MISSING.format(lost.pepper))


CHANGED = "GRAVITY_KEY_PEPPERS: version {} is not the pepper that the keys in this database were hashed under."
MISSING = "GRAVITY_KEY_PEPPERS lacks version {}, and keys in this database still need it."
