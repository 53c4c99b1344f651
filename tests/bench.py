"""`make bench`: the authenticated and limited API against the same answers without keys, on the same server.

Only ratios from these interleaved rounds mean anything; the times of one run do not. Beside it run peers: packages of
others for the same job, which inform and decide nothing.
"""

import argparse
import contextlib
import logging
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from app import create_app
from models import ApiKey, User, database, metric_files, settings
from models.actor import COMMAND_LINE
from models.key_settings import KeySettings
from models.member import Member
from models.tenancy import found_workspace
from tests.support import guarded, hot_path, peers, pieces
from tests.support.contest import Contest, Entry, Lane, Seen, fault, play, say, standing, verdict
from tests.support.load import CONNECTIONS, lua, memory, start, wrk
from tests.support.peers import Peer, Unavailable

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
@app.get("/api/v2/guarded")
def key():
    return ANSWER

@app.get("/api/v2/w/<workspace_id>/members")
def members(workspace_id):
    rows, more = Member.page(workspace_id, 20, None)
    return answer({{"data": [_json(row) for row in rows], "next_cursor": "x" if more else None}})
"""


# What ours does for each of these requests, to hold against what the peers do.
OURS = (
    "HMAC-SHA256 with a pepper: end, networks, a limit a minute and a quota a month for all workers together; every "
    "use in the journal before the answer; what one worker changes holds in all from the next request. GET /key takes "
    "any key, the members need a scope."
)

Started = tuple["subprocess.Popen[bytes]", int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=4, help="of load for each of them in a round")
    parser.add_argument("--no-peers", action="store_true", help="leave out the packages of others")
    chosen = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is missing: run tests/install-tools.sh wrk")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        say(f"{KEYS} keys, {CONNECTIONS} connections, 2 workers, {chosen.rounds} rounds of {chosen.seconds} s")
        good = compare(Path(folder), chosen.rounds, chosen.seconds, () if chosen.no_peers else peers.PEERS)
        data = Path(folder) / "profile"
        keys, _, _ = seed(data)
        say(hot_path.profile(create_app(settings.read({"GRAVITY_DATA_DIR": str(data)})), keys))
        say(f"\nEach piece of it by itself:\n{pieces.costs(keys[0])}")
    sys.exit(0 if good else 1)


def compare(folder: Path, rounds: int, seconds: int, invited: tuple[Peer, ...]) -> bool:
    """Run all in shuffled turns; print medians and ratios; tell whether the gates hold."""
    keys, answer, workspace = seed(folder / "data")
    contests = [
        Contest("a bare Flask view behind a key: verified, scoped, limited and recorded", guarded.PATH, 0.60, 2.0),
        Contest("GET /key, which makes its answer, of a bare Flask view with the answer ready", KEY_PATH, 0.60, 2.0),
        Contest("20 members, of the same view without keys", MEMBERS_PATH.format(workspace=workspace), 0.65, 2.0),
    ]
    with contextlib.ExitStack() as running:
        # Before ours, since some warm up with all that the machine has.
        guests = admit(invited, contests[0], folder, answer, running)
        servers = serve(folder, answer, running)
        if wrong := fault(servers["ours"][1], KEY_PATH, keys[0]):
            sys.exit(f"ours cannot be measured: {wrong}")
        entries: dict[Lane, Entry] = {}
        for number, contest in enumerate(contests):
            for who, (_, port) in servers.items():
                sent = keys if who == "ours" else ["gr_" + "0" * 20] * KEYS
                entries[who, contest] = Entry(port, lua(folder / f"{who}{number}.lua", sent, contest.path))
        seen = play(entries | guests, rounds, seconds)
        flat = is_flat(*servers["ours"], *(entries["ours", contest].script for contest in contests))
    verdicts = [verdict(contest, seen["ours", contest], seen["floor", contest]) for contest in contests]
    tell_of_peers([peer for peer in invited if (peer.name, contests[0]) in guests], contests[0], seen)
    return all(verdicts) and flat


def serve(folder: Path, answer: bytes, running: contextlib.ExitStack) -> dict[str, Started]:
    """Ours, and the bare Flask that it is measured by."""
    (folder / "body.json").write_bytes(answer)
    database_url = f"sqlite:///{folder / 'data' / 'gravity.db'}"
    (folder / "floor.py").write_text(FLOOR.format(body=str(folder / "body.json"), database=database_url))
    # As `make serve` has it: where the processes count for /metrics together.
    metrics = folder / "metrics"
    metrics.mkdir()
    servers = {
        "floor": start(["floor:app"], folder, {"PYTHONPATH": str(ROOT)}),
        "ours": start(
            ["tests.support.guarded:create_app", "--factory"],
            ROOT,
            {
                "GRAVITY_DATA_DIR": str(folder / "data"),
                "BENCH_ANSWER": str(folder / "body.json"),
                metric_files.FOLDER: str(metrics),
            },
        ),
    }
    for server in (*(server for server, _ in servers.values()), scheduler(folder / "data")):
        running.callback(server.wait, 15)
        running.callback(server.terminate)
    return servers


def scheduler(data: Path) -> "subprocess.Popen[bytes]":
    """What adds the uses up meanwhile: a part of the work, on the same processors."""
    command = [sys.executable, "-m", "jobs.runner"]
    environment = os.environ | {"GRAVITY_DATA_DIR": str(data)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)


def admit(
    invited: tuple[Peer, ...], contest: Contest, folder: Path, answer: bytes, running: contextlib.ExitStack
) -> dict[Lane, Entry]:
    """The peers that could be installed, run and trusted to refuse; of the others a line says why not."""
    entries: dict[Lane, Entry] = {}
    for peer in invited:
        try:
            port, keys = running.enter_context(peers.running(peer, contest.path, answer))
        except Unavailable as reason:
            say(f"without {peer.name}: {reason}")
        else:
            entries[peer.name, contest] = Entry(port, lua(folder / f"{peer.folder}.lua", keys, contest.path))
    return entries


def tell_of_peers(present: list[Peer], contest: Contest, seen: Seen) -> None:
    """How fast they were, and what they do and leave undone for it: without that no ratio says anything."""
    if not present:
        return
    ours, floor = seen["ours", contest], seen["floor", contest]
    say(f"\nPeers, giving the same answer to keys of their own. They decide nothing.\nOurs does {OURS}")
    for peer in present:
        say(f"{peer.name}: {standing(seen[peer.name, contest], ours, floor)}")
        say(f"  runs with {peer.tuned}\n  does {peer.does}\n  lacks {peer.lacks}\n  is {peer.versions}")


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


if __name__ == "__main__":
    main()
