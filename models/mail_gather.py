"""Puts what is due into messages: security at once, everything else into one digest a person and day."""

from typing import Any

from peewee import fn

from models import mail_recipients
from models.database import now, transaction
from models.digest_time import digest_day
from models.mail import OPEN, Mail
from models.mail_kinds import DIGEST, SECURITY
from models.outbox import Notice

# Up to so many pending security notices of one kind go out one by one; a storm becomes one message.
SINGLY = 10
CHUNK = 500


def gather() -> int:
    """Returns how many messages were begun. May run twice, and beside itself."""
    return sum(_security(*group) for group in _groups()) + sum(_digest(each) for each in _digest_recipients())


def _due(lane: str) -> Any:
    return Notice.pending().where(Notice.lane == lane, Notice.due_at <= now())


def _groups() -> list[tuple[Any, ...]]:
    by = (Notice.recipient, Notice.workspace, Notice.kind)
    query = _due(SECURITY).select(*by, fn.MIN(Notice.due_at), fn.COUNT(Notice.id)).group_by(*by)
    return list(query.order_by(fn.MIN(Notice.due_at)).tuples())


def _security(recipient: str, workspace: str, kind: str, _: int, count: int) -> int:
    same = (Notice.recipient == recipient, Notice.workspace == workspace, Notice.kind == kind)
    due = _due(SECURITY).where(*same).order_by(Notice.due_at, Notice.id)
    if count <= SINGLY:
        return sum(_fill(f"notice:{row.id}", row, [Notice.id == row.id]) for row in list(due))
    return sum(_fill(f"storm:{first.id}", first, list(same)) for first in list(due.limit(1)))


def _fill(identity: str, first: Notice, which: list[Any]) -> int:
    mail = Mail.begin(
        identity,
        lane=SECURITY,
        kind=first.kind,
        recipient=first.recipient,
        address=first.address,
        due_at=first.due_at,
    )
    if mail is None:
        _resume(identity, SECURITY, which)
        return 0
    _attach(mail, SECURITY, which)
    return 1


def _resume(identity: str, lane: str, which: list[Any]) -> None:
    """Somebody began this message: they are at it, or they were killed and it waits for the rest."""
    waiting = Mail.get_or_none(Mail.id == Mail.id_of(identity), Mail.status.in_(OPEN), ~Mail.in_doubt)
    if waiting is not None and waiting.lease_until is not None and waiting.lease_until <= now():
        taken = Mail.take(waiting)
        if taken is not None:
            _attach(taken, lane, which)


def _digest_recipients() -> list[str]:
    return [row[0] for row in _due(DIGEST).select(Notice.recipient).distinct().tuples()]


def _digest(recipient: str) -> int:
    which = [Notice.recipient == recipient]
    waiting = Mail.reopen(recipient)
    if waiting is not None:
        _attach(waiting, DIGEST, which)
        return 0
    # As lists, here and above: on SQLite a query that is not read to its end keeps the writes below from their lock.
    due = list(_due(DIGEST).where(*which).order_by(Notice.due_at).limit(1))
    if not due:
        return 0
    [first] = due
    whom = mail_recipients.known(recipient) or mail_recipients.Recipient(recipient, first.address)
    identity = f"digest:{recipient}:{digest_day(now(), whom.zone, whom.hour)}"
    mail = Mail.begin(
        identity, lane=DIGEST, kind=DIGEST, recipient=recipient, address=whom.address, due_at=first.due_at
    )
    if mail is None:
        _wait_for_tomorrow(identity, whom)
        return 0
    _attach(mail, DIGEST, which)
    return 1


def _wait_for_tomorrow(identity: str, whom: mail_recipients.Recipient) -> None:
    """One digest a day: what comes due after it is in the next one."""
    done = Mail.get_by_id(Mail.id_of(identity))
    # Otherwise it is being filled right now.
    if done.status not in OPEN or done.in_doubt:
        Notice.postpone(whom.id, mail_recipients.digest_after(now(), whom))


def _attach(mail: Mail, lane: str, which: list[Any]) -> None:
    """In small transactions, since thousands may be due. Killed midway, the lease ends and the rest follows."""
    while True:
        some = [row.id for row in _due(lane).select(Notice.id).where(*which).limit(CHUNK)]
        if not some:
            break
        with transaction():
            Notice.update(mail=mail.id).where(Notice.id.in_(some), Notice.mail.is_null()).execute()
    mail.release()
