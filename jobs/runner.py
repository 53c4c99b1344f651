"""The scheduler: `python -m jobs.runner`, or `flask jobs start`. It runs `jobs/schedule.py`, one log line a run."""

import contextlib
import logging
import signal
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from apscheduler.events import EVENT_SCHEDULER_STARTED
from apscheduler.schedulers.blocking import BlockingScheduler

from jobs import send_mail
from jobs.schedule import EVERY, Job
from models import database, logs, metrics, secret, settings, usage_journal
from models.database import now

log = logging.getLogger("jobs")


def start() -> None:
    """Run every job at its time, until SIGTERM or SIGINT. A job that is running is let finish."""
    scheduler = BlockingScheduler(timezone="UTC")
    for job in EVERY:
        metrics.job_known(job.name)
        scheduler.add_job(
            run, "interval", [job], id=job.name, seconds=job.every.total_seconds(), next_run_time=now(),
            # However late, a run is made up for, once.
            misfire_grace_time=None, coalesce=True, max_instances=1,
        )  # fmt: skip
    scheduler.add_listener(lambda _: _stop_on_signals(scheduler), EVENT_SCHEDULER_STARTED)
    log.info("the scheduler runs %s", ", ".join(job.name for job in EVERY))
    scheduler.start()
    log.info("the scheduler has stopped")


def run(job: Job) -> bool:
    """One run, with its line in the log. It never raises: a job that fails must not stop the others."""
    began = time.monotonic()
    try:
        outcome = run_at(job, now())
    except Exception:
        metrics.job_ran(job.name, "failed")
        log.exception("job failed", extra={"job": job.name, "ms": _since(began)})
        return False
    metrics.job_ran(job.name, "done")
    # A job that looks every second says so only when there was something to do.
    if outcome and not job.quiet:
        log.info("job done", extra={"job": job.name, "outcome": outcome, "ms": _since(began)})
    return True


def run_at(job: Job, moment: datetime) -> str:
    """Run a job as of a moment, on a database connection of its own making."""
    with _patient_connection(), database.at(moment):
        return job.run()


@contextlib.contextmanager
def _patient_connection() -> Iterator[None]:
    """Nobody waits for a job: its statements may take longer than those of a request."""
    try:
        if not database.is_sqlite():
            database.db.execute_sql("SET statement_timeout = '5min'")
        yield
    finally:
        database.forget_connection()


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _stop_on_signals(scheduler: BlockingScheduler) -> None:
    def stop(*_: object) -> None:
        _on_stop_signals(signal.SIG_IGN)
        # In a thread, because a handler that interrupts a lock's holder must not ask for that lock.
        threading.Thread(target=scheduler.shutdown).start()

    _on_stop_signals(stop)


def _on_stop_signals(action: Any) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, action)


def main() -> None:
    chosen = settings.read()
    logs.set_up()
    metrics.process_started("scheduler")
    database.connect(chosen.database_url)
    secret.use_peppers(chosen.peppers)
    usage_journal.use(chosen.data_dir)
    send_mail.use(chosen)
    start()


if __name__ == "__main__":
    main()
