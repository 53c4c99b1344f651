"""Where the secrets of a key were found, as its page tells it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from models import ApiKey, Leak, leak

# A secret that was no danger is told of for so long; the history keeps it.
TOLD_OF = timedelta(days=30)
REPORTERS = {leak.GITHUB: "GitHub secret scanning", leak.HOLDER: "someone who had the key"}


@dataclass(frozen=True, slots=True)
class Found:
    """One secret of the key, and the places where it was found, newest first."""

    at: datetime
    hint: str
    reporter: str
    outcome: str
    still_works: bool
    places: list[Leak]


def shown(key: ApiKey, moment: datetime) -> list[Found]:
    """What to tell now: a danger for as long as it is one, the rest for a while."""
    by_secret: dict[str, list[Leak]] = {}
    for each in Leak.of(key):
        by_secret.setdefault(each.secret_id, []).append(each)
    found = [_found(rows, moment) for rows in by_secret.values()]
    return [each for each in found if each.still_works or each.outcome == leak.REVOKED or each.at > moment - TOLD_OF]


def _found(rows: list[Leak], moment: datetime) -> Found:
    outcomes = {row.outcome for row in rows}
    # The first report is what anybody acted upon.
    first = rows[-1]
    return Found(
        at=first.at,
        hint=first.secret.hint,
        reporter=REPORTERS[first.reporter],
        outcome=next(each for each in (leak.REVOKED, leak.TOLD, leak.DEAD) if each in outcomes),
        still_works=leak.works(first.secret, moment),
        places=[row for row in rows if row.url],
    )
