"""API keys, as the API takes and gives them to a key that manages them."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field, StrictBool

from views.api.schemas.common import Answer, Body, ListQuery, Moment, ScopeName, Text
from views.api.schemas.key import Overlap

State = Literal["active", "disabled", "expired", "revoked", "scheduled", "quarantined"]
Reason = Literal["unneeded", "replaced", "leaked", "left", "other"]


class ApiKeyQuery(ListQuery):
    status: Literal["all", "active", "expiring", "unused", "inactive"] = Field(
        "all", description="Which keys. `inactive` are the revoked and expired ones."
    )


class Maker(Answer):
    kind: Literal["user", "key", "cli", "system"]
    name: str = Field(examples=["Ada Moreau"])
    id: str | None = Field(
        description="Of the member, while they are in the workspace, or of the key.", examples=["mem_8m2k4q7v9w1x3z5a"]
    )
    member_id: str | None = Field(
        description="Of the person who made it, or who is behind the key that did, while they are in the workspace.",
        examples=["mem_8m2k4q7v9w1x3z5a"],
    )


class RetiringSecret(Answer):
    hint: str = Field(description="What may be shown of it.", examples=["gr_9c3d…7e"])
    retired_at: datetime = Field(description="When another secret took its place.")
    ends_at: datetime = Field(description="When it stops working.")


class ApiKey(Answer):
    id: str = Field(examples=["key_3f8r2n6t0y4s7d1c"])
    name: str = Field(examples=["Nightly report"])
    note: str = Field(examples=["Vault, path ci/report"])
    scopes: list[str] = Field(examples=[["read:members", "read:data"]])
    networks: list[str] = Field(
        description="Addresses it may be used from; empty means any.", examples=[["192.0.2.0/24"]]
    )
    status: State
    hint: str = Field(description="What may be shown of its secret.", examples=["gr_4k7n…1x"])
    retiring_secret: RetiringSecret | None = Field(
        description="The one that the last rotation replaced, while it still works."
    )
    created_at: datetime
    created_by: Maker
    starts_at: datetime | None
    expires_at: datetime | None = Field(description="Null means no expiration.")
    disabled_at: datetime | None
    revoked_at: datetime | None
    revoke_reason: Reason | None
    last_used_at: datetime | None
    last_used_address: str | None = Field(examples=["192.0.2.7"])
    last_used_client: str | None = Field(examples=["python-httpx/0.28"])
    last_used_request: str | None = Field(examples=["GET /api/v2/w/<workspace_id>/members"])
    last_used_status: int | None = Field(examples=[200])


class ApiKeyWithSecret(ApiKey):
    secret: str | None = Field(
        description="Shown in this answer and never again. Null in the repeat of an `Idempotency-Key`.",
        examples=["gr_your_new_api_key_here"],
    )
    secret_note: str | None = Field(
        description="In the repeat of an `Idempotency-Key`: that the secret was shown already."
    )


class ApiKeyList(Answer):
    data: list[ApiKey]
    next_cursor: str | None = Field(description="Absent pages end with null.")


class NewApiKey(Body):
    """A new key. It can hold no more than the key that makes it."""

    name: Text = Field(examples=["Nightly report"])
    scopes: list[ScopeName] = Field(max_length=20, examples=[["read:members", "read:data"]])
    expires_at: Moment | None = Field(None, description="Null for no expiration.")
    networks: list[Text] = Field(
        [], max_length=100, description="Addresses and networks; empty means any.", examples=[["192.0.2.0/24"]]
    )
    starts_at: Moment | None = Field(None, description="Null to start at once.")
    note: Text = Field("", description="Where the secret is kept, say.", examples=["Vault, path ci/report"])


class ApiKeyChange(Body):
    """A merge patch (RFC 7396): what is left out stays."""

    name: Text | None = Field(None, examples=["Nightly report"])
    note: Text | None = Field(None, description="Null empties it.", examples=["Vault, path ci/report"])
    scopes: list[ScopeName] | None = Field(None, max_length=20, examples=[["read:members"]])
    networks: list[Text] | None = Field(
        None, max_length=100, description="Null or empty means any address.", examples=[["192.0.2.0/24"]]
    )
    starts_at: Moment | None = Field(None, description="Null to start at once.")
    expires_at: Moment | None = Field(None, description="Null for no expiration.")
    disabled: StrictBool | None = Field(None, description="True refuses the key until it is false again.")


class Revocation(Body):
    may_be_left_out: ClassVar[bool] = True

    reason: Reason = Field("unneeded", description="Why, for its history.")
    note: Text = Field("", examples=["Found in a public repository"])


class Rotation(Body):
    may_be_left_out: ClassVar[bool] = True

    overlap: Overlap = Field(
        "none", description="How long the old secret works on. Never longer than the key.", examples=["24h"]
    )


class MoreTime(Body):
    overlap: Literal["1h", "24h", "7d"] = Field(
        description="How long the old secret works from now on. Never longer than the key.", examples=["24h"]
    )
