"""Mail that could not be delivered: listed for a workspace, and sent again when somebody says so."""

from dataclasses import dataclass
from datetime import datetime

from models.actor import Actor
from models.audit import AuditEvent
from models.database import transaction
from models.errors import Conflict, NotFound
from models.mail import Mail
from models.outbox import Notice

MOST = 50
# Of what a digest tells, so many kinds are named.
MOST_KINDS = 8


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that is stuck: `dead`, or `failed` and to be tried again."""

    mail: Mail
    kinds: tuple[str, ...]
    keys: int
    at: datetime


def of(workspace_id: str) -> list[Letter]:
    """What is stuck, dead letters first, the newest first among them."""
    mine = Notice.select(Notice.mail).where(Notice.workspace == workspace_id, Notice.mail.is_null(False))
    query = Mail.select().where(Mail.status.in_(("dead", "failed")), Mail.id.in_(mine))
    return [_letter(mail, workspace_id) for mail in list(query.order_by(Mail.status, Mail.due_at.desc()).limit(MOST))]


def _letter(mail: Mail, workspace_id: str) -> Letter:
    mine = Notice.mail == mail.id, Notice.workspace == workspace_id
    kinds = {row.kind for row in Notice.select(Notice.kind).where(*mine).distinct().limit(MOST_KINDS)}
    keys = Notice.select(Notice.key_id).where(*mine, Notice.key_id.is_null(False)).distinct().count()
    return Letter(mail, tuple(sorted(kinds)), keys, mail.due_at)


def send_again(workspace_id: str, mail_id: str, *, by: Actor) -> Mail:
    """Send a dead letter once more. `NotFound` for what tells nothing of this workspace."""
    if not Notice.select().where(Notice.workspace == workspace_id, Notice.mail == mail_id).exists():
        raise NotFound
    mail = Mail.get_by_id(mail_id)
    with transaction():
        if not mail.try_again():
            raise Conflict("This mail is not a dead letter any more.")
        AuditEvent.write("mail.sent_again", mail.id, workspace=workspace_id, by=by, to=mail.address)
    return mail
