"""What "what would break" and the advice take at two million counters: `python -m tests.bench_impact`.

Each key has as many counters a day as are kept apart, so that every question meets the most that it can. The question
before a change must be answered within `MOST` seconds; the others are printed beside it.
"""

import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from models import ApiKey, Workspace, database, impact, key_advice, key_networks, secret, usage, usage_sums
from models.database import db, now, transaction
from models.secret import Pepper
from models.usage import UsageRoute
from tests.support import cast, ledger, postgres
from tests.support.connection import disconnect

COUNTERS, DAYS, ROUNDS, MOST = 2_000_000, 90, 30, 0.1
ROUTES = [f"{verb} /api/v2/w/<workspace_id>/thing{number}" for verb in ("GET", "POST") for number in range(5)]
SCOPES = ("read:members", "write:members", "read:data", "write:data")
INSERT = """
INSERT INTO usage_route (key_id, day, network, request, scope, accepted, refused) VALUES (?, ?, ?, ?, ?, ?, ?)
"""


def main() -> int:
    secret.use_peppers((Pepper("1", ledger.fresh("pepper").encode()),))
    slow = False
    for kind, url in urls():
        database.connect(url)
        database.migrate()
        keys = fill()
        print(f"{kind}: {UsageRoute.select().count():,} counters, {len(keys)} keys")
        for name, ask in questions(keys[len(keys) // 2]).items():
            times = [seconds(ask) for _ in range(ROUNDS)]
            worst, median = max(times), statistics.median(times)
            print(f"  {name:<44} median {median * 1000:6.1f} ms, worst {worst * 1000:6.1f} ms")
            slow |= name.startswith("what breaks") and median > MOST
        disconnect()
    return int(slow)


@contextlib.contextmanager
def server() -> Iterator[str]:
    with postgres.running() as running:
        yield running.create("bench")


def urls() -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        yield "SQLite", f"sqlite:///{Path(folder) / 'bench.db'}"
        with server() as url:
            yield "PostgreSQL", url


def fill() -> list[ApiKey]:
    """Keys of one workspace, each with the most counters that a key can have on each of its days."""
    ada = cast.new_owner("Ada Byron", "Fieldstone", plan="business")
    today, a_day = usage.day_of(now()), usage_sums.WIDE_ROUTES
    keys = [
        cast.make_key(ada, scopes=set(SCOPES), name=f"Key {number}")[0]
        for number in range(-(-COUNTERS // (a_day * DAYS)))
    ]
    database.allow_statements(None)
    with transaction():
        cursor = db.cursor()
        for key in keys:
            for day in range(DAYS):
                cursor.executemany(database.sql(INSERT), [row(key.id, today - day, number) for number in range(a_day)])
    if not database.is_sqlite():
        db.execute_sql("ANALYZE usage_route")
    return keys


def row(key_id: str, day: int, number: int) -> tuple[str, int, str, str, str, int, int]:
    """One of the counters of a day: half of them single addresses, the others whole neighbourhoods."""
    place = f"198.51.{number % 7}.{number // 2}" if number % 2 else f"10.{number % 9}.{number}.0/24"
    return key_id, day, place, ROUTES[number % len(ROUTES)], SCOPES[number % 3], 1 + number, number % 2


def questions(key: ApiKey) -> dict[str, Callable[[], object]]:
    key = ApiKey.get_by_id(key.id)
    plan = Workspace.known(key.workspace_id).plan
    before = key.settings
    locked = replace(before, networks=tuple(f"198.51.{number}.0/26" for number in range(7)))
    return {
        "what breaks if it stops, 7 days": lambda: impact.of_stop(key),
        "what breaks with an allowlist, 7 days": lambda: impact.of_change(key, before, locked),
        "an allowlist put to the test of 30 days": lambda: key_networks.simulate(key, locked.networks),
        "where it was called from, 30 days": lambda: key_networks.learned(key, plan, now()),
        "which scopes it uses, 90 days": lambda: key_advice.of(key, plan, now()),
    }


def seconds(ask: Callable[[], object]) -> float:
    begun = time.perf_counter()
    ask()
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
