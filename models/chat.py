"""Chats: conversations with the messages in them, kept as they were sent."""

from collections.abc import Sequence
from typing import Any

from peewee import CompositeKey, ForeignKeyField, TextField

from models import paging, text
from models.actor import Actor
from models.audit import AuditEvent
from models.database import Record, UTCDateTimeField, WorkspaceRecord, id_field, now, transaction
from models.errors import Invalid
from models.json_value import is_storable
from models.member import Member
from models.workspace import Workspace

LONGEST_TITLE = 120
LONGEST_MESSAGE = 10_000
MOST_PARTICIPANTS = 100


class Chat(WorkspaceRecord):
    id = id_field("chat")
    workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
    workspace_id: str
    title = TextField()
    created_at = UTCDateTimeField(default=now)

    class Meta:
        table_name = "chat"
        indexes = ((("workspace", "created_at", "id"), False),)

    @classmethod
    def start(cls, workspace: Workspace, title: str, member_ids: Sequence[str] = (), *, by: Actor) -> "Chat":
        """A new chat, with members of the workspace as participants."""
        title = _title(title)
        member_ids = list(dict.fromkeys(member_ids))
        if len(member_ids) > MOST_PARTICIPANTS:
            raise Invalid(member_ids=f"Name at most {MOST_PARTICIPANTS} members.")
        with transaction():
            # No member leaves between the look and the rows that name them.
            workspace.hold()
            _must_be_members(workspace.id, member_ids)
            chat = cls.create(workspace=workspace, title=title)
            for member_id in member_ids:
                Participant.create(chat=chat, member=member_id)
            AuditEvent.write("chat.created", chat.id, workspace=workspace.id, by=by, title=title)
        return chat

    @classmethod
    def page(cls, workspace_id: str, limit: int, after: paging.Place | None) -> "tuple[list[Chat], bool]":
        """Chats in the order they were started, from just after a place; and whether more follow."""
        found: tuple[list[Chat], bool] = paging.page(cls.in_workspace(workspace_id), limit, after)
        return found

    def messages(self, limit: int, after: paging.Place | None) -> "tuple[list[Message], bool]":
        """Messages in the order they were sent, from just after a place; and whether more follow."""
        found: tuple[list[Message], bool] = paging.page(Message.select().where(Message.chat == self.id), limit, after)
        return found

    def send(self, text: str, *, by: Actor) -> "Message":
        """Add a message, exactly as it is. The message itself says who sent it, so the audit trail does not."""
        if not 1 <= len(text) <= LONGEST_MESSAGE:
            raise Invalid(text=f"Send 1 to {LONGEST_MESSAGE:,} characters. This has {len(text):,}.")
        if not is_storable(text):
            raise Invalid(text="This has a character that is not text. Leave it out.")
        with transaction():
            return Message.create(chat=self, text=text, sender_kind=by.kind, sender_name=by.name, sender_id=by.id)


class Participant(Record):
    """A member's place in a chat. It ends with the member."""

    chat = ForeignKeyField(Chat, on_delete="CASCADE", index=False)
    member = ForeignKeyField(Member, on_delete="CASCADE")
    member_id: str

    class Meta:
        table_name = "participant"
        primary_key = CompositeKey("chat", "member")

    @classmethod
    def ids_of(cls, chats: Sequence[Chat]) -> dict[str, list[str]]:
        """The ids of the members in each of these chats, in one query."""
        found: dict[str, list[str]] = {chat.id: [] for chat in chats}
        rows: Any = cls.select().where(cls.chat.in_(list(found))).order_by(cls.chat, cls.member)
        for row in rows:
            found[row.chat_id].append(row.member_id)
        return found


class Message(Record):
    """What somebody said in a chat, with the sender as they were called then."""

    id = id_field("msg")
    chat = ForeignKeyField(Chat, on_delete="CASCADE", index=False)
    chat_id: str
    text = TextField()
    sender_kind = TextField()
    sender_name = TextField()
    sender_id = TextField(null=True)
    created_at = UTCDateTimeField(default=now)

    class Meta:
        table_name = "message"
        indexes = ((("chat", "created_at", "id"), False),)


def _title(value: str) -> str:
    try:
        return text.line(value, what="a title", longest=LONGEST_TITLE)
    except text.BadText as problem:
        raise Invalid(title=str(problem)) from problem


def _must_be_members(workspace_id: str, member_ids: Sequence[str]) -> None:
    askable = [member_id for member_id in member_ids if is_storable(member_id)]
    known = {row.id for row in Member.in_workspace(workspace_id).where(Member.id.in_(askable))}
    wrong = {
        f"member_ids.{place}": "There is no such member in this workspace."
        for place, member_id in enumerate(member_ids)
        if member_id not in known
    }
    if wrong:
        raise Invalid(wrong)
