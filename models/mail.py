"""Mail on its way: one row for each message, leased while somebody sends it, kept when it cannot be delivered."""

import contextlib
import hashlib
import random
from datetime import timedelta
from typing import Any

from peewee import BlobField, BooleanField, IntegerField, TextField

from models import sealed
from models.database import CROCKFORD, Record, UTCDateTimeField, is_sqlite, now, random_text, transaction
from models.mail_kinds import CONFIRMATION

OPEN = ("planned", "failed")
# Longer than any attempt may take (jobs/mail_smtp.py).
LEASE = timedelta(minutes=5)
GIVE_UP = timedelta(days=3)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=4)


class Mail(Record):
    """A message to one address. `planned`, `failed` (to be tried again), `sent`, `dropped` or `dead`."""

    # Made of what the message is, so that it and its Message-ID are the same however often it is put together.
    id = TextField(primary_key=True)
    lane = TextField()
    kind = TextField()
    recipient = TextField()
    address = TextField()
    status = TextField(default="planned")
    created_at = UTCDateTimeField(default=now)
    due_at = UTCDateTimeField()
    give_up_at = UTCDateTimeField()
    attempts = IntegerField(default=0)
    lease = TextField(null=True)
    lease_until = UTCDateTimeField(null=True)
    # Whether an earlier attempt was left without an answer: then the same bytes are sent again, and no others.
    in_doubt = BooleanField(default=False)
    message = BlobField(null=True)
    error = TextField(default="")
    sent_at = UTCDateTimeField(null=True)

    class Meta:
        table_name = "mail"
        indexes = ((("status", "due_at"), False), (("recipient", "status"), False))

    @classmethod
    def id_of(cls, identity: str) -> str:
        bits = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:10])
        return "mail_" + "".join(CROCKFORD[(bits >> (5 * place)) & 31] for place in range(16))

    @classmethod
    def begin(cls, identity: str, **columns: Any) -> "Mail | None":
        """The row for a new message, leased to its maker; None when there is one of this identity."""
        values = {"id": cls.id_of(identity), "give_up_at": now() + GIVE_UP, **_fresh_lease(), **columns}
        made = cls.insert(values).on_conflict_ignore().as_rowcount().execute()
        return cls.get_by_id(values["id"]) if made == 1 else None

    @classmethod
    def reopen(cls, recipient: str) -> "Mail | None":
        """A digest that did not get out yet, leased, so that more can go into it: one message, not a flood."""
        with transaction():
            waiting = cls._free().where(cls.recipient == recipient, cls.lane == "digest", ~cls.in_doubt)
            row = _locked(waiting.order_by(cls.created_at).limit(1)).first()
            return row and cls.take(row, give_up_at=now() + GIVE_UP)

    @classmethod
    def claim(cls) -> "Mail | None":
        """The next message that is due, leased to the caller; security before digests, the longest due first."""
        with transaction():
            due = cls._free().where(cls.due_at <= now())
            row = _locked(due.order_by(cls.lane.desc(), cls.due_at, cls.created_at, cls.id).limit(1)).first()
            return row and cls.take(row)

    @classmethod
    def _free(cls) -> Any:
        return cls.select().where(cls.status.in_(OPEN), cls.lease_until.is_null() | (cls.lease_until <= now()))

    @classmethod
    def take(cls, row: "Mail", **columns: Any) -> "Mail | None":
        """Lease a message that nobody holds; None where somebody else was quicker."""
        lease = _fresh_lease()
        same = cls.lease.is_null() if row.lease is None else cls.lease == row.lease
        if not cls.update({**lease, **columns}).where(cls.id == row.id, cls.status.in_(OPEN), same).execute():
            return None
        row.lease = lease["lease"]
        return row

    def release(self) -> None:
        """Give the lease back without having tried."""
        self._update()

    def unreached(self, error: str) -> None:
        """Nobody could be asked, so it keeps its place in the queue, until it is too old."""
        if now() > self.give_up_at:
            self._update(status="dead", error=f"Given up after three days: {error}")
        else:
            self._update(status="failed", error=error)

    def keep(self, message: bytes) -> bool:
        """Store what is about to be sent, word for word. False when the lease is someone else's by now.

        What has a link that lets somebody in is not stored in clear.
        """
        kept = sealed.seal(message.decode("latin-1")) if self.kind == CONFIRMATION else message
        fields = {"message": kept, "in_doubt": True, "attempts": Mail.attempts + 1, "lease_until": now() + LEASE}
        return Mail.update(fields).where(self._is_mine()).execute() == 1

    def kept(self) -> bytes | None:
        """What may have been delivered before, word for word."""
        if self.message is None or self.kind != CONFIRMATION:
            return None if self.message is None else bytes(self.message)
        with contextlib.suppress(sealed.Unreadable):
            return sealed.unseal(self.message).encode("latin-1")
        return None

    def sent(self) -> None:
        """Accepted by the other side. True whoever holds the lease; the text is not needed any more."""
        done = {"status": "sent", "sent_at": now(), "error": "", "message": None, "lease": None, "lease_until": None}
        Mail.update(done).where(Mail.id == self.id, Mail.status != "sent").execute()

    def drop(self, reason: str) -> None:
        """Nothing of it is true any more."""
        self._update(status="dropped", error=reason, message=None)

    def refused(self, error: str) -> None:
        """The other side said no, for now: nothing was delivered, so the text may still change."""
        self._retry(error, in_doubt=self.in_doubt)

    def unanswered(self, error: str) -> None:
        """Nobody knows whether it was delivered."""
        self._retry(error, in_doubt=True)

    def bury(self, error: str) -> None:
        """The other side said no for good: a dead letter, for people to see and to send again."""
        self._update(status="dead", error=error, in_doubt=self.in_doubt)

    def _retry(self, error: str, *, in_doubt: bool) -> None:
        pause = min(FIRST_PAUSE * 2 ** min(self.attempts, 12), LONGEST_PAUSE) * random.uniform(0.75, 1.25)  # noqa: S311 no secret
        due = now() + pause
        if due > self.give_up_at:
            self._update(status="dead", error=f"Given up after three days: {error}", in_doubt=in_doubt)
        else:
            self._update(status="failed", error=error, in_doubt=in_doubt, due_at=due)

    def try_again(self) -> bool:
        """Send a dead letter once more, with all the tries of a new one. False when it is none any more."""
        fresh = {
            "status": "planned",
            "attempts": 0,
            "due_at": now(),
            "give_up_at": now() + GIVE_UP,
            "lease": None,
            "lease_until": None,
        }
        return Mail.update(fresh).where(Mail.id == self.id, Mail.status == "dead").execute() == 1

    def _update(self, **columns: Any) -> None:
        Mail.update(lease=None, lease_until=None, **columns).where(self._is_mine(), Mail.status.in_(OPEN)).execute()

    def _is_mine(self) -> Any:
        return (Mail.id == self.id) & (Mail.lease == self.lease)


def _fresh_lease() -> dict[str, Any]:
    return {"lease": random_text(16), "lease_until": now() + LEASE}


def _locked(query: Any) -> Any:
    """Rows that nobody else is at. SQLite has one writer at a time already."""
    return query if is_sqlite() else query.for_update("FOR UPDATE SKIP LOCKED")
