"""A scheduler whose jobs all take long keeps its turn all the same, and a page says when none is at work."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from jobs.schedule import EVERY
from models import JobRun, Lease
from models.database import now
from models.job_run import SCHEDULER, SILENT
from tests.support.artifacts import ROOT
from tests.support.cast import Person
from tests.support.clients import Browser
from tests.support.key_pages import words
from tests.support.processes import WAIT, until

Browse = Callable[[Person], Browser]
# Each job says that it began, and ends when there is a file of that name.
BUSY = """
import dataclasses, datetime, pathlib, sys, time
from jobs import runner
folder = pathlib.Path(sys.argv[1])
def wait(name):
    (folder / name).touch()
    while not (folder / "end").exists():
        time.sleep(0.05)
    return ""
runner.BEAT = datetime.timedelta(seconds=0.2)
runner.EVERY = [
    dataclasses.replace(job, run=lambda name=job.name: wait(name), every=datetime.timedelta(hours=1))
    for job in runner.EVERY
]
runner.main()
"""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_lease_is_kept_while_every_job_runs(connected: str, tmp_path: Path) -> None:
    folder = tmp_path / "busy"
    folder.mkdir()
    environ = os.environ | {"GRAVITY_DATABASE_URL": connected, "GRAVITY_DATA_DIR": str(tmp_path / "data")}
    running = subprocess.Popen([sys.executable, "-c", BUSY, str(folder)], cwd=ROOT, env=environ)

    def end_of_lease() -> datetime:
        return Lease.get_by_id(SCHEDULER).until

    try:
        until("all jobs run", lambda: len(list(folder.iterdir())) == len(EVERY))
        for _ in range(3):
            before = end_of_lease()
            until("the lease is taken for longer", lambda before=before: end_of_lease() > before)  # type: ignore[misc]
        (folder / "end").touch()
        running.send_signal(signal.SIGTERM)
        assert running.wait(WAIT) == 0
    finally:
        running.kill()
        running.wait()


def test_the_page_says_when_nothing_has_run_for_a_while(ada: Person, browse: Browse) -> None:
    JobRun.begin("clean_up")
    JobRun.end("clean_up", ms=3, failed=False, outcome="")
    JobRun.begin("purge")
    JobRun.end("purge", ms=3, failed=False, outcome="")
    with time_machine.travel(now() + timedelta(seconds=1)):
        JobRun.begin("purge")
    page = ada.settings("jobs")
    shown = words(browse(ada).get(page))
    assert "Nothing has run since" not in shown and "Running Not yet" in shown
    with time_machine.travel(now() + SILENT + timedelta(seconds=1)):
        shown = words(browse(ada).get(page))
    assert "Nothing has run since" in shown and "ask whoever runs the server" in shown
    assert "Running" not in shown and "Cut off Not yet" in shown
