"""Secrets that were found where they should not be: where, who told, and what `models/leak_report.py` did then."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from peewee import ForeignKeyField, TextField

from models import secret
from models.api_key import ApiKey
from models.database import UTCDateTimeField, WorkspaceRecord, id_field, now
from models.key_secret import KeySecret
from models.workspace import Workspace

GITHUB, HOLDER = REPORTERS = ("github", "holder")
# What was done: the key was revoked, people were told, or the secret did not work any more.
REVOKED, TOLD, DEAD = "revoked", "told", "dead"
LONGEST_URL = 400
LONGEST_WORD = 80
LOOKED_UP_AT_ONCE = 400
MOST_IN_TEXT = 3


class Known(NamedTuple):
    """A secret of ours that somebody has, by its ids."""

    secret_id: str
    workspace_id: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret was found, in the words of the reporter."""

    reporter: str
    url: str = ""
    source: str = ""
    type: str = ""

    def cleaned(self) -> "Place":
        """Without keys, control characters and excess: it comes from outside, and is kept and shown."""
        return Place(self.reporter, _safe(self.url, LONGEST_URL), *(_safe(each, LONGEST_WORD) for each in self._words))

    @property
    def _words(self) -> tuple[str, str]:
        return self.source, self.type


class Leak(WorkspaceRecord):
    """One place where one secret was found. The secret itself is nowhere here."""

    id = id_field("leak")
    workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
    workspace_id: str
    key = ForeignKeyField(ApiKey, on_delete="CASCADE", index=False)
    key_id: str
    secret = ForeignKeyField(KeySecret, on_delete="CASCADE", index=False)
    secret_id: str
    at = UTCDateTimeField(default=now)
    reporter = TextField()
    url = TextField(default="")
    source = TextField(default="")
    type = TextField(default="")
    outcome = TextField()

    class Meta:
        table_name = "leak"
        indexes = ((("secret", "reporter", "url"), True), (("key", "at"), False), (("workspace", "at"), False))

    @classmethod
    def settled(cls, secrets: "Iterable[Known]") -> "set[tuple[str, str, str]]":
        """Secret, reporter and address of the reports that were made before, of secrets that do not work any more."""
        found, rest = set(), iter([each.secret_id for each in secrets])
        while some := list(islice(rest, LOOKED_UP_AT_ONCE)):
            rows = cls.select(cls, KeySecret, ApiKey).join(KeySecret).join(ApiKey).where(cls.secret.in_(some))
            found |= {(row.secret_id, row.reporter, row.url) for row in rows if not works(row.secret, now())}
        return found

    @classmethod
    def at_large(cls, workspace_id: str, moment: datetime) -> Any:
        """The keys of a workspace with a secret that was found in public and did not end since, as a query of ids."""
        return cls.in_workspace(workspace_id).select(cls.key).join(KeySecret).where(KeySecret.unended(moment))

    @classmethod
    def of(cls, key: ApiKey) -> "list[Leak]":
        """Where the secrets of a key were found, newest first, each with its secret."""
        query = cls.select(cls, KeySecret).join(KeySecret).where(cls.workspace == key.workspace_id, cls.key == key.id)
        found = list(query.order_by(cls.at.desc(), cls.id.desc()))
        for each in found:
            each.secret.key = key
        return found


def works(found: KeySecret, moment: datetime) -> bool:
    """Whether whoever has this secret can still do something with it, now or after the key is enabled or begins."""
    ended = found.revoked_at is not None or (found.ends_at is not None and moment >= found.ends_at)
    return not ended and found.key.is_live(moment)


def known(texts: Iterable[str]) -> "dict[str, Known]":
    """Text → secret, for those texts that are or were one, under any pepper. Nothing counts as a use."""
    digests = {
        secret.digest(text, pepper): text
        for text in dict.fromkeys(texts)
        if secret.FORM.fullmatch(text)
        for pepper in secret.peppers()
    }
    found, rest = {}, iter(digests)
    while some := list(islice(rest, LOOKED_UP_AT_ONCE)):
        for row in KeySecret.select(KeySecret, ApiKey).join(ApiKey).where(KeySecret.digest.in_(some)):
            found[digests[bytes(row.digest)]] = Known(row.id, row.key.workspace_id)
    return found


def in_text(text: str) -> "list[str]":
    """What looks like keys in a text of somebody who found one: the first few, since each may have to be ended."""
    return [found[0] for found in islice(secret.FORM.finditer(text), MOST_IN_TEXT)]


def _safe(text: str, longest: int) -> str:
    masked = secret.FORM.sub(secret.MASKED, text[: 4 * longest])
    return "".join(char for char in masked if char.isprintable())[:longest]
