"""When a key starts and ends: what a date means where the person lives, and dates that cannot be."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from models.database import now
from tests.support.cast import Person
from tests.support.clients import Browser
from tests.support.key_pages import create, created, keys_of, live_in, ticked, words

Browse = Callable[[Person], Browser]


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("", "Choose a date."),
        ("soon", "Enter a date, like 2027-03-31."),
        ("2027-02-29", "Enter a date, like 2027-03-31."),
        ("10000-01-01", "Enter a date, like 2027-03-31."),
        ("2020-01-01", "Choose an expiration in the future."),
        ("0001-01-01", "Choose an expiration in the future."),
        ("9999-12-31", "Choose an expiration within 50 years, or none."),
        ("2100-01-01", "Choose an expiration within 50 years, or none."),
    ],
)
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin"])
def test_a_date_that_cannot_be_is_refused_in_every_zone(
    ada: Person, browse: Browse, day: str, said: str, zone: str
) -> None:
    live_in(ada, zone)
    answer = create(browse(ada), ada, expires="custom", expires_on=day)
    assert answer.status_code == 422
    assert said in words(answer)


def test_ninety_days_are_chosen_unless_one_says_otherwise(ada: Person, browse: Browse) -> None:
    assert ticked(browse(ada).get(ada.settings("api-keys/new")), "expires") == {"90"}
    key = created(browse(ada), ada)
    assert abs(key.expires_at - now() - timedelta(days=90)) < timedelta(minutes=1)


def test_a_key_may_live_on_for_ever(ada: Person, browse: Browse) -> None:
    assert created(browse(ada), ada, expires="none").expires_at is None


@pytest.mark.parametrize(
    ("zone", "day", "end"),
    [
        ("UTC", "2027-03-31", datetime(2027, 3, 31, 23, 59, 59, tzinfo=UTC)),
        ("Europe/Berlin", "2027-03-28", datetime(2027, 3, 28, 21, 59, 59, tzinfo=UTC)),
        ("Europe/Berlin", "2028-02-29", datetime(2028, 2, 29, 22, 59, 59, tzinfo=UTC)),
        ("Pacific/Kiritimati", "2027-03-31", datetime(2027, 3, 31, 9, 59, 59, tzinfo=UTC)),
        ("Etc/GMT+12", "2027-03-31", datetime(2027, 4, 1, 11, 59, 59, tzinfo=UTC)),
        ("Asia/Kathmandu", "2027-03-31", datetime(2027, 3, 31, 18, 14, 59, tzinfo=UTC)),
        # Here the clocks go back at midnight, so 23:59:59 comes twice: the second one counts.
        ("America/Santiago", "2027-04-03", datetime(2027, 4, 4, 3, 59, 59, tzinfo=UTC)),
    ],
)
@time_machine.travel(datetime(2027, 1, 10, 12, tzinfo=UTC))
def test_a_date_means_through_the_end_of_that_day_where_the_person_lives(
    ada: Person, browse: Browse, zone: str, day: str, end: datetime
) -> None:
    live_in(ada, zone)
    answer = create(browse(ada), ada, expires="custom", expires_on=day)
    assert keys_of(ada)[0].expires_at == end
    shown = datetime.fromisoformat(day)
    assert f"{shown:%b} {shown.day}, {shown.year}, 23:59" in words(answer)


@time_machine.travel(datetime(2027, 1, 10, 23, 30, tzinfo=UTC))
def test_today_can_be_the_last_day(ada: Person, browse: Browse) -> None:
    live_in(ada, "Pacific/Kiritimati")
    page = browse(ada).get(ada.settings("api-keys/new"))
    assert 'min="2027-01-11"' in page.text
    key = created(browse(ada), ada, expires="custom", expires_on="2027-01-11")
    assert key.expires_at == datetime(2027, 1, 11, 9, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "start"),
    [
        ("2027-03-01T09:00", datetime(2027, 3, 1, 8, 0, tzinfo=UTC)),
        ("2027-03-01 09:00", datetime(2027, 3, 1, 8, 0, tzinfo=UTC)),
        ("2027-03-01T09:00:30", datetime(2027, 3, 1, 8, 0, 30, tzinfo=UTC)),
        # The clocks skip from 02:00 to 03:00: what never was is 03:30.
        ("2027-03-28T02:30", datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),
        # And go back from 03:00 to 02:00: the first of the two.
        ("2027-10-31T02:30", datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),
    ],
)
@time_machine.travel(datetime(2027, 1, 10, 12, tzinfo=UTC))
def test_a_start_is_in_the_time_of_the_person(ada: Person, browse: Browse, typed: str, start: datetime) -> None:
    live_in(ada, "Europe/Berlin")
    key = created(browse(ada), ada, starts_at=typed, expires="none")
    assert key.starts_at == start
    assert key.state(now()) == "scheduled"


def test_a_start_after_the_end_is_refused(ada: Person, browse: Browse) -> None:
    answer = create(browse(ada), ada, starts_at=f"{now() + timedelta(days=40):%Y-%m-%dT%H:%M}", expires="30")
    assert "The start must be before the expiration." in words(answer)
