"""Workflows and their runs, as the API takes and gives them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool

from views.api.schemas.common import Answer, Body, Number, Text


class SendMessage(Body):
    """Sends a message to a chat. Needs the scope `write:chats`."""

    action: Literal["send_message"]
    chat_id: Text = Field(examples=["chat_5t8w1y3b6d9f2h4k"])
    text: str = Field(min_length=1, max_length=10_000, examples=["Version 42 is out."])


class CreateRecord(Body):
    """Adds a record to a collection. Needs the scope `write:data`."""

    action: Literal["create_record"]
    collection: str = Field(pattern="^[a-z][a-z0-9_-]{0,62}$", examples=["deals"])
    values: dict[str, Any] = Field(examples=[{"amount": 7}])


class Wait(Body):
    """Waits before the next step."""

    action: Literal["wait"]
    seconds: Number = Field(ge=1, le=3600, examples=[60])


Step = Annotated[SendMessage | CreateRecord | Wait, Field(discriminator="action")]


class Workflow(Answer):
    id: str = Field(examples=["wfl_7m4q2s9v1x3z5b8d"])
    name: str = Field(examples=["Announce a release"])
    enabled: bool = Field(description="Whether it can be started.")
    steps: list[Step] = Field(
        examples=[[{"action": "send_message", "chat_id": "chat_5t8w1y3b6d9f2h4k", "text": "Version 42 is out."}]]
    )
    created_at: datetime
    updated_at: datetime


class WorkflowList(Answer):
    data: list[Workflow]
    next_cursor: str | None = Field(description="Null on the last page.")


class NewWorkflow(Body):
    name: Text = Field(description="Up to 120 characters, unique in the workspace.", examples=["Announce a release"])
    enabled: StrictBool = True
    steps: list[Step] = Field(
        min_length=1,
        max_length=20,
        description="Taken one after the other.",
        examples=[[{"action": "send_message", "chat_id": "chat_5t8w1y3b6d9f2h4k", "text": "Version 42 is out."}]],
    )


class WorkflowChange(Body):
    """A merge patch (RFC 7396): what is left out stays. Steps are replaced as a whole."""

    name: Text | None = Field(None, examples=["Announce a release"])
    enabled: StrictBool | None = Field(None, examples=[False])
    steps: list[Step] | None = Field(None, min_length=1, max_length=20, examples=[[{"action": "wait", "seconds": 60}]])


class Starter(Answer):
    kind: Literal["user", "key", "cli", "system", "workflow"]
    name: str = Field(examples=["Order bot"])
    id: str | None = Field(examples=["key_3f8r2n6t0y4s7d1c"])


class LogEntry(Answer):
    at: datetime
    step: int = Field(description="Counted from 1.", examples=[1])
    status: Literal["done", "failed"]
    message: str = Field(examples=["Sent msg_2k6n9q4s8v1x5z7b to Deploy notes."])


class Run(Answer):
    id: str = Field(examples=["run_9p3r6t1w4y8a2c5e"])
    workflow_id: str = Field(examples=["wfl_7m4q2s9v1x3z5b8d"])
    status: Literal["queued", "running", "succeeded", "failed"]
    started_by: Starter
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    log: list[LogEntry]


class RunList(Answer):
    data: list[Run]
    next_cursor: str | None = Field(description="Null on the last page.")
