"""The workspace, as the API gives it."""

from datetime import datetime

from pydantic import Field

from views.api.schemas.common import Answer, Body, Text


class PlanLimits(Answer):
    """Null means no limit."""

    active_keys: int | None
    longest_life_days: int | None
    admin_keys: bool = Field(description="Whether keys may hold `admin:workspace`.")
    allowlists: bool = Field(description="Whether keys may be bound to addresses.")
    requests_per_minute: int
    requests_per_month: int | None
    history_days: int


class Workspace(Answer):
    id: str = Field(examples=["ws_4k7n9m2p8q3r5t6v"])
    name: str = Field(examples=["Fieldstone"])
    plan: str = Field(examples=["team"])
    limits: PlanLimits
    active_keys: int = Field(description="How many keys count against the plan now.")
    requests_this_month: int
    created_at: datetime


class WorkspaceChange(Body):
    """A merge patch (RFC 7396). No key can change the plan."""

    name: Text | None = Field(None, examples=["Fieldstone"])
