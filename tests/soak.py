"""`make soak`: keys are made, used and revoked for a while, under load; nothing may fail, linger or grow.

make soak            two minutes
SECONDS_LONG=3600 make soak
"""

import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from http.client import HTTPConnection
from pathlib import Path

from models import ApiKey
from models.actor import COMMAND_LINE
from tests.support import artifacts, servers
from tests.support.cast import Person
from tests.support.servers import Server

SECONDS = int(os.environ.get("SECONDS_LONG", "120"))
CLIENTS = 4
WARM_UP = 20
# Beyond this a worker leaks; what Python keeps for itself settles well below.
MOST_GROWTH = 1.15


class Soak:
    """What the clients share: the keys that are good, and what they saw."""

    def __init__(self, server: Server, owner: Person) -> None:
        self.server, self.owner = server, owner
        self.good: list[str] = []
        self.seen: Counter[int] = Counter()
        self.faults: list[str] = []
        self.over = threading.Event()

    def call(self, connection: HTTPConnection, key: str) -> int:
        path = random.choice(["/api/v2/key", self.owner.api()])
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        answer.read()
        self.seen[answer.status] += 1
        return answer.status

    def hammer(self) -> None:
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        while not self.over.is_set():
            key = random.choice(self.good)
            status = self.call(connection, key)
            if status != 200 and (status != 401 or key in self.good):
                self.faults.append(f"a good key was answered {status}")

    def turn_over(self) -> None:
        """Make a key, retire another one, and check that it is refused from then on."""
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        while not self.over.wait(0.2):
            with self.server.models():
                _, text = servers.make_key(self.owner, name=f"Soak {time.time_ns()}")
            self.good.append(text)
            old = self.good.pop(0)
            key_id = self.identify(connection, old)
            with self.server.models():
                ApiKey.find(self.owner.workspace.id, key_id).revoke(by=COMMAND_LINE)
            if self.call(connection, old) != 401:
                self.faults.append("a revoked key was let in")

    def identify(self, connection: HTTPConnection, key: str) -> str:
        connection.request("GET", "/api/v2/key", headers={"Authorization": f"Bearer {key}"})
        return connection.getresponse().read().decode().split('"')[3]


def memory(server: Server) -> int:
    """Resident memory of all processes of the server, in KiB."""
    total = 0
    for pid in server.pids():
        status = Path(f"/proc/{pid}/status").read_text() if Path(f"/proc/{pid}/status").exists() else ""
        total += next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0)
    return total


def main() -> None:
    artifacts.claim()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/gravity.db"
        with servers.running("soak", Path(folder), url) as server:
            soak = Soak(server, server.owner(plan="enterprise"))
            soak.good += [server.key(soak.owner, name=f"Start {number}")[1] for number in range(10)]
            threads = [threading.Thread(target=soak.hammer) for _ in range(CLIENTS)]
            threads.append(threading.Thread(target=soak.turn_over))
            for thread in threads:
                thread.start()
            time.sleep(min(WARM_UP, SECONDS / 2))
            before = memory(server)
            time.sleep(max(0, SECONDS - WARM_UP))
            after = memory(server)
            soak.over.set()
            for thread in threads:
                thread.join()
    grown = after / before
    sys.stdout.write(
        f"{sum(soak.seen.values()):,} calls in {SECONDS} s: {dict(soak.seen)}\n"
        f"memory {before / 1024:.0f} MiB after the warm-up, {after / 1024:.0f} MiB at the end ({grown:.2f} times)\n"
        f"{len(soak.faults)} faults{': ' + soak.faults[0] if soak.faults else ''}\n"
    )
    sys.exit(1 if soak.faults or grown > MOST_GROWTH else 0)


if __name__ == "__main__":
    main()
