"""Everything that runs by itself, and how often. `jobs/runner.py` runs it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from jobs import (
    announce_expiry,
    clean_up,
    end_overlaps,
    flag_keys,
    fold_usage,
    purge,
    run_workflows,
    send_mail,
    send_webhooks,
    weekly_summary,
)


@dataclass(frozen=True, slots=True)
class Job:
    """A job may run twice, and beside itself on another machine: each run does what is left to do."""

    name: str
    every: timedelta
    summary: str
    run: Callable[[], str]
    # Runs so often that the log tells only of its failures.
    quiet: bool = False
    # Every machine does its own; all others are done by the one scheduler that has the lease.
    local: bool = False


EVERY = (
    Job("purge", timedelta(hours=1), "Deletes sessions, invitations, counters and runs that are over.", purge.run),
    Job(
        "fold_usage",
        timedelta(seconds=1),
        "Adds up the requests of this machine.",
        fold_usage.run,
        quiet=True,
        local=True,
    ),
    Job("run_workflows", timedelta(seconds=1), "Takes the steps of workflows that are due.", run_workflows.run),
    Job("send_mail", timedelta(seconds=5), "Puts what people are to be told into mail, and sends it.", send_mail.run),
    Job("end_overlaps", timedelta(seconds=30), "Notes which old keys of rotations have stopped.", end_overlaps.run),
    Job("clean_up", timedelta(hours=1), "Cleans unused keys up in stages, where it is wanted.", clean_up.run),
    Job("flag_keys", timedelta(hours=1), "Finds keys that somebody should look at.", flag_keys.run),
    Job("weekly_summary", timedelta(hours=6), "Sums up the week that is over.", weekly_summary.run),
    Job("send_webhooks", timedelta(seconds=3), "Tells webhooks what happened.", send_webhooks.run),
    Job("announce_expiry", timedelta(minutes=30), "Tells webhooks of keys that are about to end.", announce_expiry.run),
)
