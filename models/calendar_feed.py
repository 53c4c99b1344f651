"""A calendar that one person subscribes to: when keys end and when they are due for rotation.

The address is the credential: a random token, of which the hash is stored. `models/calendar_text.py` writes the text.
"""

from datetime import datetime, timedelta

from peewee import BlobField, ForeignKeyField, chunked

from models.actor import Actor
from models.api_key import ApiKey
from models.audit import AuditEvent
from models.calendar_text import Entry
from models.database import ROWS, UTCDateTimeField, WorkspaceRecord, id_field, now, transaction
from models.errors import NotFound
from models.key_secret import KeySecret
from models.member import Member
from models.tokens import digest_of, new_token
from models.workspace import Workspace

# What is over stays for a while: a calendar drops what is not in the feed any more.
PAST = timedelta(days=30)
MOST = 2_000
READ_STEP = timedelta(minutes=10)


class CalendarFeed(WorkspaceRecord):
    """The feed of one person in one workspace."""

    id = id_field("cal")
    workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=True)
    workspace_id: str
    member = ForeignKeyField(Member, on_delete="CASCADE", unique=True)
    digest = BlobField(unique=True)
    created_at = UTCDateTimeField(default=now)
    # When a calendar last asked, to within ten minutes.
    read_at = UTCDateTimeField(null=True)

    class Meta:
        table_name = "calendar_feed"

    @classmethod
    def of(cls, member: Member) -> "CalendarFeed | None":
        found: CalendarFeed | None = cls.get_or_none(cls.member == member.id)
        return found

    @classmethod
    def make(cls, member: Member, *, by: Actor) -> str:
        """A new token, shown once. The one before stops working at once."""
        token = new_token()
        with transaction():
            member.workspace.hold()
            replaced = cls.delete().where(cls.member == member.id).execute()
            cls.create(workspace=member.workspace_id, member=member.id, digest=digest_of(token))
            action = "calendar.replaced" if replaced else "calendar.created"
            AuditEvent.write(action, member.id, workspace=member.workspace_id, by=by)
        return token

    @classmethod
    def revoke(cls, member: Member, *, by: Actor) -> None:
        with transaction():
            member.workspace.hold()
            if cls.delete().where(cls.member == member.id).execute():
                AuditEvent.write("calendar.revoked", member.id, workspace=member.workspace_id, by=by)

    @classmethod
    def behind(cls, token: str) -> "CalendarFeed":
        """The feed of a token, as long as its person manages keys; else `NotFound`, as for one that never was."""
        query = cls.select(cls, Member, Workspace).join(Member).switch(cls).join(Workspace)
        feed: CalendarFeed | None = query.where(cls.digest == digest_of(token)).get_or_none()
        if feed is None or not feed.member.user_id or not feed.member.may("api_keys.manage"):
            raise NotFound
        moment = now()
        if feed.read_at is None or feed.read_at < moment - READ_STEP:
            cls.update(read_at=moment).where(cls.id == feed.id).execute()
        return feed

    def entries(self) -> list[Entry]:
        """The ends of keys, and when each is due for a new secret, in order."""
        since = now() - PAST
        keys = ApiKey.in_workspace(self.workspace_id).where(ApiKey.revoked_at.is_null())
        keys = keys.where(ApiKey.expires_at.is_null() | (ApiKey.expires_at > since))
        first = (ApiKey.expires_at.is_null(), ApiKey.expires_at, ApiKey.id)
        keys = list(keys.order_by(*first).limit(MOST))
        made = _secrets_made([key.id for key in keys])
        found = []
        for key in keys:
            if key.expires_at:
                found.append(Entry(f"{key.id}-expiry", "expiry", key.expires_at, key.name, key.id, key.version))
            due = made.get(key.id, key.created_at) + self.workspace.policy.rotation_after
            if due > since and (key.expires_at is None or due < key.expires_at):
                # The policy moves it, too.
                version = key.version + self.workspace.policy_version
                found.append(Entry(f"{key.id}-rotation", "rotation", due, key.name, key.id, version))
        return sorted(found, key=lambda each: (each.at, each.uid))


def _secrets_made(key_ids: list[str]) -> dict[str, datetime]:
    """When the current secret of each key was made."""
    return {row.key_id: row.created_at for some in chunked(key_ids, ROWS) for row in KeySecret.current(some)}
