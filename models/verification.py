"""The hot path: from the text of a credential to what it may do, by one statement, or none while nothing changed.

What makes a revocation hold at once is that the row used here is the one that the revocation wrote, whichever
worker serves the request: docs/decisions/0003-rows-while-nothing-changed.md.
"""

from functools import lru_cache
from typing import Any, NamedTuple

from models import database, fresh_rows, network, scope, secret
from models.api_key import ApiKey
from models.database import db, now_microseconds
from models.errors import KeyRefused
from models.plan import PLANS, Plan

SELECT = """
SELECT s.pepper, s.revoked_at, k.revoked_at, k.disabled_at,
       k.id, s.id, k.workspace_id, k.name, k.scopes, k.networks, k.starts_at, k.expires_at, s.ends_at,
       s.retired_at, k.quarantined_at, k.created_at, w.plan_slug
FROM key_secret AS s JOIN api_key AS k ON k.id = s.key_id JOIN workspace AS w ON w.id = k.workspace_id
WHERE s.digest IN (?)
"""
REHASH = "UPDATE key_secret SET digest = ?, pepper = ? WHERE id IN (SELECT id FROM key_secret WHERE id = ? LOCK)"


class Credential(NamedTuple):
    """A key whose secret was presented and is good now. Times are microseconds since 1970.

    A tuple in the order of the statement: it is made at every request, and nothing is made faster.
    """

    key_id: str
    secret_id: str
    workspace_id: str
    name: str
    # Scopes and networks as they are stored, separated by blanks.
    scopes: str
    networks: str
    starts_at: int | None
    expires_at: int | None
    ends_at: int | None
    # When another secret of the key took its place; it retires until `ends_at`.
    retired_at: int | None
    # When the key was put aside; it is refused until somebody wakes it.
    quarantined_at: int | None
    created_at: int
    plan_slug: str

    @property
    def end(self) -> int | None:
        """When the secret stops working: the end of the key, or of an overlap before it."""
        if self.ends_at is None or self.expires_at is None:
            return self.expires_at if self.ends_at is None else self.ends_at
        return min(self.expires_at, self.ends_at)

    @property
    def plan(self) -> Plan:
        return PLANS[self.plan_slug]

    def after_change(self, key: ApiKey) -> "Credential":
        """The same credential with what its key has now."""
        start, end = (each and database.to_microseconds(each) for each in (key.starts_at, key.expires_at))
        return self._replace(name=key.name, scopes=key.scopes, networks=key.networks, starts_at=start, expires_at=end)

    def may(self, wanted: str) -> bool:
        return scope.covers(scope.parse(self.scopes), wanted)

    def allows(self, address: str) -> bool:
        return not self.networks or network.allows(self.networks, address)


def verify(text: str) -> Credential:
    """The credential behind the text of an `Authorization: Bearer` header.

    Raises `KeyRefused`: `invalid_key` unless the whole secret matched; only then, in this order,
    `revoked_key`, `expired_key`, `disabled_key` or `not_yet_valid_key`.
    """
    if not secret.FORM.fullmatch(text):
        raise KeyRefused("invalid_key")
    newest, *older = secret.peppers()
    digest = secret.digest(text, newest)
    row = fresh_rows.find(digest, lambda: _read([digest, *(secret.digest(text, pepper) for pepper in older)]))
    if row is None:
        raise KeyRefused("invalid_key")
    pepper, secret_revoked, key_revoked, disabled_at = row[:4]
    credential = Credential._make(row[4:])
    moment = now_microseconds()
    end = credential.end
    if key_revoked is not None or secret_revoked is not None:
        raise KeyRefused("revoked_key", proven=credential, of_secret=key_revoked is None)
    if end is not None and moment >= end:
        lives = credential.expires_at is None or moment < credential.expires_at
        raise KeyRefused("expired_key", proven=credential, of_secret=lives)
    if disabled_at is not None:
        raise KeyRefused("disabled_key", proven=credential)
    if credential.starts_at is not None and moment < credential.starts_at:
        raise KeyRefused("not_yet_valid_key", proven=credential)
    if pepper != newest.version:
        _rehash(credential.secret_id, digest, newest.version)
    return credential


def _read(digests: list[bytes]) -> tuple[Any, ...] | None:
    rows = database.read(_select(database.db.param, len(digests)), digests)
    return rows[0] if rows else None


@lru_cache
def _select(place: str, peppers: int) -> str:
    return SELECT.replace("?", ", ".join([place] * peppers))


@lru_cache
def _unless_held(statement: str, place: str) -> str:
    # A row that somebody is changing is skipped rather than waited for; SQLite has no such lock.
    lock = "" if database.is_sqlite() else "FOR UPDATE SKIP LOCKED"
    return statement.replace("?", place).replace("LOCK", lock)


def _rehash(secret_id: str, digest: bytes, version: str) -> None:
    """Move a secret to the newest pepper, now that it was presented."""
    with database.without_waiting():
        db.execute_sql(_unless_held(REHASH, database.db.param), (digest, version, secret_id))
