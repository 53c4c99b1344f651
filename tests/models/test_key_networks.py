"""A proposed allowlist refuses nothing of what was learned, and is no more than the list of today."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import ApiKey, database, key_advice, key_networks, network, usage_sums
from models.database import db, now, transaction
from models.network import EVERYWHERE
from models.plan import PLANS
from tests.support.cast import Person
from tests.support.keys import on_plan
from tests.support.usage import use_of

MakeKey = Callable[..., tuple[ApiKey, str]]

V4 = st.tuples(st.integers(0, 2), st.integers(0, 12)).map(lambda parts: f"192.0.{parts[0]}.{parts[1]}")
V6 = st.tuples(st.integers(0, 2), st.integers(0, 3)).map(lambda parts: f"2001:db8:0:{parts[0]}::{parts[1]}")
LISTS = st.lists(
    st.sampled_from(["192.0.0.0/24", "192.0.1.0/29", "192.0.2.5/32", "2001:db8::/48", "2001:db8::1/128"]),
    max_size=3,
    unique=True,
)


def call(key: ApiKey, address: str) -> None:
    sums = usage_sums.Sums()
    sums.add(use_of(key, address=address))
    with transaction():
        sums.write(usage_sums.Remembered())


@given(addresses=st.lists(V4 | V6, max_size=25), allowlist=LISTS, room=st.sampled_from([2, 200]))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_proposal_lets_in_what_called_and_is_allowed_today(
    ada: Person, make_key: MakeKey, addresses: list[str], allowlist: list[str], room: int
) -> None:
    plan = on_plan(ada, "enterprise").plan
    key, _ = make_key(ada, name=f"Key of {database.random_text(16)}", networks=tuple(allowlist))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(usage_sums, "ROUTES", room)
        patched.setattr(usage_sums, "WIDE_ROUTES", room * 2)
        for address in addresses:
            call(key, address)
    found = key_networks.learned(key, plan, now())
    proposal = key_networks.proposal(key, found)
    assert sum(each.calls for each in found) == len(addresses)
    assert all(network.covers(key.networks, each) for each in proposal)
    if EVERYWHERE not in [each.network for each in found]:
        stay = " ".join(proposal)
        assert all(network.allows(stay, each) for each in addresses if network.allows(key.networks, each)) or not stay
        assert not proposal or key_networks.simulate(key, proposal).at_least == 0


def test_every_question_goes_by_the_primary_key(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    queries: list[Any] = [key_networks.query(key.id, 1), key_advice.query([key.id], 1, 60)]
    for statement, values in (query.sql() for query in queries):
        with transaction():
            if database.is_sqlite():
                plan = str(db.execute_sql(f"EXPLAIN QUERY PLAN {statement}", values).fetchall())
                assert "(key_id=? AND day>?)" in plan, plan
            else:
                # The table is nearly empty here, and would be read whole.
                db.execute_sql("SET LOCAL enable_seqscan = off")
                lines = [row[0] for row in db.execute_sql(f"EXPLAIN {statement}", values).fetchall()]
                assert any("Index Cond" in line and "day >=" in line for line in lines), lines


def test_the_days_looked_at_end_with_the_history_of_the_plan() -> None:
    assert [key_networks.days_of(PLANS[slug]) for slug in ("free", "team", "enterprise")] == [7, 30, 30]
