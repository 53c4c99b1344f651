"""What people and workspaces choose of their mail; what waits for the daily mail is planned anew."""

from collections.abc import Iterable
from zoneinfo import available_timezones

from models import mail_recipients
from models.actor import Actor
from models.audit import AuditEvent
from models.database import now, transaction
from models.errors import Invalid
from models.mail_choice import MailChoice, TeamAddress, TeamHour
from models.mail_recipients import Recipient
from models.member import Member
from models.outbox import Notice
from models.user import User
from models.workspace import Workspace


def choose(member: Member, user: User, kinds: Iterable[str], hour: int) -> None:
    """What a person takes of the digest in a workspace, and when it comes in all of theirs."""
    _must_be_hour(hour)
    with transaction():
        MailChoice.choose(member.id, kinds)
        if hour != mail_recipients.digest_hour(user):
            user.digest_hour = hour
            user.save(only=[User.digest_hour])
            _plan_anew(mail_recipients.as_recipient(user))


def choose_team_hour(workspace: Workspace, hour: int, zone: str, *, by: Actor) -> None:
    """When the team addresses of a workspace get the daily mail, on the clock of that time zone."""
    _must_be_hour(hour)
    if zone not in available_timezones():
        raise Invalid(time_zone="Choose a time zone from the list.")
    with transaction():
        workspace.hold()
        before = TeamHour.of(workspace.id)
        if (before.hour, before.time_zone) == (hour, zone):
            return
        values = {"hour": hour, "time_zone": zone}
        TeamHour.insert(workspace=workspace.id, **values).on_conflict(
            conflict_target=[TeamHour.workspace], update=values
        ).execute()
        told = {"hour": [before.hour, hour], "time_zone": [before.time_zone, zone]}
        AuditEvent.write("team_address.hour_changed", workspace.id, workspace=workspace.id, by=by, **told)
        for each in mail_recipients.team_recipients(workspace.id, TeamAddress.listed(workspace.id)):
            _plan_anew(each)


def choose_zone(user: User, name: str) -> None:
    """Another time zone of a person; their hour is one of that zone from now on."""
    with transaction():
        user.choose_zone(name)
        _plan_anew(mail_recipients.as_recipient(user))


def _must_be_hour(hour: int) -> None:
    if not 0 <= hour <= 23:
        raise Invalid(hour="Choose an hour of the day.")


def _plan_anew(recipient: Recipient) -> None:
    Notice.postpone(recipient.id, mail_recipients.digest_after(now(), recipient))
