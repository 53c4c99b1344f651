"""The requests of a key as the API gives them: rows of buckets."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from views.api.schemas.common import Answer, Moment

Unit = Literal["hour", "day"]


class UsageQuery(BaseModel):
    since: Moment | None = Field(
        None,
        alias="from",
        description="The bucket with this moment is the first. Without it: 30 days, or 24 hours, before `to`.",
        examples=["2026-05-01T00:00:00Z"],
    )
    until: Moment | None = Field(
        None, alias="to", description="Buckets that begin before it. Without it, or later than now: now."
    )
    bucket: Unit = Field("day", description="At most 400 days, or 744 hours, at once.")


class Counts(Answer):
    succeeded: int = Field(description="Status below 400.", examples=[1490])
    client_error: int = Field(description="Status 4xx but those below.", examples=[32])
    denied: int = Field(description="Status 401 and 403.", examples=[0])
    rate_limited: int = Field(description="Status 429.", examples=[690])
    server_error: int = Field(description="Status 5xx.", examples=[0])
    total: int = Field(examples=[2212])


class Bucket(Answer):
    """An hour or a day of UTC. Where the counts are null they are not known, and `unknown` says why."""

    since: datetime = Field(alias="from", examples=["2026-05-04T00:00:00Z"])
    until: datetime = Field(alias="to", examples=["2026-05-05T00:00:00Z"])
    succeeded: int | None = Field(examples=[1490])
    client_error: int | None = Field(examples=[32])
    denied: int | None = Field(examples=[0])
    rate_limited: int | None = Field(examples=[690])
    server_error: int | None = Field(examples=[0])
    total: int | None = Field(examples=[2212])
    unknown: Literal["before", "history", "hours"] | None = Field(
        description="`before` the key was made, beyond the `history` of the plan, or older than `hours` are kept."
    )
    complete: bool = Field(
        description="False when some requests of this time, of whichever key, were not or not yet counted.",
        examples=[True],
    )


class Usage(Answer):
    key_id: str = Field(examples=["key_3f8r2n6t0y4s7d1c"])
    bucket: Unit
    since: datetime = Field(alias="from", description="Start of the first bucket.", examples=["2026-05-04T00:00:00Z"])
    until: datetime = Field(alias="to", description="End of the last bucket.", examples=["2026-05-05T00:00:00Z"])
    totals: Counts = Field(description="The sum of what is known.")
    data: list[Bucket] = Field(description="Every bucket, oldest first. The last one may still be going on.")
