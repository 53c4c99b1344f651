"""What goes in and out of the API, as pydantic models with examples. Unknown fields in a body are refused."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Role = Literal["owner", "admin", "member", "contact"]
Text = Annotated[str, Field(max_length=500)]


class Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_max_length=10_000)


class FieldProblem(Answer):
    field: str = Field(examples=["email"])
    message: str = Field(examples=["Enter an e-mail address, like ada@example.com."])


class Problem(Answer):
    """A problem document (RFC 9457), sent as `application/problem+json`."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Where the kind of problem is explained.")
    title: str
    status: int
    detail: str = Field(description="What happened, and what to do.")
    code: str = Field(description="Stable, for programs.", examples=["insufficient_scope"])
    request_id: str = Field(examples=["req_5c0f7a9be2d84b13a6f1"])
    errors: list[FieldProblem] | None = Field(None, description="With 422: each field that is not valid.")


class ListQuery(BaseModel):
    limit: int = Field(20, ge=1, le=100, description="How many at most.")
    cursor: str | None = Field(None, max_length=200, description="`next_cursor` of the page before.")


class Member(Answer):
    id: str = Field(examples=["mem_8m2k4q7v9w1x3z5a"])
    name: str = Field(examples=["Ada Moreau"])
    email: str = Field(examples=["ada@example.com"])
    role: Role
    status: Literal["active", "invited"] = Field(description="`invited` until a person who may sign in has done so.")
    title: str = Field(description="Job title, or empty.", examples=["Head of Sales"])
    created_at: datetime
    updated_at: datetime


class MemberList(Answer):
    data: list[Member]
    next_cursor: str | None = Field(description="Absent pages end with null.")


class NewMember(Body):
    name: Text = Field(examples=["Ada Moreau"])
    email: Text = Field(examples=["ada@example.com"])
    role: Literal["member", "contact", "owner", "admin"] = Field(
        "contact", description="A key can make members and contacts only."
    )
    title: Text = ""


class MemberChange(Body):
    """A merge patch (RFC 7396): what is left out stays."""

    name: Text | None = None
    email: Text | None = None
    role: Role | None = None
    title: Text | None = Field(None, description="Null empties it.")


class KeyLimits(Answer):
    requests_per_minute: int | None
    requests_per_month: int | None = Field(description="Of the workspace. Null means no limit.")


class Key(Answer):
    id: str = Field(examples=["key_3f8r2n6t0y4s7d1c"])
    name: str = Field(examples=["Nightly report"])
    workspace_id: str = Field(examples=["ws_4k7n9m2p8q3r5t6v"])
    scopes: list[str] = Field(examples=[["read:members"]])
    networks: list[str] = Field(description="Addresses it may be used from; empty means any.")
    created_at: datetime
    starts_at: datetime | None
    expires_at: datetime | None = Field(description="Null means no expiration.")
    limits: KeyLimits


class KeyChange(Body):
    """What a key may take from itself. Anything that gives it more is refused."""

    scopes: list[Text] | None = Field(None, max_length=20)
    networks: list[Text] | None = Field(None, max_length=100)
    expires_at: AwareDatetime | None = None
