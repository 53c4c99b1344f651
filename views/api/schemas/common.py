"""What all parts of the API share in what they take and give. Unknown fields in a body are refused."""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from models.scope import SCOPES

Text = Annotated[str, Field(max_length=500)]


def _written(value: Any) -> Any:
    """A number is no RFC 3339 time, though pydantic would take it for seconds since 1970."""
    if not isinstance(value, str) or not value[:10].count("-") == 2:
        raise ValueError("Write a time with its zone, like 2027-01-31T00:00:00Z.")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written)]


def _no_text(value: Any) -> Any:
    """JSON has numbers, though pydantic would read one from a text, and from true."""
    if isinstance(value, str | bool):
        raise ValueError("Send a whole number.")
    return value


Number = Annotated[int, BeforeValidator(_no_text)]


# The models check it, and say it in one sentence.
ScopeName = Annotated[Text, Field(json_schema_extra={"enum": list(SCOPES)})]


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
