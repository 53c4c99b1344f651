"""The key at hand, as the API gives it and lets it narrow itself."""

from datetime import datetime

from pydantic import Field

from views.api.schemas.common import Answer, Body, Moment, ScopeName, Text


class KeyLimits(Answer):
    requests_per_minute: int | None = Field(examples=[600])
    requests_per_month: int | None = Field(description="Of the workspace. Null means no limit.", examples=[1_000_000])


class Key(Answer):
    id: str = Field(examples=["key_3f8r2n6t0y4s7d1c"])
    name: str = Field(examples=["Nightly report"])
    workspace_id: str = Field(examples=["ws_4k7n9m2p8q3r5t6v"])
    scopes: list[str] = Field(examples=[["read:members"]])
    networks: list[str] = Field(
        description="Addresses it may be used from; empty means any.", examples=[["192.0.2.0/24"]]
    )
    created_at: datetime
    starts_at: datetime | None
    expires_at: datetime | None = Field(description="Null means no expiration.")
    limits: KeyLimits


class KeyChange(Body):
    """What a key may take from itself. Anything that gives it more is refused."""

    scopes: list[ScopeName] | None = Field(None, max_length=20, examples=[["read:members"]])
    networks: list[Text] | None = Field(None, max_length=100, examples=[["192.0.2.0/24"]])
    expires_at: Moment | None = None
