"""`make bench`: the authenticated and limited API against the same answers without keys, on the same server.

Only ratios from these interleaved rounds mean anything; the times of one run do not.
"""

import argparse
import random
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from app import create_app
from models import ApiKey, User, database, settings
from models.actor import COMMAND_LINE
from models.key_settings import KeySettings
from models.member import Member
from models.tenancy import found_workspace
from tests.support import hot_path
from tests.support.load import CONNECTIONS, Round, lua, memory, start, wrk

ROOT = Path(__file__).parent.parent
KEYS = 200
# After so many requests a worker has met all that it keeps; then it may not grow by more than this.
WARM, REQUESTS, MOST_GROWTH = 40_000, 200_000, 1.05
KEY_PATH, MEMBERS_PATH = "/api/v2/key", "/api/v2/w/{workspace}/members"

# Bare Flask with the answer ready, and with the same view and query as ours, for whoever asks.
FLOOR = """
import json
from flask import Flask
from models import Member, database
from views.api.answers import answer
from views.api.members import _json

ANSWER = json.load(open({body!r}))
database.connect({database!r})
app = Flask(__name__)
app.json.sort_keys = False

@app.get("/api/v2/key")
def key():
    return ANSWER

@app.get("/api/v2/w/<workspace_id>/members")
def members(workspace_id):
    rows, more = Member.page(workspace_id, 20, None)
    return answer({{"data": [_json(row) for row in rows], "next_cursor": "x" if more else None}})
"""


@dataclass(frozen=True)
class Contest:
    """Ours against its floor: both at one path, each gate a ratio."""

    name: str
    path: str
    least: float
    most_p99: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=4)
    chosen = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is missing: run tests/install-tools.sh wrk")
    with tempfile.TemporaryDirectory() as folder:
        say(f"{KEYS} keys, {CONNECTIONS} connections, 2 workers, {chosen.rounds} rounds of {chosen.seconds} s")
        good = compare(Path(folder), chosen.rounds, chosen.seconds)
        data = Path(folder) / "profile"
        keys, _, _ = seed(data)
        say(hot_path.profile(create_app(settings.read({"GRAVITY_DATA_DIR": str(data)})), keys))
    sys.exit(0 if good else 1)


def compare(folder: Path, rounds: int, seconds: int) -> bool:
    """Run all in shuffled turns; print medians and ratios; tell whether the gates hold."""
    data = folder / "data"
    keys, answer, workspace = seed(data)
    contests = [
        Contest("GET /key, of a bare Flask view", KEY_PATH, 0.60, 2.0),
        Contest("20 members, of the same view without keys", MEMBERS_PATH.format(workspace=workspace), 0.65, 2.0),
    ]
    (folder / "body.json").write_bytes(answer)
    database_url = f"sqlite:///{data / 'gravity.db'}"
    (folder / "floor.py").write_text(FLOOR.format(body=str(folder / "body.json"), database=database_url))
    servers = {
        "floor": start(["floor:app"], folder, {"PYTHONPATH": str(ROOT)}),
        "ours": start(["app:create_app", "--factory"], ROOT, {"GRAVITY_DATA_DIR": str(data)}),
    }
    dummy = ["gr_" + "0" * 20] * KEYS
    runs = [(contest, who) for contest in contests for who in servers]
    scripts = {
        (contest, who): lua(folder / f"{who}{number}.lua", keys if who == "ours" else dummy, contest.path)
        for number, contest in enumerate(contests)
        for who in servers
    }
    try:
        check(servers["ours"][1], keys[0])
        for run in runs:
            wrk(servers[run[1]][1], scripts[run], 2)
        seen: dict[tuple[Contest, str], list[Round]] = {run: [] for run in runs}
        for turn in range(rounds):
            for run in random.sample(runs, len(runs)):
                seen[run].append(wrk(servers[run[1]][1], scripts[run], seconds))
            latest = ", ".join(f"{seen[run][-1].per_second:,.0f}/s {run[1]}" for run in runs)
            say(f"round {turn + 1}: {latest}")
        flat = is_flat(*servers["ours"], scripts[contests[0], "ours"], scripts[contests[1], "ours"])
    finally:
        for server, _ in servers.values():
            server.terminate()
        for server, _ in servers.values():
            server.wait(15)
    verdicts = [report(contest, seen[contest, "ours"], seen[contest, "floor"]) for contest in contests]
    return all(verdicts) and flat


def is_flat(server: subprocess.Popen[bytes], port: int, *scripts: Path) -> bool:
    """Whether the memory of the workers stays what it is over many requests."""
    send(port, scripts, WARM)
    before = memory(server)
    sent = send(port, scripts, REQUESTS)
    after = memory(server)
    grown = after / before
    say(
        f"memory of the workers over {sent:,} requests: {before:,} KiB, then {after:,} KiB, "
        f"{grown:.2f} times (gate {MOST_GROWTH:.2f})"
    )
    return grown <= MOST_GROWTH


def send(port: int, scripts: tuple[Path, ...], requests: int) -> int:
    sent = 0
    while sent < requests:
        for script in scripts:
            sent += round(wrk(port, script, 3).per_second * 3)
    return sent


def report(contest: Contest, ours: list[Round], floor: list[Round]) -> bool:
    for name, results in (("floor", floor), ("ours", ours)):
        say(
            f"  {name:6} median {statistics.median(r.per_second for r in results):9,.0f}/s"
            f"  p50 {statistics.median(r.p50 for r in results) / 1000:6.2f} ms"
            f"  p99 {statistics.median(r.p99 for r in results) / 1000:6.2f} ms"
            f"  errors {sum(r.errors for r in results)}"
        )
    pairs = list(zip(ours, floor, strict=True))
    ratio = statistics.median(mine.per_second / bare.per_second for mine, bare in pairs)
    tail = statistics.median(mine.p99 / bare.p99 for mine, bare in pairs)
    say(f"{contest.name}: {ratio:.2f} (gate {contest.least:.2f}), p99 {tail:.2f} times (gate {contest.most_p99:.1f})")
    return ratio >= contest.least and tail <= contest.most_p99 and not sum(each.errors for each in ours)


def seed(data: Path) -> tuple[list[str], bytes, str]:
    """A workspace with keys, the answer that the first of them gets, and the workspace's id."""
    app = create_app(settings.read({"GRAVITY_DATA_DIR": str(data), "GRAVITY_ACCESS_LOG": "0"}))
    database.migrate()
    owner = User.register("owner@example.com", "Olivia Owner", secrets.token_urlsafe(16))
    workspace = found_workspace("Bench", "enterprise", owner, by=COMMAND_LINE)
    for number in range(40):
        Member.add(workspace, name=f"Person {number}", email=f"p{number}@example.com", role="contact", by=COMMAND_LINE)
    scopes = frozenset({"read:members", "read:data"})
    end = database.now() + timedelta(days=90)
    keys = []
    for number in range(KEYS):
        _, made = ApiKey.issue(workspace, KeySettings(f"Key {number}", scopes, expires_at=end), by=COMMAND_LINE)
        keys.append(made.reveal())
    answer = app.test_client().get("/api/v2/key", headers={"Authorization": f"Bearer {keys[0]}"})
    database.db.close()
    return keys, answer.data, workspace.id


def check(port: int, key: str) -> None:
    """A server that lets everybody in is fast: it must refuse a changed key and no key."""
    changed = key[:-1] + ("0" if key[-1] != "0" else "1")
    for token, wanted in ((key, 200), (changed, 401), ("", 401)):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        status = httpx.get(f"http://127.0.0.1:{port}/api/v2/key", headers=headers).status_code
        if status != wanted:
            sys.exit(f"expected {wanted}, got {status}")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
