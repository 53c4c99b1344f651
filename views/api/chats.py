"""Chats of a workspace, and the messages in them."""

from typing import Any

from flask import Blueprint, Response, g, url_for

from models import Chat, Participant, Workspace
from models.paging import Place
from views.api import enforcement, operations, paging
from views.api.answers import tagged
from views.api.schemas import chats as shapes
from views.api.schemas.common import ListQuery
from views.format import iso

READ, WRITE = "read:chats", "write:chats"


def add_routes(bp: Blueprint) -> None:
    bp.get("/w/<workspace_id>/chats")(list_chats)
    bp.post("/w/<workspace_id>/chats")(create_chat)
    bp.get("/w/<workspace_id>/chats/<chat_id>")(get_chat)
    bp.get("/w/<workspace_id>/chats/<chat_id>/messages")(list_messages)
    bp.post("/w/<workspace_id>/chats/<chat_id>/messages")(send_message)


@operations.operation(READ, operations.CHATS, query=ListQuery, returns=shapes.ChatList, errors=(404,))
def list_chats(workspace_id: str) -> Response:
    """List chats.

    Oldest first, in pages.
    """
    members: dict[str, list[str]] = {}

    def find(limit: int, after: Place | None) -> tuple[list[Chat], bool]:
        rows, more = Chat.page(g.credential.workspace_id, limit, after)
        members.update(Participant.ids_of(rows))
        return rows, more

    return paging.listed(find, lambda chat: _json(chat, members[chat.id]))


@operations.operation(WRITE, operations.CHATS, json=shapes.NewChat, returns=shapes.Chat, status=201, errors=(404, 409))
def create_chat(workspace_id: str) -> Response:
    """Create a chat.

    Participants are members of the same workspace. The chat is empty at first.
    """
    workspace = Workspace.known(g.credential.workspace_id)
    chat = Chat.start(workspace, **operations.taken().model_dump(), by=enforcement.actor())
    place = url_for("api.get_chat", workspace_id=workspace.id, chat_id=chat.id)
    return tagged(_with_members(chat), 201, {"Location": place})


@operations.operation(READ, operations.CHATS, returns=shapes.Chat, errors=(404,))
def get_chat(workspace_id: str, chat_id: str) -> Response:
    """Get a chat."""
    return tagged(_with_members(_found(chat_id)))


@operations.operation(READ, operations.CHATS, query=ListQuery, returns=shapes.MessageList, errors=(404,))
def list_messages(workspace_id: str, chat_id: str) -> Response:
    """List the messages of a chat.

    Oldest first, in pages.
    """
    return paging.listed(_found(chat_id).messages, _message_json)


@operations.operation(
    WRITE, operations.CHATS, json=shapes.NewMessage, returns=shapes.Message, status=201, errors=(404, 409)
)
def send_message(workspace_id: str, chat_id: str) -> Response:
    """Send a message.

    The key at hand is its sender. A message stays as it was sent.
    """
    message = _found(chat_id).send(operations.taken().text, by=enforcement.actor())
    return tagged(_message_json(message), 201)


def _found(chat_id: str) -> Any:
    return Chat.find(g.credential.workspace_id, chat_id)


def _with_members(chat: Any) -> dict[str, Any]:
    return _json(chat, Participant.ids_of([chat])[chat.id])


def _json(chat: Any, member_ids: list[str]) -> dict[str, Any]:
    return {"id": chat.id, "title": chat.title, "member_ids": member_ids, "created_at": iso(chat.created_at)}


def _message_json(message: Any) -> dict[str, Any]:
    return {
        "id": message.id,
        "text": message.text,
        "sender": {"kind": message.sender_kind, "name": message.sender_name, "id": message.sender_id},
        "created_at": iso(message.created_at),
    }
