"""Whatever happens to workers, clocks and the fold: seconds asked = hours = days."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import ApiKey, UsageDay, UsageHour, WorkspaceDay, database, usage, usage_fold, usage_journal
from models.usage import DAY, HOUR, UsageRoute
from models.usage_sums import NETWORKS
from tests.support.cast import Person
from tests.support.cast import make_key as new_key
from tests.support.dying import dies
from tests.support.processes import until
from tests.support.usage import use_of

MakeKey = Callable[..., tuple[ApiKey, str]]


@pytest.fixture(autouse=True)
def journals(connected: str, tmp_path: Path) -> Iterator[None]:
    usage_journal.use(tmp_path)
    yield
    usage_journal.journal().close()


def hours(key: ApiKey) -> Counter[tuple[int, int]]:
    """(hour, outcome) → requests."""
    found: Counter[tuple[int, int]] = Counter()
    for row in UsageHour.select().where(UsageHour.key_id == key.id):
        found[row.hour, row.outcome] += row.count
    return found


class Asked(NamedTuple):
    """Requests at a moment, `requests` of them."""

    second: int
    status: int
    requests: int


TRAFFIC = st.builds(
    Asked,
    # Over three days, in any order: clocks are set back, and journals come late.
    second=st.integers(0, 3 * 86_400 - 1),
    status=st.sampled_from([200, 404, 403, 429, 500]),
    requests=st.integers(1, 4),
)
STEPS = st.lists(
    st.one_of(TRAFFIC, st.just("fold"), st.just("worker dies"), st.tuples(st.just("fold dies"), st.integers(0, 80))),
    min_size=5,
    max_size=25,
)


@given(steps=STEPS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_seconds_asked_are_hours_are_days(ada: Person, connected: str, tmp_path: Path, steps: list[Any]) -> None:
    key = ApiKey.get_or_none(ApiKey.workspace == ada.workspace.id) or new_key(ada)[0]
    before_hours, before_days = hours(key), days(key)
    start = (database.now_microseconds() // DAY - 3) * DAY
    asked: Counter[tuple[int, int]] = Counter()
    for step in steps:
        if isinstance(step, Asked):
            moment = start + step.second * 1_000_000
            for _ in range(step.requests):
                usage_journal.write(use_of(key, moment, status=step.status))
            asked[moment // HOUR, usage.outcome_of(step.status)] += step.requests
        elif step == "fold":
            usage_fold.fold()
        elif step == "worker dies":
            usage_journal.use(tmp_path)
        else:
            fold_that_dies(connected, tmp_path, after=step[1])
    usage_fold.fold()
    assert hours(key) - before_hours == asked
    asked_days: Counter[tuple[int, int]] = Counter()
    for (hour, outcome), count in asked.items():
        asked_days[hour // 24, outcome] += count
    assert days(key) - before_days == asked_days
    assert days(key) == of_workspace(ada)
    assert of_routes(key) == Counter(day for day, _ in days(key).elements())


def days(key: ApiKey) -> Counter[tuple[int, int]]:
    found: Counter[tuple[int, int]] = Counter()
    for row in UsageDay.select().where(UsageDay.key_id == key.id):
        found[row.day, row.outcome] += row.count
    return found


def of_routes(key: ApiKey) -> Counter[int]:
    found: Counter[int] = Counter()
    for row in UsageRoute.select().where(UsageRoute.key_id == key.id):
        found[row.day] += row.accepted + row.refused
    return found


def of_workspace(person: Person) -> Counter[tuple[int, int]]:
    rows = WorkspaceDay.select().where(WorkspaceDay.workspace_id == person.workspace.id)
    return Counter({(row.day, row.outcome): row.count for row in rows})


def test_wherever_the_fold_dies_the_next_one_goes_on(
    ada: Person, make_key: MakeKey, connected: str, tmp_path: Path
) -> None:
    key, _ = make_key(ada)
    written, after, died = 0, 0, True
    while died:
        usage_journal.write(use_of(key))
        usage_journal.write(use_of(key, address=f"10.0.{after}.1"))
        usage_journal.use(tmp_path)
        usage_journal.write(use_of(key))
        written += 3
        died = fold_that_dies(connected, tmp_path, after)
        usage_fold.fold()
        assert sum(hours(key).values()) == sum(days(key).values()) == written, after
        after += 1
    # Each turn meets a new network, so all have as many deeds, as long as networks are kept apart.
    assert 60 < after < NETWORKS


def fold_that_dies(url: str, data_dir: Path, after: int) -> bool:
    def fold() -> None:
        usage_journal.journal().folder = data_dir / "usage"
        usage_fold.fold()

    return dies(url, fold, after)


WAITED_FOR = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
TAKE = "SELECT 1 FROM api_key WHERE id = %s FOR UPDATE NOWAIT"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_all_machines_take_keys_in_one_order(ada: Person, make_key: MakeKey, connected: str) -> None:
    """However the last uses lie, or each of two would wait for what the other has."""
    first, second = sorted((make_key(ada, name=name)[0] for name in "AB"), key=lambda key: key.id)
    moment = database.now_microseconds()
    usage_journal.write(use_of(second, moment))
    usage_journal.write(use_of(first, moment + 1))

    def fold() -> usage_fold.Folded:
        try:
            return usage_fold.fold()
        finally:
            database.forget_connection()

    with ThreadPoolExecutor(1) as pool, psycopg.connect(connected) as other:
        other.execute(TAKE, [first.id])
        folding = pool.submit(fold)
        until("the fold waits for the first key", lambda: bool(other.execute(WAITED_FOR).fetchone()[0]))  # type: ignore[index]
        other.execute(TAKE, [second.id])
        other.commit()
        assert folding.result() == (2, 0)
