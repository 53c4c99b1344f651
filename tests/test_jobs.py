"""What recurs: each run does what is left to do, says so, and never stops the others."""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from jobs import runner
from jobs.schedule import EVERY, Job
from jobs.turn import Turns
from models import BrowserSession, Invitation, JobRun, Lease, Member, Throttle, database, logs
from models.database import now
from models.job_run import BEAT, LEASE
from tests.support.artifacts import ROOT
from tests.support.cast import Person
from tests.support.processes import WAIT, until
from tests.support.threads import at_once

PURGE = next(job for job in EVERY if job.name == "purge")
REST = "0 kept answers, 0 runs, 0 audit events, 0 refusals, 0 sums of use, 0 notices, 0 webhook deliveries"
SOMETHING = f"deleted 1 sessions, 1 invitations, 1 counters, {REST}"
NOTHING = f"deleted 0 sessions, 0 invitations, 0 counters, {REST}"


def leave_things_behind(ada: Person) -> None:
    """A session, an invitation and a failed sign-in each, from forty days ago and from just now."""
    for age in (timedelta(days=40), timedelta(0)):
        with database.at(now() - age):
            assert ada.user
            BrowserSession.start(ada.user, address="192.0.2.1", client="Firefox")
            email = f"after-{age.days}@example.com"
            Member.add(ada.workspace, name="New", email=email, role="member", by=ada.actor).invite(by=ada.actor)
            Throttle.fail(f"account:{email}")


def counts() -> list[int]:
    return [table.select().count() for table in (BrowserSession, Invitation, Throttle)]


def test_the_purge_deletes_what_is_over_and_nothing_else(ada: Person) -> None:
    leave_things_behind(ada)
    assert counts() == [2, 2, 2]
    assert PURGE.run() == SOMETHING
    assert counts() == [1, 1, 1]
    assert PURGE.run() == NOTHING


def test_two_purges_at_once_do_the_work_of_one(ada: Person) -> None:
    leave_things_behind(ada)
    assert all(isinstance(said, str) for said in at_once(2, lambda _: PURGE.run()))
    assert counts() == [1, 1, 1]


def test_a_job_is_run_by_hand_as_of_any_time(app: Flask, ada: Person) -> None:
    leave_things_behind(ada)
    run = app.test_cli_runner().invoke
    said = json.loads(run(args=["jobs", "run", "purge", "--json"]).stdout)
    assert (said["job"], said["outcome"]) == (
        "purge",
        SOMETHING,
    )
    later = (now() + timedelta(days=31)).isoformat()
    assert run(args=["jobs", "run", "purge", "--now", later]).stdout == f"{said['outcome']}\n"
    assert counts() == [0, 0, 0]
    assert run(args=["jobs", "run", "nothing"]).exit_code == 1


def test_every_job_is_listed(app: Flask) -> None:
    rows = json.loads(app.test_cli_runner().invoke(args=["jobs", "list", "--json"]).stdout)["data"]
    assert [row["name"] for row in rows] == [job.name for job in EVERY]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_failing_job_is_logged_with_its_reason_and_raises_nothing(
    connected: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> str:
        raise RuntimeError("it broke")

    with caplog.at_level(logging.INFO):
        assert runner.run(Job("broken", timedelta(hours=1), "Breaks.", fail)) == (True, "RuntimeError")
        assert runner.run(PURGE) == (False, NOTHING)
    broken, done = caplog.records
    assert (broken.levelname, broken.job) == ("ERROR", "broken")  # type: ignore[attr-defined]
    assert "it broke" in logs.Lines().format(broken)
    assert (done.levelname, done.job, done.outcome) == ("INFO", "purge", NOTHING)  # type: ignore[attr-defined]


def lines(log: Path) -> "list[dict[str, object]]":
    # The last one may be half written.
    return [json.loads(line) for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]


@contextlib.contextmanager
def schedulers(url: str, folder: Path, count: int = 2) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Some schedulers on one database, each with a log of its own."""
    environ = os.environ | {"GRAVITY_DATABASE_URL": url, "GRAVITY_DATA_DIR": str(folder / "data")}
    running = []
    for number in range(count):
        with (folder / f"scheduler-{number}.log").open("wb") as sink:
            command = [sys.executable, "-m", "jobs.runner"]
            running.append(subprocess.Popen(command, cwd=ROOT, env=environ, stderr=sink))
    try:
        yield running
    finally:
        for process in running:
            process.kill()
            process.wait()


def said(folder: Path, number: int) -> list[str]:
    """What a scheduler has logged, and which jobs it has done."""
    found = lines(folder / f"scheduler-{number}.log")
    return [str(line["job"] if line["message"] == "job done" else line["message"]) for line in found]


def test_one_scheduler_works_and_both_stop_in_order(connected: str, ada: Person, tmp_path: Path) -> None:
    leave_things_behind(ada)
    with schedulers(connected, tmp_path) as running:
        until("both run", lambda: all(any("runs" in line for line in said(tmp_path, each)) for each in (0, 1)))
        until("one has purged", lambda: "purge" in said(tmp_path, 0) + said(tmp_path, 1))
        for process in running:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(WAIT) for process in running] == [0, 0]
    assert counts() == [1, 1, 1]
    both = said(tmp_path, 0) + said(tmp_path, 1)
    assert [both.count(each) for each in ("purge", "the scheduler has stopped")] == [1, 2]
    assert Lease.select().count() == 0


@pytest.mark.parametrize(
    ("database_url", "end"),
    [("sqlite", signal.SIGKILL), ("postgresql", signal.SIGTERM)],
    indirect=["database_url"],
)
def test_another_scheduler_takes_over_within_a_minute(connected: str, tmp_path: Path, end: signal.Signals) -> None:
    """Who stops in order lets another one have the lease; that of who is killed runs out."""
    has_turn = "this scheduler has its turn"
    with schedulers(connected, tmp_path) as running:
        until("one has its turn", lambda: has_turn in said(tmp_path, 0) + said(tmp_path, 1))
        first = 0 if has_turn in said(tmp_path, 0) else 1
        running[first].send_signal(end)
        running[first].wait(WAIT)
        if end == signal.SIGKILL:
            assert (LEASE + BEAT).total_seconds() < 60
            # As if the half minute were over.
            Lease.update(until=now()).execute()
        until("the other has its turn", lambda: has_turn in said(tmp_path, 1 - first))
        # What the first one had done an hour is not over for is not done again.
        assert (said(tmp_path, 0) + said(tmp_path, 1)).count("purge") <= 1


def test_a_run_that_was_cut_off_is_made_up_for(connected: str) -> None:
    hour, start = timedelta(hours=1), now()
    with database.at(start):
        JobRun.begin("purge")
    for seconds, due in ((30, False), (59, False), (60, True)):
        with database.at(start + timedelta(seconds=seconds)):
            assert JobRun.is_due("purge", hour) is due
    with database.at(start + timedelta(minutes=2)):
        JobRun.begin("purge")
        JobRun.end("purge", ms=3, failed=True, outcome="ValueError")
    with database.at(start + timedelta(minutes=10)):
        assert not JobRun.is_due("purge", hour)
        JobRun.begin("purge")
    with database.at(start + timedelta(minutes=11)):
        assert JobRun.is_due("purge", hour), "how an earlier run ended says nothing about this one"


def test_what_is_due_is_told_by_rows_whoever_asks(connected: str) -> None:
    hour = timedelta(hours=1)
    assert JobRun.is_due("purge", hour)
    begun = JobRun.begin("purge")
    assert not JobRun.is_due("purge", hour)
    JobRun.end("purge", ms=1, failed=False, outcome="")
    for later, due in ((hour - timedelta(seconds=1), False), (hour, True), (timedelta(days=3), True)):
        with database.at(begun + later):
            assert JobRun.is_due("purge", hour) is due
    # The clock was set back: waiting for it to catch up could take for ever.
    with database.at(begun - timedelta(seconds=1)):
        assert JobRun.is_due("purge", hour)


def test_a_lease_is_one_holders_until_it_is_silent(connected: str) -> None:
    assert Lease.take("work", "one") and Lease.take("work", "one")
    begun = now()
    assert not Lease.take("work", "two")
    with database.at(begun + LEASE + timedelta(seconds=1)):
        assert Lease.take("work", "two")
        assert not Lease.take("work", "one")
        Lease.release("work", "one")
        assert not Lease.take("work", "three")
        Lease.release("work", "two")
        assert Lease.take("work", "three")


def test_a_clock_that_is_far_ahead_keeps_no_lease_for_ever(connected: str) -> None:
    with database.at(now() + timedelta(days=1)):
        assert Lease.take("ahead", "fast")
    assert Lease.take("ahead", "right")


def test_many_who_want_a_lease_get_it_once(connected: str) -> None:
    assert at_once(8, lambda each: Lease.take("work", str(each))).count(True) == 1


def test_a_job_of_seconds_is_written_down_at_times_and_when_it_fails(connected: str) -> None:
    outcomes = iter(["one", "two"])

    def work() -> str:
        return next(outcomes)

    turns = Turns()
    turns.beat()
    job = Job("often", timedelta(seconds=1), "Works.", work)
    for expected in ("one", "one", "StopIteration"):
        runner.take_turn(job, turns)
        row = JobRun.get_by_id("often")
        assert (row.outcome, row.failed) == (expected, expected == "StopIteration")
    assert row.succeeded_at and row.failed_at and row.started_at <= row.ended_at


@pytest.mark.parametrize("local", [False, True])
def test_who_has_no_turn_runs_only_what_is_its_machines(connected: str, local: bool) -> None:
    done: list[str] = []
    other, mine = Turns(), Turns()
    other.beat()
    mine.beat()

    def work() -> str:
        done.append("work")
        return "worked"

    runner.take_turn(Job("some", timedelta(hours=1), "Works.", work, local=local), mine)
    assert bool(done) is local
