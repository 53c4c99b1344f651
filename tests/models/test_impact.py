"""What a change would have refused, against each use judged by itself."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import ApiKey, database, impact, scope, usage, usage_sums
from models.database import db, now, transaction
from models.key_settings import KeySettings
from models.usage import UsageRoute
from models.usage_journal import ACCEPTED, REFUSED
from tests.support.cast import Person
from tests.support.impact import Called, is_single, refused
from tests.support.keys import on_plan
from tests.support.usage import use_of, used

MakeKey = Callable[..., tuple[ApiKey, str]]

ADDRESSES = st.sampled_from(
    ["192.0.2.7", "192.0.2.8", "192.0.2.130", "198.51.100.1", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "::1"]
)
LISTS = st.lists(
    st.sampled_from(
        ["192.0.2.7/32", "192.0.2.0/25", "192.0.2.128/25", "192.0.2.0/24", "198.51.100.0/24", "2001:db8::1/128",
         "2001:db8::/64", "2001:db8::/48", "::1/128"]
    ),
    max_size=3,
    unique=True,
)  # fmt: skip
CALLS = st.lists(
    st.builds(
        Called,
        address=ADDRESSES,
        request=st.sampled_from(["GET /a", "POST /a", "GET /b"]),
        scope=st.sampled_from(["", "read:members", "write:data", "admin:workspace"]),
        times=st.integers(1, 50),
    ),
    max_size=12,
)
ENDS = st.sampled_from([None, datetime(2040, 1, 1, tzinfo=UTC), datetime(2041, 1, 1, tzinfo=UTC)])
SCOPES = st.sets(st.sampled_from(sorted(scope.SCOPES)), min_size=1).map(frozenset)
SETTINGS = st.builds(KeySettings, st.just("CI"), SCOPES, networks=LISTS.map(tuple), expires_at=ENDS)


@pytest.fixture
def many_keys(ada: Person) -> None:
    """Each example makes one."""
    on_plan(ada, "enterprise")


def count(key: ApiKey, calls: list[Called], verdict: str = ACCEPTED, days_ago: int = 0) -> None:
    """As the fold would, all at once."""
    moment = database.to_microseconds(now() - timedelta(days=days_ago))
    with transaction():
        for call in calls:
            sums = usage_sums.Sums()
            use = use_of(key, moment, address=call.address, request=call.request, scope=call.scope, verdict=verdict)
            sums.add(use, call.times)
            sums.write(usage_sums.Remembered())


@given(calls=CALLS, before=SETTINGS, after=SETTINGS, room=st.sampled_from([1, 3, 200]))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_impact_is_the_sum_of_what_the_rule_refuses(
    ada: Person,
    many_keys: None,
    make_key: MakeKey,
    calls: list[Called],
    before: KeySettings,
    after: KeySettings,
    room: int,
) -> None:
    key, _ = make_key(ada, name=f"Key of {database.random_text(16)}")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(usage_sums, "ROUTES", room)
        patched.setattr(usage_sums, "WIDE_ROUTES", room * 2)
        count(key, calls)
        count(key, calls, REFUSED)
    found = impact.of_change(key, before, after)
    stops = after.expires_at is not None and (before.expires_at is None or after.expires_at < before.expires_at)
    truth = refused(calls, before, after, stops=stops)
    total = sum(call.times for those in truth.values() for call in those)
    assert found.at_least <= total <= found.at_most
    kept_apart = len({(call.address, call.request, call.scope) for call in calls}) <= room
    if kept_apart and all(is_single(call.address) for call in calls):
        assert found.at_least == total == found.at_most
        assert {route.request: route.at_most for route in found.routes} == {
            request: sum(call.times for call in those) for request, those in truth.items()
        }
        for route in found.routes:
            assert route.addresses_exact
            assert route.addresses == len({call.address for call in truth[route.request]})
    for route in found.routes:
        assert route.addresses <= max(1, len({call.address for call in calls}))
        assert route.addresses or not route.at_least
    assert [route.at_most for route in found.routes] == sorted((route.at_most for route in found.routes), reverse=True)


@given(calls=CALLS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_to_stop_a_key_refuses_every_call_that_was_let_in(
    ada: Person, many_keys: None, make_key: MakeKey, calls: list[Called]
) -> None:
    key, _ = make_key(ada, name=f"Key of {database.random_text(16)}")
    count(key, calls)
    count(key, calls, REFUSED)
    found = impact.of_stop(key)
    assert found.at_least == found.at_most == sum(call.times for call in calls)


def test_a_route_on_which_every_call_was_refused_loses_nothing(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    count(key, [Called("192.0.2.7", "GET /a", "read:members", 3)], REFUSED)
    assert impact.of_stop(key).routes == []


def test_days_that_are_over_do_not_count(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    for days in (0, 6, 7, 20):
        count(key, [Called("192.0.2.7", "GET /a", "read:members", 10 ** days.bit_length())], days_ago=days)
    assert impact.of_stop(key).at_most == 1 + 1_000
    assert impact.of_stop(key).since == usage.start_of_day(usage.day_of(now()) - 6)
    assert impact.of_stop(key, days=30).at_most == 1 + 1_000 + 1_000 + 100_000


def test_what_the_plan_has_forgotten_is_not_told(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    count(key, [Called("192.0.2.7", "GET /a", "read:members", 3)], days_ago=10)
    on_plan(ada, "free")
    found = impact.of_stop(key, days=30)
    assert (found.days, found.at_most) == (7, 0)


def test_a_later_start_and_an_earlier_end_stop_the_key(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada, expires_at=now() + timedelta(days=60))
    count(key, [Called("192.0.2.7", "GET /a", "read:members", 3)])
    before = key.settings
    changes: list[tuple[dict[str, Any], int]] = [
        ({"expires_at": now() + timedelta(days=30)}, 3),
        ({"expires_at": None}, 0),
        ({"starts_at": now() + timedelta(days=1)}, 3),
        ({"name": "Other"}, 0),
    ]
    for values, total in changes:
        assert impact.of_change(key, before, replace(before, **values)).at_most == total, values


def test_an_earlier_start_stops_nothing(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    count(key, [Called("192.0.2.7", "GET /a", "read:members", 3)])
    before = replace(key.settings, starts_at=now() + timedelta(days=10))
    after = replace(before, starts_at=now() + timedelta(days=5))
    assert impact.of_change(key, before, after).at_most == 0


def test_of_calls_that_were_not_kept_apart_no_more_is_said_than_is_known(
    ada: Person, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_sums, "ROUTES", 0)
    monkeypatch.setattr(usage_sums, "WIDE_ROUTES", 0)
    key, _ = make_key(ada)
    count(key, [Called("192.0.2.7", "GET /a", "read:members", 3)])
    listed = replace(key.settings, networks=("192.0.2.0/24",))
    # Which of them get in today is not known, so neither is how many a scope would cost.
    taken = impact.of_change(key, listed, replace(listed, scopes=frozenset({"read:data"})))
    assert (taken.at_least, taken.at_most) == (0, 3)
    # What lets in more costs none.
    assert impact.of_change(key, listed, replace(listed, networks=("192.0.0.0/16",))).at_most == 0


def test_many_keys_are_asked_about_at_once_with_the_same_answers(ada: Person, make_key: MakeKey) -> None:
    made = [make_key(ada) for _ in range(3)]
    for number, (_, text) in enumerate(made[:2]):
        used(text, times=4 + number, at=now() - timedelta(days=number))
        used(text, scope="", request="GET /api/v2/key", address="198.51.100.7")
        used(text, times=9, at=now() - timedelta(days=8))
    keys = [key for key, _ in made]
    together = impact.of_stops(ada.workspace, keys)
    assert together == {key.id: impact.of_stop(key) for key in keys}
    assert [together[key.id].at_most for key in keys] == [5, 6, 0]


def test_the_question_goes_by_the_primary_key(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    statement, values = impact.query(UsageRoute.key_id == key.id, 1).sql()
    if database.is_sqlite():
        plan = db.execute_sql(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
        assert any("(key_id=? AND day>?)" in str(row) for row in plan), plan
    else:
        with transaction():
            # The table is nearly empty here, and would be read whole.
            db.execute_sql("SET LOCAL enable_seqscan = off")
            plan = db.execute_sql(f"EXPLAIN {statement}", values).fetchall()
        text = "\n".join(row[0] for row in plan)
        assert "usage_route_pkey" in text and "day >=" in text.partition("Index Cond")[2].splitlines()[0], text
