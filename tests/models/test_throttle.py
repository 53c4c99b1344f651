"""Guessing becomes slow, and nobody is locked out for long."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from models import Throttle
from models.errors import Throttled
from models.throttle import FREE_FAILURES
from tests.support.threads import at_once

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ACCOUNT = "account:ada@example.com"


@pytest.fixture
def clock(connected: str) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def pause(*buckets: str) -> int:
    """The seconds one has to wait."""
    try:
        Throttle.check(*buckets)
    except Throttled as refusal:
        return refusal.retry_after
    return 0


@pytest.mark.parametrize("kind", FREE_FAILURES)
def test_a_few_failures_are_free(clock: time_machine.Traveller, kind: str) -> None:
    for _ in range(FREE_FAILURES[kind] - 1):
        Throttle.fail(f"{kind}:x")
    assert pause(f"{kind}:x") == 0
    Throttle.fail(f"{kind}:x")
    assert pause(f"{kind}:x") == 1


def test_the_pause_doubles_up_to_a_minute(clock: time_machine.Traveller) -> None:
    pauses = []
    for _ in range(16):
        Throttle.fail(ACCOUNT)
        pauses.append(pause(ACCOUNT))
    assert pauses == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]


def test_the_pause_ends_by_itself(clock: time_machine.Traveller) -> None:
    for _ in range(30):
        Throttle.fail(ACCOUNT)
    clock.shift(59)
    assert pause(ACCOUNT) == 1
    clock.shift(1)
    assert pause(ACCOUNT) == 0


def test_the_longest_pause_counts(clock: time_machine.Traveller) -> None:
    for times, bucket in ((5, "account:a"), (7, "account:b")):
        for _ in range(times):
            Throttle.fail(bucket)
    assert pause("account:a", "account:b", "account:c") == 4


def test_success_clears_the_count(clock: time_machine.Traveller) -> None:
    for _ in range(9):
        Throttle.fail(ACCOUNT, "address:192.0.2.7")
    Throttle.clear(ACCOUNT)
    assert pause(ACCOUNT) == 0
    assert Throttle.get_by_id("address:192.0.2.7").failures == 9


def test_failures_are_forgotten_after_an_hour(clock: time_machine.Traveller) -> None:
    for _ in range(20):
        Throttle.fail(ACCOUNT)
    clock.shift(timedelta(hours=1, seconds=1))
    Throttle.fail(ACCOUNT)
    assert pause(ACCOUNT) == 0


def test_the_purge_deletes_what_is_forgotten(clock: time_machine.Traveller) -> None:
    Throttle.fail("account:old")
    clock.shift(timedelta(minutes=61))
    Throttle.fail("account:new")
    assert Throttle.purge() == 1
    assert [row.bucket for row in Throttle.select()] == ["account:new"]


def test_failures_at_once_all_count(connected: str) -> None:
    assert at_once(20, lambda _: Throttle.fail(ACCOUNT, "address:192.0.2.7")) == [None] * 20
    assert {row.failures for row in Throttle.select()} == {20}
