"""`make run` and `make serve`: everything starts, survives, and stops as one, without losing a request."""

import contextlib
import fcntl
import os
import pty
import signal
import socket
import sqlite3
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from jobs.child import LastingChild
from tests.support import servers
from tests.support.artifacts import ROOT
from tests.support.processes import (
    WAIT,
    alive,
    child,
    environment,
    has_open,
    listening,
    until,
    until_complete,
    workers,
    workers_by_age,
)
from tests.support.servers import Server


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


# Stopping


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_lets_a_request_in_flight_finish(doomed: Server, number: signal.Signals) -> None:
    """The request waits for a lock that we hold; it is answered long after the server was asked to stop."""
    ada = doomed.owner()
    _, key = doomed.key(ada, scopes={"write:members"})
    pids = until_complete(doomed)
    until("the scheduler is at work", lambda: "this scheduler has its turn" in doomed.log.read_text())
    answers: list[httpx.Response] = []
    client = httpx.Client(base_url=doomed.base_url, headers={"Authorization": f"Bearer {key}"}, timeout=WAIT)

    def ask() -> None:
        answers.append(client.post(ada.api("members"), json={"name": "G", "email": "g@example.com", "role": "contact"}))

    database = Path(doomed.database_url.removeprefix("sqlite:///"))
    with client, contextlib.closing(sqlite3.connect(database)) as lock:
        client.get("/healthz")  # From here on the connection is open.
        assert not any(has_open(worker, database) for worker in workers(doomed))
        lock.execute("BEGIN IMMEDIATE")
        asking = threading.Thread(target=ask)
        asking.start()
        until("a worker is at it", lambda: any(has_open(worker, database) for worker in workers(doomed)))
        # As a terminal does it: to the whole group at once.
        os.killpg(doomed.process.pid, number)
        # Far less than the five seconds that a request waits for a lock.
        time.sleep(1)
        assert not answers
        assert doomed.process.poll() is None
        lock.rollback()
        asking.join(WAIT)
    assert [answer.status_code for answer in answers] == [201]
    assert doomed.process.wait(WAIT) == 0
    assert not alive(pids)
    with pytest.raises(httpx.ConnectError):
        doomed.get("/")
    assert "the scheduler has stopped" in doomed.log.read_text()


def test_when_we_are_killed_nothing_is_left_behind(doomed: Server) -> None:
    pids = until_complete(doomed)
    doomed.process.kill()
    until("all processes end", lambda: not alive(pids))


def test_when_everything_above_the_workers_is_killed_they_end_too(doomed: Server) -> None:
    pids = until_complete(doomed)
    for pid in (child(doomed, "jobs.web"), doomed.process.pid):
        os.kill(pid, signal.SIGKILL)
    until("all processes end", lambda: not alive(pids))


def test_a_web_server_that_ends_before_it_ever_answered_ends_everything(capfd: pytest.CaptureFixture[str]) -> None:
    code = """
import sys
from jobs.supervisor import Supervisor
never = [sys.executable, "-c", "print('it began', flush=True)"]
sys.exit(Supervisor(web=never, scheduler=never, answers=lambda: False, ready=lambda: print("ready")).run())
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=WAIT).returncode == 1
    printed = capfd.readouterr()
    assert printed.out == "it began\n"
    assert "the web server has ended" in printed.err


@pytest.mark.parametrize("end", ["Ctrl-C", "the window is closed"])
def test_a_terminal_stops_it(tmp_path: Path, end: str) -> None:
    ours, theirs = pty.openpty()
    log = tmp_path / "log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "jobs.serve", "--demo"],
            cwd=ROOT, env=environment(tmp_path), stdin=theirs, stdout=sink, stderr=sink, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0),
        )  # fmt: skip
    os.close(theirs)
    try:
        until("the scheduler runs", lambda: b"job done" in log.read_bytes())
        if end == "Ctrl-C":
            os.write(ours, b"\x03")
        else:
            os.close(ours)
        assert process.wait(WAIT) == 0
    finally:
        process.kill()
    assert b"the scheduler has stopped" in log.read_bytes()


# Surviving


def test_a_killed_worker_is_replaced_and_requests_go_on(lasting: Server) -> None:
    until("both workers answer", lambda: listening(lasting) == 2)
    killed, other = workers_by_age(lasting)
    os.kill(killed, signal.SIGKILL)
    until("the worker is replaced", lambda: len(workers(lasting)) == 2 and killed not in workers(lasting))
    assert other in workers(lasting)
    assert {lasting.get("/healthz").status_code for _ in range(20)} == {200}


def test_a_killed_web_server_is_started_again(lasting: Server) -> None:
    until_complete(lasting)
    first, scheduler = child(lasting, "jobs.web"), child(lasting, "jobs.runner")
    old = workers(lasting)
    os.kill(first, signal.SIGKILL)
    until("its end is logged", lambda: "the web server has ended" in lasting.log.read_text())
    until("it runs again", lambda: len(lasting.pids()) == 5 and not alive(old))
    until("both workers answer", lambda: listening(lasting) == 2)
    assert child(lasting, "jobs.web") != first
    assert child(lasting, "jobs.runner") == scheduler
    assert {lasting.get("/healthz").status_code for _ in range(20)} == {200}


def test_a_worker_that_keeps_dying_does_not_end_the_server(lasting: Server) -> None:
    """granian gives up when one dies again within seconds, and ends the other worker as well."""
    until("both workers answer", lambda: listening(lasting) == 2 and len(workers(lasting)) == 2)
    before, web = workers(lasting), child(lasting, "jobs.web")

    def has_given_up() -> bool:
        # As soon as it is there: on a slow machine it would take too long to answer.
        with contextlib.suppress(ProcessLookupError, FileNotFoundError, IndexError):
            os.kill(workers_by_age(lasting)[-1], signal.SIGKILL)
        return not alive({web})

    until("granian gives up", has_given_up)
    until("all are replaced", lambda: len(lasting.pids()) == 5 and not alive(before))
    until("both workers answer again", lambda: listening(lasting) == 2)
    assert lasting.get("/healthz").status_code == 200
    assert lasting.process.poll() is None


def test_a_killed_scheduler_is_started_again(lasting: Server) -> None:
    until_complete(lasting)
    first = child(lasting, "jobs.runner")
    os.kill(first, signal.SIGKILL)
    until("its end is logged", lambda: "the scheduler has ended" in lasting.log.read_text())
    until("it runs again", lambda: len(lasting.pids()) >= 5)
    assert child(lasting, "jobs.runner") != first
    assert lasting.process.poll() is None
    assert lasting.get("/healthz").status_code == 200


def test_what_keeps_ending_is_started_ever_more_slowly(capfd: pytest.CaptureFixture[str]) -> None:
    brief = LastingChild([sys.executable, "-c", "print('began', flush=True)"])
    waits: list[float] = []
    while len(waits) < 3:
        if (pause := brief.tend()) is not None:
            waits.append(pause)
        time.sleep(0.01)
    assert waits == [1, 2, 4]
    assert capfd.readouterr().out == "began\n" * 3


def test_a_hang_up_replaces_the_workers_without_a_failed_request(lasting: Server) -> None:
    before = workers(lasting)
    lasting.process.send_signal(signal.SIGHUP)
    statuses = set()
    deadline = time.monotonic() + WAIT
    while workers(lasting) & before and time.monotonic() < deadline:
        statuses.add(lasting.get("/healthz").status_code)
    assert not workers(lasting) & before
    assert statuses == {200}


def test_workers_read_the_code_anew_because_their_parent_has_none_of_it() -> None:
    code = "import sys, jobs.web; print({name.partition('.')[0] for name in sys.modules} & {'app', 'models', 'views'})"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) == "set()\n"
    assert "models" not in (ROOT / "jobs" / "granian-log.json").read_text()


def test_half_sent_requests_hold_nobody_up(lasting: Server) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            half = stack.enter_context(socket.create_connection(("127.0.0.1", lasting.port)))
            half.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        assert lasting.get("/healthz").status_code == 200
