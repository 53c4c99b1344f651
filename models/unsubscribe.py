"""The signed link with which a recipient stops the digest without signing in (RFC 8058)."""

from collections.abc import Sequence

from itsdangerous import BadData, URLSafeSerializer

from models.actor import Actor
from models.audit import AuditEvent
from models.database import transaction
from models.errors import DeadLink
from models.mail_choice import MailChoice, TeamAddress
from models.mail_kinds import DIGESTS
from models.member import Member

SALT = "unsubscribe"


def token_for(recipient: str, keys: Sequence[str]) -> str:
    """Good for as long as the signing key is; it can stop mail and nothing else."""
    return str(_serializer(keys).dumps(recipient))


def recipient_behind(token: str, keys: Sequence[str]) -> str:
    try:
        found = _serializer(keys).loads(token)
    except BadData:
        found = None
    if not isinstance(found, str):
        raise DeadLink("A part of it is missing. Copy the whole link from the mail.")
    return found


def stop(recipient: str) -> None:
    """No digest any more: for a person in all their workspaces, or for one team address. Security mail stays."""
    with transaction():
        if recipient.startswith("team_"):
            _stop_team(recipient)
            return
        for member in Member.select().where(Member.user == recipient):
            MailChoice.choose(member.id, ())
            by = Actor("user", member.name, member.id)
            AuditEvent.write("mail.unsubscribed", member.id, workspace=member.workspace_id, by=by)


def _stop_team(recipient: str) -> None:
    team = TeamAddress.get_or_none(TeamAddress.id == recipient)
    if team is None:
        return
    left = [name for name in team.kinds if name not in DIGESTS]
    if len(left) == len(team.kinds):
        return
    TeamAddress.update(kind_names=" ".join(left)).where(TeamAddress.id == recipient).execute()
    by = Actor("user", team.address)
    AuditEvent.write("mail.unsubscribed", team.id, workspace=team.workspace_id, by=by, to=team.address)


def _serializer(keys: Sequence[str]) -> URLSafeSerializer:
    # It signs with the last and takes each.
    return URLSafeSerializer(list(reversed(keys)), salt=SALT)
