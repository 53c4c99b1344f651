"""The workspace, as the API gives it."""

from datetime import datetime
from typing import Literal

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


class KeyPolicy(Answer):
    """What the owners ask of keys. Of a limit here and one of the plan, the tighter holds."""

    longest_life_days: int | None = Field(description="Null means no limit.", examples=[180])
    expiry_required: bool
    admin_allowlist: bool = Field(description="Whether keys with `admin:workspace` need an IP allowlist.")
    unused_days: int = Field(description="When a key counts as unused.")
    rotation_days: int = Field(description="When a secret is due for rotation.")
    staged_cleanup: bool = Field(description="Whether unused keys are put in quarantine and revoked in stages.")
    creators: Literal["managers", "owners"] = Field(description="Who may create keys; with `owners` no key can.")


class Workspace(Answer):
    id: str = Field(examples=["ws_4k7n9m2p8q3r5t6v"])
    name: str = Field(examples=["Fieldstone"])
    plan: str = Field(examples=["team"])
    limits: PlanLimits
    policy: KeyPolicy
    active_keys: int = Field(description="How many keys count against the plan now.")
    requests_this_month: int
    created_at: datetime


class WorkspaceChange(Body):
    """A merge patch (RFC 7396). No key can change the plan."""

    name: Text | None = Field(None, examples=["Fieldstone"])
