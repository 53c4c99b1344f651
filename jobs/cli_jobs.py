"""`flask jobs`: what recurs, run by hand or by the clock."""

from datetime import datetime

import click

from jobs import runner
from jobs.schedule import EVERY
from jobs.terminal import Commands, Moment, json_option, need_tables, show, show_list
from models.apart import SomeFailed
from models.database import now
from models.errors import NotFound

group = Commands("jobs", help="What recurs: list it, run one by hand, start the scheduler.")


@group.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """The recurring jobs."""
    rows = [{"name": job.name, "every": str(job.every), "does": job.summary} for job in EVERY]
    show_list(as_json, rows, ["name", "every", "does"], "There is no job.")


@group.command("run")
@click.argument("name")
@click.option("--now", "moment", type=Moment(), help="Act as if it were this time.")
@json_option
def run(name: str, moment: datetime | None, as_json: bool) -> None:
    """Run one job now."""
    job = next((each for each in EVERY if each.name == name), None)
    if job is None:
        raise NotFound(f"There is no job {name!r}. Jobs: {', '.join(each.name for each in EVERY)}.")
    moment = moment or now()
    try:
        outcome = runner.run_at(job, moment)
    except SomeFailed as problem:
        raise click.ClickException(str(problem)) from problem
    show(as_json, {"job": job.name, "at": moment, "outcome": outcome}, outcome)


@group.command("start")
@json_option
def start(as_json: bool) -> None:
    """Run every job at its time, until stopped. Its log is JSON lines, with or without --json."""
    need_tables()
    runner.start()
