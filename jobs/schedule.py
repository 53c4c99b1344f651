"""Everything that runs by itself, and how often. `jobs/runner.py` runs it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from jobs import purge, run_workflows


@dataclass(frozen=True, slots=True)
class Job:
    """A job may run twice, and beside itself on another machine: each run does what is left to do."""

    name: str
    every: timedelta
    summary: str
    run: Callable[[], str]


EVERY = (
    Job("purge", timedelta(hours=1), "Deletes sessions, invitations, counters and runs that are over.", purge.run),
    Job("run_workflows", timedelta(seconds=1), "Takes the steps of workflows that are due.", run_workflows.run),
)
