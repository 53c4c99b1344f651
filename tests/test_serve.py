"""`make run` and `make serve`: everything starts, survives, and stops as one, without losing a request."""

import contextlib
import os
import re
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support import ledger, servers
from tests.support.artifacts import ROOT
from tests.support.servers import Server

WAIT = 60


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The production server on a database of its own, for tests that it survives."""
    with serving("lasting", tmp_path_factory.mktemp("lasting")) as started:
        yield started


@pytest.fixture
def doomed(tmp_path: Path) -> Iterator[Server]:
    """The same for one test that ends it."""
    with serving("doomed", tmp_path) as started:
        yield started


def serving(name: str, folder: Path) -> contextlib.AbstractContextManager[Server]:
    return servers.running(f"{name}-{folder.name}", folder / "data", f"sqlite:///{folder / 'gravity.db'}")


def alive(pids: set[int]) -> set[int]:
    """Which of the processes still run; one that only waits to be reaped does not."""
    found = set()
    for line in subprocess.check_output(["ps", "-eo", "pid=,stat="], text=True).splitlines():
        pid, state = line.split()
        if int(pid) in pids and not state.startswith("Z"):
            found.add(int(pid))
    return found


def until(what: str, happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not happened():
        assert time.monotonic() < deadline, f"still waiting: {what}"
        time.sleep(0.05)


def child(running: Server, module: str) -> int:
    """The process that runs this module, started by ours."""
    for line in subprocess.check_output(["ps", "-eo", "pid=,ppid=,args="], text=True).splitlines():
        pid, parent, words = line.split(maxsplit=2)
        if int(parent) == running.process.pid and f"-m {module}" in words:
            return int(pid)
    raise AssertionError(f"{module} does not run")


def workers(running: Server) -> set[int]:
    parent = child(running, "jobs.web")
    lines = subprocess.check_output(["ps", "-eo", "pid=,ppid="], text=True).splitlines()
    return {int(pid) for pid, above in map(str.split, lines) if int(above) == parent}


# Stopping


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_lets_a_request_in_flight_finish(doomed: Server, number: signal.Signals) -> None:
    """The request waits for a lock that we hold; it is answered long after the server was asked to stop."""
    ada = doomed.owner()
    _, key = doomed.key(ada, scopes={"write:members"})
    until("all processes run", lambda: len(doomed.pids()) == 5)  # ourselves, granian, two workers, the scheduler
    pids = doomed.pids()
    answers: list[httpx.Response] = []
    client = httpx.Client(base_url=doomed.base_url, headers={"Authorization": f"Bearer {key}"}, timeout=WAIT)

    def ask() -> None:
        answers.append(client.post(ada.api("members"), json={"name": "G", "email": "g@example.com", "role": "contact"}))

    with client, contextlib.closing(sqlite3.connect(doomed.database_url.removeprefix("sqlite:///"))) as lock:
        client.get("/healthz")  # From here on the connection is open.
        lock.execute("BEGIN IMMEDIATE")
        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(1)
        # As a terminal does it: to the whole group at once.
        os.killpg(doomed.process.pid, number)
        time.sleep(1.5)
        assert not answers
        assert doomed.process.poll() is None
        lock.rollback()
        asking.join(WAIT)
    assert [answer.status_code for answer in answers] == [201]
    assert doomed.process.wait(WAIT) == 0
    assert not alive(pids)
    with pytest.raises(httpx.ConnectError):
        httpx.get(doomed.base_url)
    assert "the scheduler has stopped" in doomed.log.read_text()


def test_when_we_are_killed_nothing_is_left_behind(doomed: Server) -> None:
    until("all processes run", lambda: len(doomed.pids()) == 5)
    pids = doomed.pids()
    doomed.process.kill()
    until("all processes end", lambda: not alive(pids))


def test_when_everything_above_the_workers_is_killed_they_end_too(doomed: Server) -> None:
    pids = doomed.pids()
    for pid in (child(doomed, "jobs.web"), doomed.process.pid):
        os.kill(pid, signal.SIGKILL)
    until("all processes end", lambda: not alive(pids))


def test_when_the_web_server_is_killed_everything_ends(doomed: Server) -> None:
    pids = doomed.pids()
    os.kill(child(doomed, "jobs.web"), signal.SIGKILL)
    assert doomed.process.wait(WAIT) == 1
    assert not alive(pids)
    assert "the web server has ended" in doomed.log.read_text()


# Surviving


def test_a_killed_worker_is_replaced_and_requests_go_on(lasting: Server) -> None:
    before = workers(lasting)
    os.kill(min(before), signal.SIGKILL)
    until("the worker is replaced", lambda: len(workers(lasting)) == 2 and min(before) not in workers(lasting))
    assert max(before) in workers(lasting)
    assert {httpx.get(f"{lasting.base_url}/healthz").status_code for _ in range(20)} == {200}


def test_a_killed_scheduler_is_started_again(lasting: Server) -> None:
    until("it runs", lambda: len(lasting.pids()) == 5)
    first = child(lasting, "jobs.runner")
    os.kill(first, signal.SIGKILL)
    until("its end is logged", lambda: "the scheduler has ended" in lasting.log.read_text())
    until("it runs again", lambda: len(lasting.pids()) >= 5)
    assert child(lasting, "jobs.runner") != first
    assert lasting.process.poll() is None
    assert httpx.get(f"{lasting.base_url}/healthz").status_code == 200


def test_a_hang_up_replaces_the_workers_without_a_failed_request(lasting: Server) -> None:
    before = workers(lasting)
    lasting.process.send_signal(signal.SIGHUP)
    statuses = set()
    deadline = time.monotonic() + WAIT
    while workers(lasting) & before and time.monotonic() < deadline:
        statuses.add(httpx.get(f"{lasting.base_url}/healthz").status_code)
    assert not workers(lasting) & before
    assert statuses == {200}


# Starting


def start(data_dir: Path, *options: str, stderr: int = subprocess.PIPE, **environ: str) -> "subprocess.Popen[str]":
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GRAVITY_")}
    return subprocess.Popen(
        [sys.executable, "-m", "jobs.serve", *options],
        cwd=ROOT, env=inherited | {"GRAVITY_DATA_DIR": str(data_dir), "PORT": "0", **environ},
        text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True,
    )  # fmt: skip


def failed(process: "subprocess.Popen[str]") -> tuple[int, str]:
    out, err = process.communicate(timeout=WAIT)
    assert not out
    return process.returncode, err


@contextlib.contextmanager
def demo(data_dir: Path) -> Iterator[dict[str, str]]:
    """The running demo, as what it prints: Address, E-mail, Password, curl."""
    with start(data_dir, "--demo", stderr=subprocess.DEVNULL) as process:
        assert process.stdout
        try:
            lines = [process.stdout.readline().rstrip("\n") for _ in range(4)]
            printed = {label: value.strip() for label, _, value in (line.partition(":") for line in lines[:3])}
            yield printed | {"curl": lines[3]}
            process.send_signal(signal.SIGTERM)
            assert process.wait(WAIT) == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def curl(line: str) -> httpx.Response:
    """What the printed line does, once a shell has taken it apart."""
    program, option, header, address = shlex.split(line)
    assert (program, option) == ("curl", "-H")
    name, _, value = header.partition(": ")
    ledger.note_keys(value)
    return httpx.get(address, headers={name: value})


def sign_in(printed: dict[str, str]) -> httpx.Response:
    with httpx.Client(base_url=printed["Address"]) as browser:
        token = re.search(r'name="csrf_token"[^>]*?value="([^"]+)"', browser.get("/login").text)
        assert token
        form = {"csrf_token": token.group(1), "email": printed["E-mail"], "password": printed["Password"]}
        return browser.post("/login", data=form)


def test_the_demo_prints_a_sign_in_and_a_line_that_work_every_time(tmp_path: Path) -> None:
    with demo(tmp_path) as first:
        members = curl(first["curl"])
        assert members.status_code == 200
        assert len(members.json()["data"]) == 20
        assert sign_in(first).status_code == 303
    kept = (tmp_path / "demo.json").stat().st_mtime_ns
    with demo(tmp_path) as second:
        assert curl(second["curl"]).json() == members.json()
        assert sign_in(second).status_code == 303
        assert (second["E-mail"], second["Password"]) == (first["E-mail"], first["Password"])
        assert "gr_" not in curl(second["curl"]).text
    assert (tmp_path / "demo.json").stat().st_mtime_ns == kept


def test_the_demo_prints_no_dead_line(tmp_path: Path) -> None:
    with demo(tmp_path) as first:
        pass
    with contextlib.closing(sqlite3.connect(tmp_path / "gravity.db")) as database, database:
        database.execute("UPDATE api_key SET revoked_at = 1 WHERE name = 'Quick start'")
        database.execute("UPDATE user_account SET password_hash = 'changed' WHERE email = ?", (first["E-mail"],))
    with demo(tmp_path) as second:
        assert second["curl"] != first["curl"]
        assert curl(second["curl"]).status_code == 200
        assert "it was changed" in second["Password"]


def test_a_port_in_use_is_one_clear_line(lasting: Server, tmp_path: Path) -> None:
    """Even though the workers of one server share their port."""
    status, said = failed(start(tmp_path / "other", "--demo", PORT=str(lasting.port)))
    assert status == 1
    assert said.count("\n") == 1
    assert f"Cannot listen on 127.0.0.1 port {lasting.port}: Address already in use." in said
    assert not (tmp_path / "other" / "gravity.db").exists()


def test_the_demo_is_not_served_to_others(tmp_path: Path) -> None:
    status, said = failed(start(tmp_path, "--demo", GRAVITY_HOST="0.0.0.0"))  # noqa: S104 refused
    assert (status, said.count("\n")) == (1, 1)
    assert "loopback" in said


def test_production_names_each_missing_setting(tmp_path: Path) -> None:
    status, said = failed(start(tmp_path / "data", PORT="high"))
    assert status == 2
    assert [line.split()[0] for line in said.splitlines()] == [
        "PORT", "GRAVITY_BASE_URL", "GRAVITY_SECRET_KEY", "GRAVITY_KEY_PEPPERS",
    ]  # fmt: skip
    assert not (tmp_path / "data").exists()


def test_a_database_that_is_away_is_one_clear_line(tmp_path: Path) -> None:
    url = "postgresql://gravity:a-password-of-ours@127.0.0.1:1/gravity"
    status, said = failed(start(tmp_path, "--demo", GRAVITY_DATABASE_URL=url))
    assert (status, said.count("\n")) == (1, 1)
    assert "a-password-of-ours" not in said


def test_half_sent_requests_hold_nobody_up(lasting: Server) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            half = stack.enter_context(socket.create_connection(("127.0.0.1", lasting.port)))
            half.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        assert httpx.get(f"{lasting.base_url}/healthz", timeout=5).status_code == 200
