"""What people are to be told: written in the transaction of the fact, once for each person, and never forgotten.

    outbox.promise("expiring", workspace_id, secret_id, "2026-12-01T00:00Z/7d", key=key, facts={…})

promises each recipient one notice of the fact and does nothing for those who were promised it before: a fact is
`kind` × `subject` (the id of a secret or key) × `threshold`. Put into the threshold whatever makes it another fact,
such as the date of an end that may be moved; what follows the last slash is shown. Without `to` it goes to those who
manage keys, to `maker`, and to the team addresses that want the kind. Call it within the transaction that finds the
fact. `facts` may hold `expires_at` (ISO; an `expiring` notice is dropped when the key was extended beyond it).

`jobs/send_mail.py` gathers notices into messages (`Mail`), asks `models/mail_truth.py` whether they are still true
right before sending, and drops what is not. `outbox.notices_of(key)` is the proof: what was planned, sent, tried in
vain or dropped, when, and to whom. A new kind is a line in `models/mail_kinds.py`, a function in
`models/mail_truth.py` if it can cease to be true, its words in `jobs/mail_words.py` and `jobs/mail_headlines.py`, and
one of its mails in `tests/support/mails.py`, where every kind is rendered and looked at.
"""

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from peewee import EXCLUDED, JOIN, ForeignKeyField, TextField, chunked

from models import mail_recipients
from models.database import ROWS, UTCDateTimeField, WorkspaceRecord, id_field, new_id, now
from models.mail import Mail
from models.mail_kinds import DIGEST, KINDS
from models.mail_recipients import Recipient
from models.workspace import Workspace

KEPT = timedelta(days=400)
MOST_SHOWN = 50
_quiet: ContextVar[bool] = ContextVar("quiet", default=False)


class Notice(WorkspaceRecord):
    """One fact for one recipient. It is in no mail until it is due, and dropped when it is not true by then."""

    id = id_field("ntc")
    workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
    workspace_id: str
    kind = TextField()
    lane = TextField()
    subject = TextField()
    threshold = TextField(default="")
    # The key that it is about. Not a foreign key, since this module knows no keys.
    key_id = TextField(null=True)
    recipient = TextField()
    address = TextField()
    facts_text = TextField(default="{}")
    created_at = UTCDateTimeField(default=now)
    due_at = UTCDateTimeField()
    mail: Any = ForeignKeyField(Mail, null=True, on_delete="SET NULL", index=False)
    mail_id: str | None
    dropped_at = UTCDateTimeField(null=True)
    reason = TextField(default="")

    class Meta:
        table_name = "notice"
        indexes = (
            (("kind", "subject", "threshold", "recipient"), True),
            (("mail", "due_at"), False),
            (("key_id", "created_at"), False),
            (("workspace", "created_at"), False),
        )

    @property
    def facts(self) -> dict[str, Any]:
        return json.loads(self.facts_text)

    @property
    def status(self) -> str:
        """planned, sent, failed, dropped or dead."""
        if self.dropped_at is not None:
            return "dropped"
        return self.mail.status if self.mail_id else "planned"

    @property
    def at(self) -> datetime:
        """When it came to that, or will."""
        if self.dropped_at is not None:
            return self.dropped_at
        return (self.mail.sent_at or self.mail.due_at) if self.mail_id else self.due_at

    @property
    def why(self) -> str:
        """What is to be said about it, besides its status."""
        return self.reason or (self.mail.error if self.mail_id else "")

    @property
    def threshold_shown(self) -> str:
        return self.threshold.rpartition("/")[2]

    @classmethod
    def pending(cls) -> Any:
        """In no mail yet, and still to be told."""
        return cls.select().where(cls.mail.is_null(), cls.dropped_at.is_null())

    @classmethod
    def postpone(cls, recipient: str, moment: datetime) -> None:
        waiting = (cls.mail.is_null(), cls.dropped_at.is_null(), cls.lane == DIGEST, cls.recipient == recipient)
        cls.update(due_at=moment).where(*waiting).execute()

    @classmethod
    def purge(cls) -> int:
        """Delete what is long over, with the messages that nothing is left of."""
        old = now() - KEPT
        deleted = cls.delete().where(cls.created_at < old).execute()
        Mail.delete().where(
            Mail.created_at < old, Mail.id.not_in(cls.select(cls.mail).where(cls.mail.is_null(False)))
        ).execute()
        return deleted


@dataclass(frozen=True, slots=True)
class Fact:
    """What is to be told, but for its kind."""

    subject: str
    threshold: str = ""
    # A key or its id.
    key: Any = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "threshold": self.threshold,
            "key_id": getattr(self.key, "id", self.key),
            "facts_text": json.dumps(self.facts, ensure_ascii=False, default=str),
        }


def promise(
    kind: str,
    workspace: str,
    subject: str,
    threshold: str = "",
    *,
    to: Sequence[Recipient] | None = None,
    key: Any = None,
    maker: str | None = None,
    facts: dict[str, Any] | None = None,
) -> int:
    """Promise a fact to its recipients, in the transaction at hand. Returns how many had not been promised it."""
    return promise_each(kind, workspace, [Fact(subject, threshold, key, facts or {})], to=to, maker=maker)


def promise_each(
    kind: str,
    workspace: str,
    about: Iterable[Fact],
    *,
    to: Sequence[Recipient] | None = None,
    maker: str | None = None,
    at: datetime | None = None,
) -> int:
    """Promise several facts of a kind to the same recipients, who are looked up once.

    Security mail goes out now or `at` another moment: what is about to have company waits for it a little.
    """
    if _quiet.get():
        return 0
    recipients = mail_recipients.of(workspace, kind, maker=maker) if to is None else to
    moment, lane = now(), KINDS[kind].lane
    common = {"workspace": workspace, "kind": kind, "lane": lane, "created_at": moment}
    due = [mail_recipients.digest_after(moment, each) if lane == DIGEST else at or moment for each in recipients]
    rows = (
        {**common, **fact.columns, "id": new_id("ntc"), "recipient": each.id, "address": each.address, "due_at": due_at}
        for fact in about
        for each, due_at in zip(recipients, due, strict=True)
    )
    return sum(_insert(some, lane).as_rowcount().execute() for some in chunked(rows, ROWS))


def _insert(rows: list[dict[str, Any]], lane: str) -> Any:
    """What was promised before stays. Of the digest, what was dropped and is true again is planned anew."""
    query = Notice.insert_many(rows)
    if lane != DIGEST:
        return query.on_conflict_ignore()
    anew = (Notice.created_at, Notice.due_at, Notice.address, Notice.facts_text)
    return query.on_conflict(
        conflict_target=[Notice.kind, Notice.subject, Notice.threshold, Notice.recipient],
        update={Notice.mail: None, Notice.dropped_at: None, Notice.reason: ""}
        | {each: EXCLUDED[each.column_name] for each in anew},
        where=Notice.dropped_at.is_null(False),
    )


def notices_of(key: Any) -> list[Notice]:
    """The newest notices about a key, newest first, each with its message if there is one."""
    query = Notice.select(Notice, Mail).join(Mail, JOIN.LEFT_OUTER)
    query = query.where(Notice.workspace == key.workspace_id, Notice.key_id == key.id)
    return list(query.order_by(Notice.created_at.desc(), Notice.kind, Notice.subject, Notice.address).limit(MOST_SHOWN))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Promise nothing meanwhile: for sample data, whose past nobody needs to hear of."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)
