"""The key at hand, as the API gives it and lets it narrow itself."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from views.api.schemas.common import Answer, Body, Moment, ScopeName, Text

Overlap = Literal["none", "1h", "24h", "7d"]


class KeyLimits(Answer):
    requests_per_minute: int | None = Field(examples=[600])
    requests_per_month: int | None = Field(description="Of the workspace. Null means no limit.", examples=[1_000_000])


class KeyWarning(Answer):
    """The same as in the header fields `Sunset`, `Deprecation` and `Link`."""

    sunset: datetime = Field(description="When the secret that was sent stops working.")
    deprecation: datetime | None = Field(description="When another secret took its place, if one did.")
    link: str = Field(
        description="The page of the key, for people.",
        examples=["https://keys.example.com/w/ws_4k7n9m2p8q3r5t6v/settings/api-keys/key_3f8r2n6t0y4s7d1c"],
    )
    detail: str = Field(examples=["This secret was replaced. Use the new one: this one stops working at its end."])


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
    secret_status: Literal["current", "retiring"] = Field(
        description="Of the secret that was sent: `retiring` was replaced, and works until the end of its overlap."
    )
    secret_ends_at: datetime | None = Field(
        description="When that secret stops working: the end of the overlap or of the key. Null means never."
    )
    warning: KeyWarning | None = Field(description="There when the secret stops working within 14 days.")


class KeyWithSecret(Key):
    secret: str | None = Field(
        description="Shown in this answer and never again. Null in the repeat of an `Idempotency-Key`.",
        examples=["gr_your_new_api_key_here"],
    )
    secret_note: str | None = Field(
        description="In the repeat of an `Idempotency-Key`: that the secret was shown already."
    )
    old_secret_ends_at: datetime | None = Field(
        description="When the secret that was sent stops working. Null means that it has."
    )


class KeyChange(Body):
    """What a key may take from itself. Anything that gives it more is refused."""

    scopes: list[ScopeName] | None = Field(None, max_length=20, examples=[["read:members"]])
    networks: list[Text] | None = Field(None, max_length=100, examples=[["192.0.2.0/24"]])
    expires_at: Moment | None = None


class OwnRotation(Body):
    may_be_left_out: ClassVar[bool] = True

    overlap: Overlap = Field(
        "24h", description="How long the secret that is sent works on. Never longer than the key.", examples=["24h"]
    )
