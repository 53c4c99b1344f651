"""Reports of keys that were found somewhere."""

from typing import Literal

from pydantic import Field

from views.api.schemas.common import Answer, Body, Text


class KeyReport(Body):
    """The key itself is the proof: nothing else is needed, no key in the `Authorization` header either."""

    key: str = Field(description="The whole key, as it was found.", examples=["gr_your_api_key_here"])
    url: Text | None = Field(
        None, description="Where it was found. The owners of the key see it.", examples=["https://example.com/paste/1"]
    )


class Received(Answer):
    status: Literal["received"] = Field(description="The report came in. That is all there is to say.")
