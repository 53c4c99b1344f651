"""Who wants which mail: what a person turned off, the team addresses of a workspace, and when these get theirs."""

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from peewee import BlobField, ForeignKeyField, IntegerField, IntegrityError, TextField

from models import text
from models.actor import Actor
from models.audit import AuditEvent
from models.database import Record, UTCDateTimeField, WorkspaceRecord, id_field, now, transaction
from models.digest_time import HOUR
from models.errors import Conflict, Invalid
from models.mail_kinds import DIGESTS, OFFERED
from models.member import Member
from models.workspace import Workspace

MOST_ADDRESSES = 10


class MailChoice(Record):
    """The kinds of the digest that a person turned off in one workspace. Without a row they get all."""

    member = ForeignKeyField(Member, primary_key=True, on_delete="CASCADE")
    off_names = TextField(default="")

    class Meta:
        table_name = "mail_choice"

    @property
    def off(self) -> frozenset[str]:
        return frozenset(self.off_names.split())

    @classmethod
    def off_for(cls, member_id: str) -> frozenset[str]:
        row = cls.get_or_none(cls.member == member_id)
        return row.off if row else frozenset()

    @classmethod
    def choose(cls, member_id: str, wanted: Iterable[str]) -> None:
        """Take these kinds of the digest and no others."""
        off = " ".join(name for name in DIGESTS if name not in set(wanted))
        cls.insert(member=member_id, off_names=off).on_conflict(
            conflict_target=[cls.member], update={cls.off_names: off}
        ).execute()


class TeamHour(Record):
    """When the team addresses of a workspace get the daily mail. Without a row it is 08:00 UTC."""

    workspace = ForeignKeyField(Workspace, primary_key=True, on_delete="CASCADE")
    hour = IntegerField()
    time_zone = TextField()

    class Meta:
        table_name = "team_hour"

    @classmethod
    def of(cls, workspace_id: str) -> "TeamHour":
        row = cls.get_or_none(cls.workspace == workspace_id)
        return row or cls(workspace=workspace_id, hour=HOUR, time_zone="UTC")

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class TeamAddress(WorkspaceRecord):
    """An address of a team that gets mail besides the people, so that it arrives when they are away.

    Nothing goes there but the question whether it is wanted, until somebody who reads it confirms that.
    """

    id = id_field("team")
    workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
    workspace_id: str
    address = TextField()
    kind_names = TextField()
    confirmed_at = UTCDateTimeField(null=True)
    # Of the link in the newest confirmation mail.
    token_digest = BlobField(null=True, index=True)
    token_until = UTCDateTimeField(null=True)
    created_at = UTCDateTimeField(default=now)

    class Meta:
        table_name = "team_address"
        indexes = ((("workspace", "address"), True),)

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(self.kind_names.split())

    @classmethod
    def listed(cls, workspace_id: str) -> "list[TeamAddress]":
        return list(cls.in_workspace(workspace_id).order_by(cls.address))

    @classmethod
    def confirmed(cls, workspace_id: str) -> "list[TeamAddress]":
        """Those that may get mail."""
        return [row for row in cls.listed(workspace_id) if row.confirmed_at is not None]

    @classmethod
    def add(cls, workspace: Workspace, address: str, kinds: Iterable[str], *, by: Actor) -> "TeamAddress":
        """One more address, not confirmed yet; `Invalid` when it is none or there are too many.

        `models/team_confirmation.py` asks it.
        """
        names = _known(kinds)
        try:
            address = text.email(address)
        except text.BadText as problem:
            raise Invalid(address=str(problem)) from problem
        try:
            with transaction():
                workspace.hold()
                if cls.in_workspace(workspace.id).count() >= MOST_ADDRESSES:
                    raise Invalid(address=f"A workspace has at most {MOST_ADDRESSES} team addresses.")
                row = cls.create(workspace=workspace, address=address, kind_names=names)
                row._record("team_address.added", by, kinds=names.split())
        except IntegrityError as problem:
            raise Invalid(address="This address is on the list already.") from problem
        return row

    def choose(self, kinds: Iterable[str], *, by: Actor) -> None:
        names = _known(kinds)
        with transaction():
            current: Any = TeamAddress.find(self.workspace_id, self.id)
            if current.kind_names == names:
                return
            TeamAddress.update(kind_names=names).where(TeamAddress.id == self.id).execute()
            self._record("team_address.changed", by, kinds=[current.kind_names.split(), names.split()])
        self.kind_names = names

    def remove(self, *, by: Actor) -> None:
        with transaction():
            if not TeamAddress.delete().where(TeamAddress.id == self.id).execute():
                raise Conflict("This address was removed in the meantime.")
            self._record("team_address.removed", by)

    def _record(self, action: str, by: Actor, **details: object) -> None:
        AuditEvent.write(action, self.id, workspace=self.workspace_id, by=by, to=self.address, **details)


def _known(kinds: Iterable[str]) -> str:
    wanted = set(kinds)
    names = " ".join(name for name in OFFERED if name in wanted)
    if not names:
        raise Invalid(kinds="Choose at least one kind of mail.")
    return names
