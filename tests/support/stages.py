"""The clean-up in stages, at any moment."""

from datetime import datetime, timedelta

import pytest

from jobs import clean_up
from models import ApiKey, database
from models.database import now
from tests.support.cast import Person
from tests.support.key_pages import fresh
from tests.support.policies import rule

DAY = timedelta(days=1)


@pytest.fixture
def start(ada: Person) -> datetime:
    """A little later than the keys that the test makes."""
    rule(ada, staged_cleanup=True, unused_days=60)
    return now() + timedelta(minutes=5)


def run_at(moment: datetime) -> str:
    with database.at(moment):
        return clean_up.run()


def daily(start: datetime, first: int, last: int) -> list[tuple[int, str]]:
    """The days on which something was done, and what."""
    said = [(day, run_at(start + day * DAY)) for day in range(first, last + 1)]
    return [(day, words) for day, words in said if words]


def stage(key: ApiKey) -> str:
    found = fresh(key)
    if found.revoked_at:
        return "revoked"
    return "quarantined" if found.quarantined_at else "flagged" if found.flagged_at else "none"


def used_at(key: ApiKey, moment: datetime) -> None:
    ApiKey.update(last_used_at=moment).where(ApiKey.id == key.id).execute()
