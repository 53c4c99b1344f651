"""What the commands share: errors as one line, times and lists as options, output for people and for programs."""

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup
from peewee import IntegrityError, PeeweeException

from models import database
from models.errors import DomainError, Invalid
from models.settings import Settings

NOT_SET_UP = "The database is not set up for this version. Run: flask db migrate"

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


class Commands(AppGroup):
    """A group of commands. What the rules or the database refuse becomes one line and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DomainError as problem:
            raise click.ClickException(_sentence(problem)) from problem
        except PeeweeException as problem:
            raise click.ClickException(_of_the_database(problem)) from problem


class Moment(click.ParamType):
    """A time such as 2027-01-31 or 2027-01-31T09:00:00+01:00; UTC where it names no zone."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a time. Use a form like 2027-01-31 or 2027-01-31T09:00:00Z.", param, ctx)


def need_tables() -> None:
    """End the command with a hint while the database is missing, empty or behind."""
    if database.pending_migrations():
        raise click.ClickException(NOT_SET_UP)


def settings() -> Settings:
    chosen: Settings = current_app.config["SETTINGS"]
    return chosen


def show(as_json: bool, facts: Mapping[str, Any], text: Callable[[], str] | str | None = None) -> None:
    """Print the facts as JSON; or, for people, the text, else the facts as aligned lines."""
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False, default=_plain))
    elif text is None:
        click.echo(_aligned([(name.replace("_", " "), _words(value)) for name, value in facts.items()]))
    else:
        click.echo(text if isinstance(text, str) else text())


def show_list(as_json: bool, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], empty: str) -> None:
    """Print the rows as JSON; or, for people, some columns of them as a table."""
    if as_json:
        click.echo(json.dumps({"data": rows}, ensure_ascii=False, default=_plain))
    elif not rows:
        click.echo(empty)
    else:
        head = [column.replace("_", " ").upper() for column in columns]
        click.echo(_aligned([head, *([_words(row[column]) for column in columns] for row in rows)]))


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    padded = ("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)


def _words(value: Any) -> str:
    if value is None or value == "" or value == []:
        return "–"
    if isinstance(value, list):
        return " ".join(str(each) for each in value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M UTC")
    return str(value)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)


def _sentence(problem: DomainError) -> str:
    if isinstance(problem, Invalid):
        return " ".join(f"{field}: {message}" for field, message in problem.errors.items())
    return problem.detail


def _of_the_database(problem: PeeweeException) -> str:
    if isinstance(problem, IntegrityError):
        return "Something else changed at the same moment. Nothing was done; try again."
    with contextlib.suppress(PeeweeException):
        if database.pending_migrations():
            return NOT_SET_UP
    said = str(problem).splitlines()
    return f"The database does not answer: {said[0] if said else type(problem).__name__}"
