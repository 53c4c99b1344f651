"""Who is acting: handed to every verb, so that the audit trail is the same from page, API and command line."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from models import role


@dataclass(frozen=True, slots=True)
class Grant:
    """What a key holds, and so the most that it can give to anything it makes or starts."""

    scopes: frozenset[str]
    networks: tuple[str, ...]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Actor:
    kind: Literal["user", "key", "cli", "system", "workflow"]
    name: str
    id: str | None = None
    # The roles that this actor may add, change or remove.
    touches: frozenset[str] = frozenset()
    address: str | None = None
    request_id: str | None = None
    # Of a key that acts; people and the command line are bound by their role alone.
    grant: Grant | None = None


COMMAND_LINE = Actor("cli", "Command line", touches=frozenset(role.ROLES))
SYSTEM = Actor("system", "Gravity Rail", touches=frozenset())
