"""Secrets that were found where they should not be: where, who told, and what was done about their key at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from peewee import ForeignKeyField, TextField

from models import key_mail, secret
from models.actor import Actor
from models.api_key import ApiKey
from models.audit import AuditEvent
from models.database import UTCDateTimeField, WorkspaceRecord, id_field, now, transaction
from models.key_secret import KeySecret
from models.workspace import REVOKE, Workspace

GITHUB, HOLDER = REPORTERS = ("github", "holder")
# What was done: the key was revoked, people were told, or the secret did not work any more.
REVOKED, TOLD, DEAD = "revoked", "told", "dead"
# Places that are kept of one secret.
MOST = 20
LONGEST_URL = 400
LONGEST_WORD = 80
LOOKED_UP_AT_ONCE = 400


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
    def report(cls, secret_id: str, place: Place, *, by: Actor) -> str:
        """Note where a secret was found, and end its key if it still works and the workspace wants that.

        The same report again changes nothing. Returns the outcome.
        """
        place = place.cleaned()
        with transaction():
            workspace_id = _workspace_of(secret_id)
            Workspace(id=workspace_id).hold()
            found = KeySecret.select(KeySecret, ApiKey).join(ApiKey).where(KeySecret.id == secret_id).get()
            policy = Workspace.get_by_id(workspace_id).leak_policy
            before = list(cls.select().where(cls.secret == secret_id))
            outcome = DEAD if not works(found, now()) else REVOKED if policy == REVOKE else TOLD
            same = next((row for row in before if (row.reporter, row.url) == (place.reporter, place.url)), None)
            if outcome != REVOKED and (same or len(before) >= MOST):
                return outcome
            cls._note(found, place, outcome, same)
            if outcome == REVOKED or not before:
                cls._act(found.key, place, outcome, by)
        return outcome

    @classmethod
    def _note(cls, found: KeySecret, place: Place, outcome: str, same: "Leak | None") -> None:
        if same:
            # Reported before, when people were only told.
            cls.update(outcome=outcome).where(cls.id == same.id).execute()
            return
        cls.create(
            workspace=found.key.workspace_id, key=found.key_id, secret=found.id,
            reporter=place.reporter, url=place.url, source=place.source, type=place.type, outcome=outcome,
        )  # fmt: skip

    @classmethod
    def _act(cls, key: ApiKey, place: Place, outcome: str, by: Actor) -> None:
        facts = {"reporter": place.reporter, "url": place.url, "source": place.source, "outcome": outcome}
        AuditEvent.write("api_key.leaked", key.id, workspace=key.workspace_id, by=by, **facts)
        key_mail.found(key, by, place.url or place.source, outcome)
        if outcome == REVOKED:
            key.revoke(by=by, reason="leaked")

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


def known(texts: Iterable[str]) -> dict[str, str]:
    """Text → id of the secret, for those texts that are or were one, under any pepper. Nothing counts as a use."""
    digests = {
        secret.digest(text, pepper): text
        for text in dict.fromkeys(texts)
        if secret.FORM.fullmatch(text)
        for pepper in secret.peppers()
    }
    found, rest = {}, iter(digests)
    while some := list(islice(rest, LOOKED_UP_AT_ONCE)):
        for row in KeySecret.select(KeySecret.id, KeySecret.digest).where(KeySecret.digest.in_(some)):
            found[digests[bytes(row.digest)]] = row.id
    return found


def _workspace_of(secret_id: str) -> str:
    row = ApiKey.select(ApiKey.workspace).join(KeySecret).where(KeySecret.id == secret_id).get()
    return str(row.workspace_id)


def _safe(text: str, longest: int) -> str:
    masked = secret.FORM.sub(secret.MASKED, text[: 4 * longest])
    return "".join(char for char in masked if char.isprintable())[:longest]
