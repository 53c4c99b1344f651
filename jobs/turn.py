"""Whose turn it is: one scheduler of all machines does what must be done once, each machine does its own."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

from jobs.schedule import Job
from models import JobRun, Lease, database
from models.database import random_text
from models.job_run import BEAT, LEASE, SCHEDULER

log = logging.getLogger("jobs")

# A job that runs every few seconds is written down this often, or when it begins or ceases to fail.
STEP = timedelta(seconds=30)
STATEMENT_SECONDS = 300


@contextlib.contextmanager
def patient_connection() -> Iterator[None]:
    """A database connection of its own. Nobody waits for a job: its statements may take longer than a request's."""
    try:
        database.allow_statements(STATEMENT_SECONDS)
        yield
    finally:
        database.forget_connection()


class Turns:
    """Of one scheduler process. Beat regularly; a job is then run only when it is due and its turn is here."""

    def __init__(self) -> None:
        self.holder = random_text(16)
        self.is_first = False
        self.until = 0.0
        self.written: dict[str, tuple[float, bool]] = {}
        self.beating = threading.Lock()
        self.has_begun = False

    def beat(self) -> None:
        """Take the lease or keep it. It counts from before the database was asked, so it never seems longer."""
        asked = time.monotonic()
        try:
            with patient_connection():
                has = Lease.take(SCHEDULER, self.holder)
        except Exception:
            # Whoever cannot reach the database has no turn either, once the lease has run out.
            log.exception("the lease could not be kept")
            return
        if has and not self.is_first:
            log.info("this scheduler has its turn")
        self.is_first = has
        self.until = asked + (LEASE - BEAT / 2).total_seconds() if has else 0.0

    def release(self) -> None:
        with contextlib.suppress(Exception), patient_connection():
            Lease.release(SCHEDULER, self.holder)

    def has(self, job: Job) -> bool:
        """Whether this process runs the job now."""
        if not job.local and not self._is_mine():
            return False
        if job.every <= STEP:
            return True
        with patient_connection():
            return JobRun.is_due(job.name, job.every)

    def _is_mine(self) -> bool:
        """The first job that asks has the lease taken: a start that waits for the database could not be stopped."""
        with self.beating:
            if not self.has_begun:
                self.has_begun = True
                self.beat()
        return time.monotonic() < self.until

    def begin(self, job: Job) -> None:
        if job.every > STEP:
            with patient_connection():
                JobRun.begin(job.name, job.summary)

    def end(self, job: Job, *, ms: int, failed: bool, outcome: str) -> None:
        """Write the run down. That this fails must not fail the run."""
        at, had_failed = self.written.get(job.name, (-STEP.total_seconds(), not failed))
        if job.every <= STEP and failed == had_failed and time.monotonic() - at < STEP.total_seconds():
            return
        self.written[job.name] = time.monotonic(), failed
        with contextlib.suppress(Exception), patient_connection():
            if job.every <= STEP:
                JobRun.begin(job.name, job.summary)
            JobRun.end(job.name, ms=ms, failed=failed, outcome=outcome)
