"""What the database knows of a workspace's month."""

from datetime import UTC, datetime

from models import database, monthly_use
from models.monthly_use import Keeper, month_at
from tests.support.cast import Person

LAST = database.to_microseconds(datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))


def test_a_year_ends_between_two_moments() -> None:
    assert [month_at(moment).number for moment in (LAST, LAST + 1, LAST)] == [202612, 202701, 202612]
    assert month_at(LAST).ends == month_at(LAST + 1).starts == LAST + 1
    assert month_at(LAST).seconds == month_at(LAST + 1).seconds == 31 * 86_400


def test_a_worker_whose_count_is_behind_takes_nothing_back(ada: Person) -> None:
    """As one that counted alone while Redis was away."""
    for used in (100, 40):
        Keeper().keep(ada.workspace.id, used, LAST)
    Keeper().keep(ada.workspace.id, 7, LAST + 1)
    assert [monthly_use.kept(ada.workspace.id, month_at(moment)) for moment in (LAST, LAST + 1)] == [100, 7]
