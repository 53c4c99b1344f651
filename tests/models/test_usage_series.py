"""Uses as rows of buckets: what is known, what is not and why, and that zero is zero."""

from datetime import UTC, datetime, timedelta

import pytest

from models import ApiKey, KeySecret, UsageGap, Workspace, database, usage, usage_month, usage_series, usage_sparks
from models.plan import PLANS, Plan
from models.usage_purge import HOURS_KEPT
from models.usage_series import BEFORE, HISTORY, HOURS, LATER, Series
from tests.support.cast import Person, make_key
from tests.support.usage import used

# A Thursday, some minutes into an hour.
NOON = datetime(2026, 11, 19, 12, 20, tzinfo=UTC)
TEAM, FREE, BUSINESS = PLANS["team"], PLANS["free"], PLANS["business"]


@pytest.fixture
def old(ada: Person) -> tuple[ApiKey, str]:
    """A key that is older than any history."""
    with database.at(NOON - timedelta(days=500)):
        return make_key(ada)


def at(**ago: float) -> datetime:
    return NOON - timedelta(**ago)


def of(key: ApiKey, name: str, plan: Plan = TEAM) -> Series:
    return usage_series.of_key(key, plan, usage_series.latest(name, NOON), NOON)


@pytest.mark.parametrize(
    ("name", "first", "hours", "steps"),
    [
        ("24h", datetime(2026, 11, 18, 13, tzinfo=UTC), 1, 24),
        ("7d", datetime(2026, 11, 12, 18, tzinfo=UTC), 6, 28),
        ("30d", datetime(2026, 10, 21, tzinfo=UTC), 24, 30),
        ("90d", datetime(2026, 8, 22, tzinfo=UTC), 24, 90),
    ],
)
def test_a_range_ends_with_the_bucket_that_is_going_on(name: str, first: datetime, hours: int, steps: int) -> None:
    span = usage_series.latest(name, NOON)
    assert (span.starts, span.hours, span.steps) == (first, hours, steps)
    assert span.ends - timedelta(hours=hours) <= NOON < span.ends


def test_each_use_is_in_one_bucket_of_each_range(old: tuple[ApiKey, str]) -> None:
    key, text = old
    used(text, at=at(minutes=20, microseconds=1), times=3)
    used(text, at=at(minutes=20), times=5, status=429)
    used(text, at=at(minutes=10), times=7, status=500, scope="read:data")
    used(text, at=at(hours=30), times=11, status=404)
    used(text, at=at(days=20), times=13, status=403)
    assert [bucket.counts for bucket in of(key, "24h").buckets][-2:] == [(3, 0, 0, 0, 0), (0, 0, 0, 5, 7)]
    assert of(key, "24h").counts == (3, 0, 0, 5, 7)
    week = of(key, "7d")
    assert week.counts == (3, 11, 0, 5, 7)
    assert week.buckets[-1].counts == (0, 0, 0, 5, 7) and week.buckets[-2].counts == (3, 0, 0, 0, 0)
    assert [bucket.starts.hour for bucket in week.buckets[:4]] == [18, 0, 6, 12]
    assert of(key, "30d").counts == of(key, "90d").counts == (3, 11, 13, 5, 7)
    assert of(key, "30d").buckets[-1].total == 15
    assert all(not bucket.unknown for name in usage_series.RANGES for bucket in of(key, name).buckets)


def test_one_secret_is_told_apart(ada: Person, old: tuple[ApiKey, str]) -> None:
    key, text = old
    used(text, at=at(hours=3), times=2)
    first = KeySecret.get(KeySecret.key == key.id).id
    used(key.rotate(by=ada.actor).reveal(), at=at(hours=1), times=9)
    span = usage_series.latest("7d", NOON)
    assert usage_series.of_key(key, TEAM, span, NOON, first).total == 2
    assert usage_series.of_key(key, TEAM, span, NOON).total == 11


def test_nothing_is_known_before_the_key_was_made(ada: Person) -> None:
    with database.at(at(days=3)):
        key, text = make_key(ada)
    used(text, at=at(days=2), times=4)
    series = of(key, "30d")
    assert [bucket.unknown for bucket in series.buckets] == [BEFORE] * 26 + [""] * 4
    assert (series.total, len(series.known), series.lacks(BEFORE), series.lacks(HISTORY)) == (4, 4, True, False)


def test_a_bucket_that_ends_as_the_key_was_made_is_not_known(ada: Person) -> None:
    with database.at(at(days=3).replace(hour=0, minute=0)):
        key, _ = make_key(ada)
    assert [bucket.unknown for bucket in of(key, "30d").buckets] == [BEFORE] * 26 + [""] * 4


def test_the_history_of_the_plan_holds_at_once(ada: Person, old: tuple[ApiKey, str]) -> None:
    key, text = old
    used(text, at=at(days=6), times=2)
    used(text, at=at(days=20), times=9)
    assert of(key, "30d", TEAM).total == 11
    cut = of(key, "30d", FREE)
    assert (cut.total, cut.lacks(HISTORY)) == (2, True)
    assert [bucket.unknown for bucket in cut.buckets] == [HISTORY] * 23 + [""] * 7
    # The week fits into a history of seven days.
    assert not of(key, "7d", FREE).lacks(HISTORY)


def test_hours_are_kept_for_ninety_days(old: tuple[ApiKey, str]) -> None:
    key, _ = old
    hours = usage_series.between(at(days=91), at(days=89), 1)
    days = usage_series.between(at(days=399), NOON, 24)
    series = usage_series.of_key(key, BUSINESS, hours, NOON)
    assert [bucket.unknown for bucket in series.buckets] == [HOURS] * 25 + [""] * 24
    assert not usage_series.of_key(key, BUSINESS, days, NOON).lacks(HOURS)
    sharp = NOON.replace(minute=0)
    assert not usage_series.of_key(key, BUSINESS, usage_series.between(sharp - HOURS_KEPT, sharp, 1), sharp).lacks(
        HOURS
    )


def test_between_takes_every_bucket_that_is_touched() -> None:
    span = usage_series.between(at(hours=2), NOON, 1)
    assert (span.starts, span.steps) == (datetime(2026, 11, 19, 10, tzinfo=UTC), 3)
    whole = usage_series.between(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC), 24)
    assert (whole.starts.day, whole.steps, whole.ends.day) == (1, 2, 3)


def test_what_could_not_be_counted_is_said(old: tuple[ApiKey, str]) -> None:
    key, _ = old
    UsageGap.create(hour=usage.hour_of(at(hours=5)), count=12)
    assert [place for place, bucket in enumerate(of(key, "24h").buckets) if bucket.is_short] == [18]
    assert [place for place, bucket in enumerate(of(key, "7d").buckets) if bucket.is_short] == [26]
    assert [place for place, bucket in enumerate(of(key, "30d").buckets) if bucket.is_short] == [29]
    assert of(key, "90d").is_short and of(key, "90d").total == 0


def test_the_days_of_many_keys_in_small(ada: Person, old: tuple[ApiKey, str]) -> None:
    key, text = old
    used(text, at=NOON, times=3)
    used(text, at=NOON, times=2, status=429)
    used(text, at=at(days=29), times=4)
    used(text, at=at(days=30), times=100)
    # A clock was ahead.
    used(text, at=at(days=-1), times=100)
    with database.at(at(days=2)):
        young, _ = make_key(ada)
    found = usage_sparks.sparks([key, young], TEAM, NOON)
    assert (found[key.id].totals, found[key.id].failed) == ([4] + [0] * 28 + [5], [0] * 29 + [2])
    assert (found[key.id].total, found[key.id].total_failed, found[key.id].known_from) == (9, 2, 0)
    assert (found[young.id].total, found[young.id].known_from) == (0, 27)
    assert usage_sparks.sparks([key], FREE, NOON)[key.id].totals == [0] * 6 + [5]
    assert usage_sparks.sparks([], TEAM, NOON) == {}


@pytest.fixture
def founded(ada: Person) -> Workspace:
    """Fieldstone, as if it had been there for long."""
    ada.workspace.created_at = at(days=600)
    ada.workspace.save()
    return ada.workspace


def test_a_month_has_all_its_days_and_does_not_know_those_to_come(founded: Workspace, old: tuple[ApiKey, str]) -> None:
    used(old[1], at=at(days=18), times=6)
    used(old[1], at=at(days=19), times=50)
    series = usage_month.month(founded, NOON)
    assert (len(series.buckets), series.total) == (30, 6)
    assert [bucket.unknown for bucket in series.buckets] == [""] * 19 + [LATER] * 11
    founded.plan_slug = "free"
    assert [bucket.unknown for bucket in usage_month.month(founded, NOON).buckets][11:13] == [HISTORY, ""]


def test_the_projection_goes_on_as_the_last_full_days_did(founded: Workspace, old: tuple[ApiKey, str]) -> None:
    for days in range(1, 8):
        used(old[1], at=at(days=days), times=100)
    used(old[1], at=at(days=8), times=9999)
    used(old[1], at=NOON, times=9999)
    # What was refused spends nothing of the quota.
    used(old[1], at=at(days=2), times=9999, status=429)
    found = usage_month.projection(founded, 1000, NOON)
    left = datetime(2026, 12, 1, tzinfo=UTC) - NOON
    assert found and found[:3] == (7, 100, 1000 + round(100 * (left / timedelta(days=1))))
    assert found.used_up is None
    soon = usage_month.projection(founded, 999_900, NOON)
    assert soon and soon.used_up == NOON + timedelta(days=1)
    over = usage_month.projection(founded, 1_000_000, NOON)
    assert over and over.used_up is None


def test_without_a_full_day_there_is_no_projection(ada: Person) -> None:
    ada.workspace.created_at = at(hours=20)
    assert usage_month.projection(ada.workspace, 5, NOON) is None
    ada.workspace.created_at = at(hours=40)
    assert usage_month.projection(ada.workspace, 5, NOON) == usage_month.Projection(1, 0, 5, None)


def test_the_busiest_keys_of_the_month(ada: Person, mallory: Person, founded: Workspace) -> None:
    keys = [make_key(ada, name=f"Number {number}") for number in range(7)]
    for number, (_, text) in enumerate(keys):
        used(text, at=at(days=2), times=10 * number)
        used(text, at=at(days=2), times=number, status=503)
        used(text, at=at(days=25), times=1000)
    used(make_key(mallory)[1], at=at(days=2), times=5000)
    gone, _ = keys[6]
    gone.revoke(by=ada.actor)
    gone.delete(by=ada.actor)
    found = usage_month.top_keys(founded, NOON)
    assert [(key.name, key.total, key.failed, key.is_deleted) for key in found] == [
        ("Number 6", 66, 6, True), ("Number 5", 55, 5, False), ("Number 4", 44, 4, False),
        ("Number 3", 33, 3, False), ("Number 2", 22, 2, False),
    ]  # fmt: skip
    assert usage_month.top_from(TEAM, NOON).day == 1
    assert usage_month.top_from(FREE, NOON).day == 13
