"""The real product: `python -m jobs.serve` with its workers and its scheduler, on a port of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from models import ApiKey, database, sealed, secret
from models.database import db
from models.secret import Pepper
from tests.support import ledger
from tests.support.artifacts import ARTIFACTS, ROOT
from tests.support.cast import Person, make_key, new_owner
from tests.support.ports import free_port

_serial = count(1)
# Seconds that an answer may take: by itself httpx gives up after five, which a machine under load may need.
PATIENCE = 60


@dataclass
class Server:
    """A running server. `models()` works on the same database from the outside, as another process would."""

    base_url: str
    data_dir: Path
    database_url: str
    pepper: Pepper
    environ: dict[str, str]
    log: Path
    process: "subprocess.Popen[bytes]"

    @property
    def port(self) -> int:
        return int(self.base_url.rpartition(":")[2])

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """On a connection of its own, which either worker may get."""
        return httpx.request(method, self.base_url + path, **({"timeout": PATIENCE} | more))

    def owner(self, workspace_name: str = "Fieldstone", plan: str = "team") -> Person:
        """Someone who just started a workspace on this server."""
        with self.models():
            return new_owner(f"Ada{next(_serial)} Byron", workspace_name, plan)

    def key(self, person: Person, **settings: Any) -> tuple[ApiKey, str]:
        with self.models():
            return make_key(person, **settings)

    @contextlib.contextmanager
    def models(self) -> Iterator[None]:
        """The models, connected to the server's database and with its pepper."""
        database.connect(self.database_url)
        secret.use_peppers((self.pepper,))
        sealed.use_keys((self.environ["GRAVITY_SECRET_KEY"],))
        try:
            yield
        finally:
            db.close()

    def flask(self, *command: str, given: str = "") -> Any:
        """What `flask … --json` prints, run beside the server."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app", *command, "--json"],
            input=given, text=True, capture_output=True, cwd=ROOT, env=self.environ,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        ledger.note_keys(done.stdout)
        return json.loads(done.stdout)

    def pids(self) -> set[int]:
        """The process and everything below it."""
        parents = {}
        for line in subprocess.check_output(["ps", "-eo", "pid=,ppid="], text=True).splitlines():
            pid, parent = line.split()
            parents[int(pid)] = int(parent)
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return found

    def stop(self) -> int:
        """Ask it to stop, as systemd would; returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def running(name: str, data_dir: Path, database_url: str, like: Server | None = None, **more: str) -> Iterator[Server]:
    """Start it, wait until it answers, stop it. `like` names a server whose secrets and database it shares."""
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    pepper = like.pepper if like else Pepper("1", ledger.fresh("pepper").encode())
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GRAVITY_")} | {
        "PORT": str(port),
        "GRAVITY_DATA_DIR": str(data_dir),
        "GRAVITY_DATABASE_URL": database_url,
        "GRAVITY_WORKERS": "2",
        "GRAVITY_BASE_URL": base_url,
        "GRAVITY_KEY_PEPPERS": f"{pepper.version}:{pepper.key.decode()}",
        "GRAVITY_SECRET_KEY": like.environ["GRAVITY_SECRET_KEY"] if like else ledger.fresh("signing key"),
        "PYTHONWARNINGS": "default",
        **more,
    }
    log = ARTIFACTS / f"server-{name}.log"
    with log.open("ab") as sink:
        # A group of its own: Ctrl-C is for the suite, which then stops the server in order.
        process = subprocess.Popen(
            [sys.executable, "-m", "jobs.serve"],
            cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True,
        )  # fmt: skip
        server = Server(base_url, data_dir, database_url, pepper, environ, log, process)
        try:
            _wait_until_ready(server)
            yield server
            if process.poll() is None:
                server.stop()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{server.base_url}/login").status_code == 200:
                return
        if server.process.poll() is not None or time.monotonic() > deadline:
            pytest.fail("the server did not start:\n" + server.log.read_text()[-2000:], pytrace=False)
        time.sleep(0.05)
