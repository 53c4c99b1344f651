"""Asking a team address whether it wants mail: a link that works once, and how often a stranger may be asked.

Whoever reads the address confirms, without an account. The row holds only the hash of the link's token, which is made
when the mail is put together and is nowhere else but in that mail.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from models import outbox
from models.actor import Actor
from models.audit import AuditEvent
from models.database import new_id, now, transaction
from models.errors import Conflict, DeadLink, Invalid
from models.mail_choice import TeamAddress
from models.mail_kinds import CONFIRMATION
from models.mail_recipients import Recipient
from models.outbox import Notice
from models.tokens import digest_of, new_token
from models.workspace import Workspace

LIFE = timedelta(days=7)
DAY, MONTH = timedelta(days=1), timedelta(days=30)
# Mails to one address, from whichever workspace; and from one workspace, to whichever address.
MOST_A_DAY, MOST_A_MONTH, MOST_OF_WORKSPACE = 3, 6, 20
OVER = "It was used already or replaced, or its time is over. An owner of the workspace can send another one."


def add(workspace: Workspace, address: str, kinds: Iterable[str], *, by: Actor) -> TeamAddress:
    """A new team address, which is asked by mail."""
    with transaction():
        team = TeamAddress.add(workspace, address, kinds, by=by)
        _ask(team, by)
    return team


def ask_again(team: TeamAddress, *, by: Actor) -> None:
    with transaction():
        team.workspace.hold()
        if TeamAddress.find(team.workspace_id, team.id).confirmed_at is not None:
            raise Conflict("This address was confirmed in the meantime.")
        _ask(team, by)
        AuditEvent.write("team_address.asked_again", team.id, workspace=team.workspace_id, by=by, to=team.address)


def _ask(team: TeamAddress, by: Actor) -> None:
    _must_not_pester(team)
    whom, facts = Recipient(team.id, team.address), {"name": team.address, "by": by.name}
    outbox.promise(CONFIRMATION, team.workspace_id, team.id, new_id("ask"), to=[whom], facts=facts)


def _must_not_pester(team: TeamAddress) -> None:
    asked = Notice.select().where(Notice.kind == CONFIRMATION)
    same, moment = Notice.address == team.address, now()
    day, month = Notice.created_at > moment - DAY, Notice.created_at > moment - MONTH
    if asked.where(same, day).count() >= MOST_A_DAY:
        raise Invalid(address=f"This address was asked {MOST_A_DAY} times within a day. Try again tomorrow.")
    if asked.where(same, month).count() >= MOST_A_MONTH:
        raise Invalid(address=f"This address was asked {MOST_A_MONTH} times within 30 days. Try again later.")
    if asked.where(Notice.workspace == team.workspace_id, day).count() >= MOST_OF_WORKSPACE:
        raise Invalid(address=f"This workspace asked {MOST_OF_WORKSPACE} times within a day. Try again tomorrow.")


def fresh_token(team_id: str) -> str:
    """The token of a new link. Links that were made before stop working."""
    token = new_token()
    link = {"token_digest": digest_of(token), "token_until": now() + LIFE}
    TeamAddress.update(**link).where(TeamAddress.id == team_id, TeamAddress.confirmed_at.is_null()).execute()
    return token


def behind(token: str) -> TeamAddress:
    """The address that waits behind a link, with its workspace; `DeadLink` when the link is over."""
    query = TeamAddress.select(TeamAddress, Workspace).join(Workspace).where(*_open(token))
    team: TeamAddress | None = query.get_or_none()
    if team is None:
        raise DeadLink(OVER)
    return team


def confirm(token: str) -> TeamAddress:
    """Somebody who reads the address wants mail there. The link is used up."""
    team = behind(token)
    with transaction():
        team.workspace.hold()
        done = {"confirmed_at": now(), "token_digest": None, "token_until": None}
        if not TeamAddress.update(**done).where(*_open(token)).execute():
            raise DeadLink(OVER)
        _record("team_address.confirmed", team)
    return team


def decline(token: str) -> TeamAddress:
    """Somebody who reads the address does not want mail there: it is taken off the list."""
    team = behind(token)
    with transaction():
        team.workspace.hold()
        if not TeamAddress.delete().where(*_open(token)).execute():
            raise DeadLink(OVER)
        _record("team_address.declined", team)
    return team


def _open(token: str) -> tuple[Any, ...]:
    return TeamAddress.token_digest == digest_of(token), TeamAddress.token_until > now()


def _record(action: str, team: TeamAddress) -> None:
    by = Actor("user", team.address)
    AuditEvent.write(action, team.id, workspace=team.workspace_id, by=by, to=team.address)
