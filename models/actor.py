"""Who is acting: handed to every verb, so that the audit trail is the same from page, API and command line."""

from dataclasses import dataclass
from typing import Literal

from models import role


@dataclass(frozen=True, slots=True)
class Actor:
    kind: Literal["user", "key", "cli", "system"]
    name: str
    id: str | None = None
    # The roles that this actor may add, change or remove.
    touches: frozenset[str] = frozenset()
    address: str | None = None
    request_id: str | None = None


COMMAND_LINE = Actor("cli", "Command line", touches=frozenset(role.ROLES))
SYSTEM = Actor("system", "Gravity Rail", touches=frozenset())
