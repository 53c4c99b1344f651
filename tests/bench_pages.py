"""The list and the page of a key with 1,000 keys and 2.16 million hours of use, against the same with 10 keys.

A part of `make bench`. Both are measured in turns, on SQLite and on PostgreSQL; only their ratios mean anything.
"""

import argparse
import io
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from app import create_app
from models import ApiKey, Member, User, Workspace, database, settings, usage
from models.actor import COMMAND_LINE
from models.database import db, now
from models.key_settings import KeySettings
from models.tenancy import found_workspace
from tests.support import postgres
from tests.support.clients import Browser
from tests.support.connection import disconnect
from tests.support.usage import secret_of
from views import access_log

FEW, MANY, DAYS = 10, 1_000, 90
MOST_RATIO, MOST_GROWTH = 3.0, 1.05
PASSWORD = "a password of the benchmark"
PAGES = {
    "list with sparklines": "",
    "key page, 24 hours": "/{key}?range=24h",
    "key page, 7 days": "/{key}?range=7d",
    "key page, 30 days": "/{key}?range=30d",
    "key page, 90 days": "/{key}?range=90d",
}
WARM, LOADS = 200, 600


@dataclass
class Site:
    """One database with its keys, and somebody signed in to it."""

    url: str
    browser: Browser
    pages: dict[str, str]
    times: dict[str, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page-rounds", type=int, default=9)
    parser.add_argument("--keys", type=int, default=MANY)
    chosen, _ = parser.parse_known_args()
    # The access line is part of the work, its terminal is not.
    said, sys.stderr = sys.stderr, io.StringIO()
    with tempfile.TemporaryDirectory() as folder, postgres.running() as server:
        say(f"\nPages with {chosen.keys:,} keys ({chosen.keys * DAYS * 24:,} hours of use) against {FEW} keys")
        app = create_app(settings.read({"GRAVITY_DATA_DIR": folder}))
        kinds = {
            "sqlite": [f"sqlite:///{Path(folder) / name}.db" for name in ("few", "many")],
            "postgresql": [server.create(name) for name in ("few", "many")],
        }
        verdicts = [compare(kind, app, urls, chosen.keys, chosen.page_rounds) for kind, urls in kinds.items()]
    access_log.flush()
    sys.stderr = said
    sys.exit(0 if all(verdicts) else 1)


def compare(kind: str, app: Any, urls: list[str], many: int, rounds: int) -> bool:
    """Load the pages of both in shuffled turns; tell whether the gates hold."""
    began = time.perf_counter()
    few, big = (built(app, url, keys) for url, keys in zip(urls, (FEW, many), strict=True))
    say(f"{kind}: filled in {time.perf_counter() - began:.0f} s")
    for site in (few, big):
        measure(site, 3)
        site.times = {name: [] for name in PAGES}
    for _ in range(rounds):
        for site in random.sample((few, big), 2):
            measure(site, 5)
    good = True
    for name in PAGES:
        mine, theirs = statistics.median(big.times[name]), statistics.median(few.times[name])
        good &= mine <= theirs * MOST_RATIO
        say(f"  {name:22} {theirs:6.1f} ms, then {mine:6.1f} ms: {mine / theirs:.2f} times (gate {MOST_RATIO:.1f})")
    return is_flat(big) and good


def measure(site: Site, times: int) -> None:
    disconnect()
    database.connect(site.url)
    site.browser.get(site.pages["list with sparklines"])
    for name, page in site.pages.items():
        for _ in range(times):
            began = time.perf_counter()
            answer = site.browser.get(page)
            site.times[name].append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, answer.text


def is_flat(site: Site) -> bool:
    """Whether this process stays as large as it is over many of these pages."""
    disconnect()
    database.connect(site.url)
    load(site, WARM)
    before = memory()
    load(site, LOADS)
    grown = memory() / before
    say(f"  memory over {LOADS} pages: {before:,} KiB, then {grown:.2f} times (gate {MOST_GROWTH:.2f})")
    return grown <= MOST_GROWTH


def load(site: Site, times: int) -> None:
    pages = list(site.pages.values())
    for number in range(times):
        site.browser.get(pages[number % len(pages)])
        if number % 50 == 0:
            sys.stderr.seek(0)
            sys.stderr.truncate()


def memory() -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1])


def built(app: Any, url: str, keys: int) -> Site:
    """A database with so many keys that were used in each hour of ninety days."""
    disconnect()
    database.connect(url)
    database.migrate()
    with database.at(now() - timedelta(days=DAYS + 10)):
        user = User.register("bench@example.com", "Bench", PASSWORD)
        workspace = found_workspace("Bench", "enterprise", user, by=COMMAND_LINE)
        made = [_key(workspace, number) for number in range(keys)]
    rows = [(key.id, secret_of(key)) for key in made]
    moment = now()
    for table, column, last, count in (
        ("usage_hour", "hour", usage.hour_of(moment), DAYS * 24),
        ("usage_day", "day", usage.day_of(moment), DAYS),
    ):
        _fill(table, column, ((key, at, secret) for key, secret in rows for at in range(last - count + 1, last + 1)))
    db.execute_sql("ANALYZE")
    browser = Browser(app)
    browser.get("/login")
    answer = browser.post("/login", data={"email": "bench@example.com", "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    assert Member.of_user(user, workspace.id)
    base = f"/w/{workspace.id}/settings/api-keys"
    pages = {name: base + page.format(key=made[keys // 2].id) for name, page in PAGES.items()}
    return Site(url, browser, pages, {name: [] for name in PAGES})


def _key(workspace: Workspace, number: int) -> ApiKey:
    chosen = KeySettings(f"Key {number:05}", frozenset({"read:members", "read:data"}))
    return ApiKey.issue(workspace, chosen, by=COMMAND_LINE)[0]


def _fill(table: str, column: str, rows: Iterator[tuple[str, int, str]]) -> None:
    fields = f"key_id, {column}, secret_id, scope, outcome, count"
    values = ((key, at, secret, "read:members", 0 if at % 7 else 3, 1 + at % 50) for key, at, secret in rows)
    with database.transaction():
        if database.is_sqlite():
            statement = f"INSERT INTO {table} ({fields}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608 names of ours
            db.connection().executemany(statement, values)
            return
        database.allow_statements(None)
        with db.connection().cursor() as cursor, cursor.copy(f"COPY {table} ({fields}) FROM STDIN") as copy:
            for row in values:
                copy.write_row(row)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
