"""However many keys there are, their pages ask the database as often, and find rows by the primary key.

How long that takes is measured by `make bench`.
"""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from models import ApiKey, UsageDay, UsageHour, database, usage, usage_month, usage_series, usage_sparks
from models.actor import COMMAND_LINE
from models.database import now
from models.plan import PLANS
from models.tenancy import change_plan
from tests.support.cast import Person, make_key
from tests.support.clients import Browser
from tests.support.statements import plan_of, sent
from tests.support.usage import secret_of

Browse = Callable[[Person], Browser]


@pytest.fixture
def many(ada: Person) -> list[ApiKey]:
    """Keys with a request in each hour of three days."""
    change_plan(ada.workspace, "business", by=COMMAND_LINE)
    with database.at(now() - timedelta(days=30)):
        return [busy(make_key(ada)[0]) for _ in range(12)]


def busy(key: ApiKey) -> ApiKey:
    secret_id, moment = secret_of(key), database.now() + timedelta(days=30)
    hours = [usage.hour_of(moment) - ago for ago in range(72)]
    same = {"key_id": key.id, "secret_id": secret_id, "scope": "read:members", "outcome": 0}
    UsageHour.insert_many([{**same, "hour": hour, "count": 1} for hour in hours]).execute()
    days = sorted({hour // 24 for hour in hours})
    counts = [{**same, "day": day, "count": sum(hour // 24 == day for hour in hours)} for day in days]
    UsageDay.insert_many(counts).execute()
    return key


def test_the_pages_ask_as_often_for_many_keys_as_for_few(ada: Person, browse: Browse, many: list[ApiKey]) -> None:
    browser = browse(ada)
    pages = [ada.settings(), ada.settings(f"api-keys/{many[0].id}"), ada.settings("plan")]

    def counts() -> list[int]:
        found = []
        for page in pages:
            browser.get(page)
            with sent() as statements:
                answer = browser.get(page)
            assert answer.status_code == 200
            found.append(len(statements))
        return found

    few = counts()
    assert all(few)
    with database.at(now() - timedelta(days=30)):
        for _ in range(30):
            busy(make_key(ada)[0])
    assert counts() == few


def test_the_list_asks_for_all_its_graphs_at_once(ada: Person, browse: Browse, many: list[ApiKey]) -> None:
    with sent() as statements:
        page = browse(ada).get(ada.settings())
    assert len([sql for sql, _ in statements if "usage_day" in sql]) == 1
    assert not [sql for sql, _ in statements if "usage_hour" in sql]
    assert page.text.count('class="spark"') == 12
    assert len(re.findall(r'aria-label="72 requests in 30 days"', page.text)) == 12


@pytest.mark.parametrize("name", usage_series.RANGES)
def test_each_graph_is_read_by_the_primary_key(many: list[ApiKey], name: str) -> None:
    moment, plan = now(), PLANS["business"]
    with sent() as statements:
        usage_series.of_key(many[0], plan, usage_series.latest(name, moment), moment)
    assert_by_primary_key(statements, 2)


def test_the_small_graphs_and_the_busiest_keys_are_too(ada: Person, many: list[ApiKey]) -> None:
    with sent() as statements:
        usage_sparks.sparks(many, PLANS["business"], now())
    assert_by_primary_key(statements, 1)
    with sent() as statements:
        usage_month.month(ada.workspace, now())
    assert_by_primary_key(statements, 2)


def assert_by_primary_key(statements: list[tuple[str, tuple[object, ...]]], number: int) -> None:
    """No walk through a table of uses. PostgreSQL walks small tables anyway, so it is told not to."""
    # How far the journals were read, if there are any, is a few rows whatever was counted.
    kept = [each for each in statements if "usage_mark" not in each[0]]
    assert len(kept) == number
    with database.db.atomic():
        if not database.is_sqlite():
            database.db.execute_sql("SET LOCAL enable_seqscan = off")
        for sql, params in kept:
            plan = plan_of(sql, params)
            assert re.search(r"autoindex|_pkey|USING PRIMARY KEY|INTEGER PRIMARY KEY", plan), plan
            assert not re.search(r"SCAN usage|SCAN \"t1\"|SCAN t1|Seq Scan", plan), plan
