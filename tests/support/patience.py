"""What lets a test end alike on any machine and at any hour.

In production a database that is slow is given up soon, because people wait for an answer. In tests a hundred threads
may be in line for one row, on a machine that has more to do.
"""

import contextlib
import time
from collections.abc import Iterator

import hypothesis

from models import database, postgres

SECONDS = 60
_USUAL = database.BUSY_SECONDS, postgres.STATEMENT_SECONDS, postgres.CONNECT_SECONDS
HOUR = 3600
# The longest that a test takes which asks for the hour at hand.
LONGEST = 20


def have() -> None:
    """For every connection that is opened from now on, and every example that is tried: the same ones in each run."""
    hypothesis.settings.register_profile("suite", deadline=None, derandomize=True)
    hypothesis.settings.load_profile("suite")
    _wait(SECONDS, SECONDS, SECONDS)


@contextlib.contextmanager
def as_in_production() -> Iterator[None]:
    """Connections that are opened meanwhile wait as long as there, for a test of just that."""
    _wait(*_USUAL)
    try:
        yield
    finally:
        _wait(SECONDS, SECONDS, SECONDS)


def pytest_runtest_setup() -> None:
    """Begin no test right before the hour turns, and with it the day, the week or the month.

    What is counted by hours would else be in two of them. A test of the turn chooses its moments itself.
    """
    left = HOUR - time.time() % HOUR
    if left < LONGEST:
        time.sleep(left)


def _wait(busy: int, statement: float, connect: int) -> None:
    database.BUSY_SECONDS = busy
    postgres.STATEMENT_SECONDS, postgres.CONNECT_SECONDS = statement, connect
