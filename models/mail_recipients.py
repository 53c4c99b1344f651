"""To whom mail goes: the people who manage keys, and the team addresses; and whether it still should."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from peewee import JOIN

from models import role
from models.digest_time import HOUR, next_digest
from models.mail_choice import MailChoice, TeamAddress, TeamHour
from models.mail_kinds import CONFIRMATION, DIGEST, KINDS
from models.member import Member
from models.user import User

UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person, named by their account, or a team address, named by its row."""

    id: str
    address: str
    zone: ZoneInfo = UTC
    hour: int = HOUR


def of(workspace_id: str, kind: str, *, maker: str | None = None) -> list[Recipient]:
    """Who gets mail of this kind. `maker` is the member whose key it is about: they get it whatever their role."""
    people = list(_people(workspace_id, kind, maker))
    taken = {each.address for each in people}
    teams = [row for row in TeamAddress.confirmed(workspace_id) if kind in row.kinds and row.address not in taken]
    return people + (team_recipients(workspace_id, teams) if teams else [])


def team_recipients(workspace_id: str, teams: Iterable[TeamAddress]) -> list[Recipient]:
    chosen = TeamHour.of(workspace_id)
    return [Recipient(row.id, row.address, chosen.zone, chosen.hour) for row in teams]


def _people(workspace_id: str, kind: str, maker: str | None) -> Iterator[Recipient]:
    known = KINDS[kind]
    roles = (role.OWNER,) if known.for_owners else role.MANAGERS
    query = (
        Member.select(Member, User, MailChoice)
        .join(User)
        .switch(Member)
        .join(MailChoice, JOIN.LEFT_OUTER, attr="choice")
        .where(Member.workspace == workspace_id)
        .where(Member.role.in_(roles) | ((Member.id == maker) & Member.role.in_(role.MANAGERS)))
        .order_by(Member.created_at, Member.id)
    )
    for member in query:
        assert member.user
        choice = getattr(member, "choice", None)
        if choice is None or kind not in choice.off:
            yield as_recipient(member.user)


def as_recipient(user: User) -> Recipient:
    return Recipient(user.id, user.email, user.zone, digest_hour(user))


def known(recipient: str) -> Recipient | None:
    """The recipient with this id as of now, if there is one still."""
    if recipient.startswith("team_"):
        team = TeamAddress.get_or_none(TeamAddress.id == recipient)
        return team_recipients(team.workspace_id, [team])[0] if team else None
    user = User.get_or_none(User.id == recipient)
    return as_recipient(user) if user else None


def objection(recipient: str, workspace_id: str, kind: str, maker: str | None = None) -> str | None:
    """Why this mail should not go to them any more, or None. `maker` is the member whose key it is about."""
    if recipient.startswith("team_"):
        team = TeamAddress.get_or_none(TeamAddress.id == recipient, TeamAddress.workspace == workspace_id)
        if team is None:
            return "The team address was removed."
        if kind == CONFIRMATION:
            return "The address was confirmed meanwhile." if team.confirmed_at else None
        if team.confirmed_at is None:
            return "Nobody confirmed this team address."
        return None if kind in team.kinds else "Turned off for this team address."
    member = Member.get_or_none(Member.user == recipient, Member.workspace == workspace_id)
    if member is None:
        return "No longer in the workspace."
    if member.role not in role.MANAGERS:
        return "No longer manages keys."
    # A later version may have promised kinds that this one does not know.
    known = KINDS.get(kind)
    if known and known.for_owners and member.role != role.OWNER and member.id != maker:
        return "No longer an owner."
    is_off = known and known.lane == DIGEST and kind in MailChoice.off_for(member.id)
    return "Turned off meanwhile." if is_off else None


def digest_hour(user: User) -> int:
    return HOUR if user.digest_hour is None else user.digest_hour


def digest_after(moment: datetime, recipient: Recipient) -> datetime:
    return next_digest(moment, recipient.zone, recipient.hour)
