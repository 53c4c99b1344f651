"""Audit events, as the API gives them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from views.api.schemas.common import Answer, ListQuery, Moment

ID = "^[a-z]+_[0-9a-z]+$"


class AuditQuery(ListQuery):
    action: str | None = Field(
        None,
        max_length=60,
        pattern=r"^[a-z_]+\.[a-z_]*$",
        description="`api_key.revoked`, or `api_key.` for all of them.",
        examples=["api_key.revoked"],
    )
    subject: str | None = Field(
        None, max_length=60, pattern=ID, description="The id it is about.", examples=["key_3f8r2n6t0y4s7d1c"]
    )
    actor: str | None = Field(
        None, max_length=60, pattern=ID, description="Who did it, by id.", examples=["mem_8m2k4q7v9w1x3z5a"]
    )
    request_id: str | None = Field(
        None, max_length=60, pattern=ID, description="What one request did.", examples=["req_5c0f7a9be2d84b13a6f1"]
    )
    since: Moment | None = Field(None, description="Not before this moment.")
    until: Moment | None = Field(None, description="Before this moment.")


class EventActor(Answer):
    kind: Literal["user", "key", "cli", "system", "workflow"]
    name: str = Field(examples=["Ada Moreau"])
    id: str | None = Field(examples=["mem_8m2k4q7v9w1x3z5a"])


class AuditEvent(Answer):
    id: str = Field(examples=["evt_4b7d9f2h5k8n1q3s"])
    at: datetime
    action: str = Field(examples=["api_key.revoked"])
    subject: str = Field(examples=["key_3f8r2n6t0y4s7d1c"])
    actor: EventActor
    address: str | None = Field(examples=["192.0.2.7"])
    request_id: str | None = Field(examples=["req_5c0f7a9be2d84b13a6f1"])
    details: dict[str, Any] = Field(description="What changed. Never a secret.", examples=[{"reason": "leaked"}])


class AuditEventList(Answer):
    data: list[AuditEvent]
    next_cursor: str | None = Field(description="Null on the last page.")
