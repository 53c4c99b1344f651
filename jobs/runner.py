"""The scheduler: `python -m jobs.runner`, or `flask jobs start`. It runs `jobs/schedule.py`, one log line a run."""

import logging
import os
import signal
import threading
import time
from datetime import datetime, timedelta
from typing import Any

from apscheduler.events import EVENT_SCHEDULER_STARTED
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler

from jobs import send_mail, send_webhooks
from jobs.schedule import EVERY, Job
from jobs.turn import Turns, patient_connection
from models import database, logs, metrics, secret, settings, usage_journal
from models.database import now
from models.job_run import BEAT

log = logging.getLogger("jobs")


NICE = 10
# A job is looked at this often at least: what is due is decided by its row, not by this process's memory.
LOOK = timedelta(minutes=1)


def start() -> None:
    """Run every job at its time, until SIGTERM or SIGINT. A job that is running is let finish."""
    turns = Turns()
    # A thread for each job and one for the beat: however long they all take, the turn is kept.
    scheduler = BlockingScheduler(timezone="UTC", executors={"default": ThreadPoolExecutor(len(EVERY) + 1)})
    # However late, a run is made up for, once.
    rules = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    scheduler.add_job(turns.beat, "interval", id="beat", seconds=BEAT.total_seconds(), **rules)
    for job in EVERY:
        metrics.job_known(job.name)
        seconds = min(job.every, LOOK).total_seconds()
        scheduler.add_job(
            take_turn, "interval", [job, turns], id=job.name, seconds=seconds, next_run_time=now(), **rules
        )
    scheduler.add_listener(lambda _: _stop_on_signals(scheduler), EVENT_SCHEDULER_STARTED)
    log.info("the scheduler runs %s", ", ".join(job.name for job in EVERY))
    scheduler.start()
    turns.release()
    log.info("the scheduler has stopped")


def step_back() -> None:
    """Let requests have the processor first, for which somebody waits. What a job gets is what they leave."""
    os.nice(NICE)


def take_turn(job: Job, turns: Turns) -> None:
    """Run the job if it is due and this scheduler's turn, and write down how that went."""
    try:
        if not turns.has(job):
            return
        turns.begin(job)
    except Exception:
        log.exception("the database did not say what is due", extra={"job": job.name})
        return
    began = time.monotonic()
    failed, outcome = run(job)
    turns.end(job, ms=_since(began), failed=failed, outcome=outcome)


def run(job: Job) -> tuple[bool, str]:
    """One run, with its line in the log: whether it failed, and what it did or why it failed.

    It never raises: a job that fails must not stop the others.
    """
    began = time.monotonic()
    try:
        with patient_connection():
            outcome = job.run()
    except Exception as problem:
        metrics.job_ran(job.name, "failed")
        log.exception("job failed", extra={"job": job.name, "ms": _since(began)})
        return True, type(problem).__name__
    metrics.job_ran(job.name, "done")
    # A job that looks every second says so only when there was something to do.
    if outcome and not job.quiet:
        log.info("job done", extra={"job": job.name, "outcome": outcome, "ms": _since(began)})
    return False, outcome


def run_at(job: Job, moment: datetime) -> str:
    """Run a job as of a moment, on a database connection of its own making."""
    with patient_connection(), database.at(moment):
        return job.run()


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
    step_back()
    chosen = settings.read()
    logs.set_up()
    metrics.process_started("scheduler")
    database.connect(chosen.database_url)
    secret.use_peppers(chosen.peppers)
    usage_journal.use(chosen.data_dir)
    send_mail.use(chosen)
    send_webhooks.use(chosen)
    start()


if __name__ == "__main__":
    main()
