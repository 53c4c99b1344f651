"""The proof on a key's page: each notice about it, to whom it went, and what became of it."""

from dataclasses import dataclass, field
from datetime import datetime

from models import ApiKey, mail_kinds, outbox
from models.outbox import Notice

# Words and kind of the badge.
BADGES = {
    "planned": ("Planned", ""),
    "sent": ("Sent", "ok"),
    "failed": ("Will be tried again", "warn"),
    "dropped": ("Not sent", ""),
    "dead": ("Not delivered", "bad"),
}


@dataclass(frozen=True, slots=True)
class Row:
    address: str
    badge: tuple[str, str]
    at: datetime
    why: str
    # The message, if it can be sent again.
    dead: str | None


@dataclass(slots=True)
class Fact:
    """What people were to be told, once for each recipient."""

    title: str
    threshold: str
    at: datetime
    rows: list[Row] = field(default_factory=list)


def shown(key: ApiKey) -> list[Fact]:
    facts: dict[tuple[str, str, str], Fact] = {}
    for notice in outbox.notices_of(key):
        fact = facts.setdefault(
            (notice.kind, notice.subject, notice.threshold),
            Fact(mail_kinds.title(notice.kind), _threshold(notice), notice.created_at),
        )
        fact.rows.append(_row(notice))
    return list(facts.values())


def _row(notice: Notice) -> Row:
    why = "" if notice.status == "sent" else notice.why
    return Row(
        notice.address, BADGES[notice.status], notice.at, why, notice.mail_id if notice.status == "dead" else None
    )


def _threshold(notice: Notice) -> str:
    """ "7d" as people read it."""
    text = notice.threshold_shown
    number, unit = text[:-1], text[-1:]
    return f"{number} day{'s' * (number != '1')}" if unit == "d" and number.isdigit() else ""
