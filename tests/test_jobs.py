"""What recurs: each run does what is left to do, says so, and never stops the others."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from jobs import runner
from jobs.schedule import EVERY, Job
from models import BrowserSession, Invitation, Member, Throttle, database, logs
from models.database import now
from tests.support.artifacts import ROOT
from tests.support.cast import Person
from tests.support.threads import at_once

PURGE = next(job for job in EVERY if job.name == "purge")
REST = "0 kept answers, 0 runs, 0 audit events, 0 refusals, 0 sums of use, 0 notices"
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
        assert not runner.run(Job("broken", timedelta(hours=1), "Breaks.", fail))
        assert runner.run(PURGE)
    broken, done = caplog.records
    assert (broken.levelname, broken.job) == ("ERROR", "broken")  # type: ignore[attr-defined]
    assert "it broke" in logs.Lines().format(broken)
    assert (done.levelname, done.job, done.outcome) == ("INFO", "purge", NOTHING)  # type: ignore[attr-defined]


def lines(log: Path) -> "list[dict[str, object]]":
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_the_scheduler_runs_beside_another_one_and_stops_in_order(connected: str, ada: Person, tmp_path: Path) -> None:
    leave_things_behind(ada)
    environ = os.environ | {"GRAVITY_DATABASE_URL": connected, "GRAVITY_DATA_DIR": str(tmp_path / "data")}
    log = tmp_path / "scheduler.log"
    with log.open("ab") as sink:
        command = [sys.executable, "-m", "jobs.runner"]
        running = [subprocess.Popen(command, cwd=ROOT, env=environ, stderr=sink) for _ in range(2)]
    deadline = time.monotonic() + 30
    while [line.get("job") for line in lines(log)].count("purge") < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in running:
        process.send_signal(signal.SIGTERM)
    assert [process.wait(10) for process in running] == [0, 0]
    assert counts() == [1, 1, 1]
    messages = [str(line["message"]) for line in lines(log)]
    assert sorted(messages) == sorted(
        [f"the scheduler runs {', '.join(job.name for job in EVERY)}", "job done", "the scheduler has stopped"] * 2
    )
