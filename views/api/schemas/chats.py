"""Chats and their messages, as the API takes and gives them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from views.api.schemas.common import Answer, Body, Text

Sender = Literal["user", "key", "workflow", "cli", "system"]


class Chat(Answer):
    id: str = Field(examples=["chat_5t8w1y3b6d9f2h4k"])
    title: str = Field(examples=["Leak in the east wing"])
    member_ids: list[str] = Field(description="The participants.", examples=[["mem_8m2k4q7v9w1x3z5a"]])
    created_at: datetime


class ChatList(Answer):
    data: list[Chat]
    next_cursor: str | None = Field(description="Null on the last page.")


class NewChat(Body):
    title: Text = Field(description="One line, up to 120 characters.", examples=["Leak in the east wing"])
    member_ids: list[Annotated[str, Field(max_length=100)]] = Field(
        default_factory=list,
        max_length=100,
        description="Members of this workspace who take part.",
        examples=[["mem_8m2k4q7v9w1x3z5a"]],
    )


class MessageSender(Answer):
    """Who sent it, as they were called then."""

    kind: Sender = Field(examples=["key"])
    name: str = Field(examples=["Order bot"])
    id: str | None = Field(description="Of the member, key or workflow.", examples=["key_3f8r2n6t0y4s7d1c"])


class Message(Answer):
    id: str = Field(examples=["msg_2k6n9q4s8v1x5z7b"])
    text: str = Field(examples=["The plumber is there at nine."])
    sender: MessageSender
    created_at: datetime


class MessageList(Answer):
    data: list[Message]
    next_cursor: str | None = Field(description="Null on the last page.")


class NewMessage(Body):
    text: str = Field(
        min_length=1,
        max_length=10_000,
        description="Kept exactly as sent, line breaks included.",
        examples=["The plumber is there at nine."],
    )
