"""`make bench`: what the API's slowest answers feel of mail about thousands of keys, and what that takes of memory.

The same modest load, with nothing else to do and while mail is put together and sent, in turns.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from itertools import count as counter
from pathlib import Path

from jobs import runner, send_mail
from models import ApiKey, Workspace, database, outbox, secret, settings
from models.database import new_id, now, transaction
from tests import bench
from tests.support.contest import say
from tests.support.load import Round, start, wrk

FEW, MANY = 100, 10_000
_days = counter(1)
ROUNDS, SECONDS = 5, 4
MOST_P99, MOST_MEMORY = 1.5, 1.3

# Some hundred requests a second, as from clients that do other things as well.
LUA = """
request = function() return wrk.format("GET", {path!r}, {{ ["Authorization"] = "Bearer {key}" }}) end
delay = function() return 20 end
done = function(summary, latency, requests)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("RESULT %.2f %d %d %d\\n",
    summary.requests / (summary.duration / 1e6), latency:percentile(50), latency:percentile(99), bad))
end
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--send", type=Path, help="be the process that sends: the data folder")
    parser.add_argument("--keys", type=int, default=MANY)
    parser.add_argument("--day", type=int, default=1, help="act as if it were so many days later")
    chosen = parser.parse_args()
    if chosen.send:
        send(chosen.send, chosen.keys, chosen.day)
        return
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(0 if compare(Path(folder)) else 1)


def compare(folder: Path) -> bool:
    data = folder / "data"
    keys, _, _ = bench.seed(data)
    fill(data, MANY)
    script = folder / "modest.lua"
    script.write_text(LUA.format(path=bench.KEY_PATH, key=keys[0]))
    server, port = start(["app:create_app", "--factory"], bench.ROOT, {"GRAVITY_DATA_DIR": str(data)})
    try:
        wrk(port, script, SECONDS)
        pairs = [(wrk(port, script, SECONDS), while_sending(data, port, script)) for _ in range(ROUNDS)]
    finally:
        server.terminate()
        server.wait(15)
    ratio = statistics.median(busy.p99 / idle.p99 for idle, busy in pairs)
    slow = statistics.median(busy.p50 / idle.p50 for idle, busy in pairs)
    few, many = (peak(data, count) for count in (FEW, MANY))
    say(
        f"mail about {MANY:,} keys at once: p99 of the API {ratio:.2f} times (gate {MOST_P99}), p50 {slow:.2f} times; "
        f"memory of the sender {many / few:.2f} times that for {FEW} keys (gate {MOST_MEMORY})"
    )
    return ratio <= MOST_P99 and many / few <= MOST_MEMORY and not any(each.errors for pair in pairs for each in pair)


def while_sending(data: Path, port: int, script: Path) -> Round:
    """The load, for as long as a process has mail about all keys to send."""
    sender = sending(data, MANY)
    assert sender.stdout
    # Promised are the notices by then; what follows is what the scheduler does.
    sender.stdout.readline()
    seen = wrk(port, script, SECONDS)
    sender.communicate()
    return seen


def peak(data: Path, count: int) -> int:
    """The most memory that a sender took, in KiB."""
    output, _ = sending(data, count).communicate()
    return int(output.split()[-1])


def sending(data: Path, count: int) -> "subprocess.Popen[str]":
    # There is one digest a day.
    command = [
        sys.executable,
        "-m",
        "tests.bench_mail",
        "--send",
        str(data),
        "--keys",
        str(count),
        "--day",
        str(next(_days)),
    ]
    return subprocess.Popen(command, cwd=bench.ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def send(data: Path, count: int, day: int) -> None:
    """Promise a fact about each of so many keys, then send all there is to send."""
    runner.step_back()
    chosen = settings.read({"GRAVITY_DATA_DIR": str(data)})
    database.connect(chosen.database_url)
    secret.use_peppers(chosen.peppers)
    send_mail.use(chosen)
    threshold = f"{time.time_ns()}/7d"
    with transaction():
        for key in ApiKey.select().where(ApiKey.name.startswith("Due ")).limit(count):
            outbox.promise("expiring", key.workspace_id, key.id, threshold, key=key)
    say("promised")
    with database.at(now() + timedelta(days=day)):
        while send_mail.run():
            pass
    say(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def fill(data: Path, count: int) -> None:
    """Keys that end some day, written past the verbs that would make them one by one."""
    database.connect(settings.read({"GRAVITY_DATA_DIR": str(data)}).database_url)
    [workspace] = Workspace.select()
    common = {"workspace": workspace.id, "scopes": "read:members", "hint_start": "0000", "hint_end": "00",
              "creator_kind": "cli", "creator_name": "Bench", "expires_at": now() + timedelta(days=60)}  # fmt: skip
    with transaction():
        for begin in range(0, count, 500):
            rows = [
                common | {"id": new_id("key"), "name": f"Due {number}", "name_folded": f"due {number}"}
                for number in range(begin, begin + 500)
            ]
            ApiKey.insert_many(rows).execute()
    database.db.close()


if __name__ == "__main__":
    main()
