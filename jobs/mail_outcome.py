"""What can become of a message that is handed over."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Outcome:
    """`sent`; `refused` for now; `dead`: refused for good; `unanswered`: nobody knows. And what was said."""

    what: Literal["sent", "refused", "dead", "unanswered"]
    said: str = ""


class Unreachable(Exception):
    """The server cannot be talked to, which says nothing about the message. Its text is for people."""
