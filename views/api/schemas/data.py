"""Collections and records, as the API takes and gives them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from views.api.schemas.common import Answer, Body, Text

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"number": {"type": "string"}, "total": {"type": "number", "minimum": 0}},
    "required": ["number"],
    "additionalProperties": False,
}
VALUES: dict[str, Any] = {"number": "F-2041", "total": 129.5}
ABOUT_SCHEMA = "A part of JSON Schema, draft 2020-12, of at most 16 KB: see the documentation for its keywords."


class Collection(Answer):
    id: str = Field(examples=["col_7j3m6p9r2t5v8x1z"])
    name: str = Field(description="Its address.", examples=["orders"])
    title: str = Field(examples=["Orders"])
    schema_: dict[str, Any] = Field(
        alias="schema", description="What each record's values must fit.", examples=[SCHEMA]
    )
    created_at: datetime
    updated_at: datetime


class CollectionList(Answer):
    data: list[Collection]
    next_cursor: str | None = Field(description="Null on the last page.")


class NewCollection(Body):
    name: str = Field(
        max_length=63,
        description="Its address, which stays: a-z, 0-9, `_` and `-`, beginning with a letter.",
        examples=["orders"],
        # The model checks it, and says it in words.
        json_schema_extra={"pattern": "^[a-z][a-z0-9_-]{0,62}$"},
    )
    title: Text = Field(description="One line, up to 120 characters.", examples=["Orders"])
    schema_: dict[str, Any] = Field(alias="schema", description=ABOUT_SCHEMA, examples=[SCHEMA])


class CollectionChange(Body):
    """What is left out stays. A schema is one value: it is replaced whole, since null has a meaning inside of it."""

    title: Text | None = Field(None, examples=["Orders"])
    schema_: dict[str, Any] | None = Field(None, alias="schema", description=ABOUT_SCHEMA, examples=[SCHEMA])


class Writer(Answer):
    """Who wrote it last, as they were called then."""

    kind: Literal["user", "key", "workflow", "cli", "system"] = Field(examples=["key"])
    name: str = Field(examples=["Supplier portal"])
    id: str | None = Field(description="Of the member, key or workflow.", examples=["key_3f8r2n6t0y4s7d1c"])


class Record(Answer):
    id: str = Field(examples=["rec_4c7f0h3k6n9q2s5w"])
    values: dict[str, Any] = Field(examples=[VALUES])
    updated_by: Writer
    created_at: datetime
    updated_at: datetime


class RecordList(Answer):
    data: list[Record]
    next_cursor: str | None = Field(description="Null on the last page.")


class NewRecord(Body):
    values: dict[str, Any] = Field(
        description="An object that fits the schema of the collection, at most 64 KB.", examples=[VALUES]
    )


class RecordChange(Body):
    """A merge patch (RFC 7396) of the values: what is left out stays, null removes, at every level."""

    values: dict[str, Any] = Field(default_factory=dict, examples=[{"total": 140}])
