"""What a change of a key would break, as the API is asked and tells it."""

from datetime import datetime

from pydantic import BaseModel, Field

from views.api.schemas.common import Answer, Moment


class ImpactQuery(BaseModel):
    scopes: str | None = Field(
        None,
        max_length=500,
        description="What the key would hold, separated by commas or blanks.",
        examples=["read:members"],
    )
    networks: str | None = Field(
        None,
        # A hundred of the longest; an address of more than 64 KB, encoded, never reaches us.
        max_length=4_400,
        description="Its IP allowlist, separated by commas or blanks. Empty: any address.",
        examples=["192.0.2.0/24"],
    )
    expires_at: Moment | None = Field(
        None, description="Its end. One before its present end refuses every call from then on, so all calls count."
    )


class RouteImpact(Answer):
    request: str = Field(
        description="Method and route; `*` for what a day did not keep apart.",
        examples=["GET /api/v2/w/<workspace_id>/members"],
    )
    at_least: int = Field(description="Calls that would certainly have been refused.", examples=[1240])
    at_most: int = Field(examples=[1240])
    addresses: int = Field(description="From how many addresses, at least.", examples=[2])
    addresses_exact: bool = Field(description="Whether `addresses` is exact.")


class Impact(Answer):
    """Both numbers are the same where each network that was counted is inside or outside of the rule."""

    days: int = Field(description="Days looked at: 7, or what the history of the plan has.", examples=[7])
    since: datetime
    at_least: int = Field(examples=[1240])
    at_most: int = Field(examples=[1240])
    routes: list[RouteImpact] = Field(description="Worst first.")
