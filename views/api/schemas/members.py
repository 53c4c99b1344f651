"""Members, as the API takes and gives them."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from views.api.schemas.common import Answer, Body, Text

Role = Literal["owner", "admin", "member", "contact"]


class Member(Answer):
    id: str = Field(examples=["mem_8m2k4q7v9w1x3z5a"])
    name: str = Field(examples=["Ada Moreau"])
    email: str = Field(examples=["ada@example.com"])
    role: Role = Field(examples=["member"])
    status: Literal["active", "invited"] = Field(description="`invited` until a person who may sign in has done so.")
    title: str = Field(description="Job title, or empty.", examples=["Head of Sales"])
    created_at: datetime
    updated_at: datetime


class MemberList(Answer):
    data: list[Member]
    next_cursor: str | None = Field(description="Null on the last page.")


class NewMember(Body):
    name: Text = Field(examples=["Ada Moreau"])
    email: Text = Field(examples=["ada@example.com"], json_schema_extra={"format": "email"})
    role: Literal["member", "contact", "owner", "admin"] = Field(
        "contact", description="A key can make members and contacts only.", examples=["member"]
    )
    title: Text = Field("", examples=["Head of Sales"])


class MemberChange(Body):
    """A merge patch (RFC 7396): what is left out stays."""

    name: Text | None = None
    email: Text | None = Field(None, json_schema_extra={"format": "email"})
    role: Role | None = None
    title: Text | None = Field(None, description="Null empties it.", examples=["Head of Sales"])
