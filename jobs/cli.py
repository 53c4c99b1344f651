"""The command line: `flask db`, `flask workspace`, `flask key`, `flask jobs`, `flask demo`."""

import click
from flask import Flask

from jobs import cli_database, cli_demo, cli_jobs, cli_key, cli_workspace
from models import settings
from models.settings import Settings


class BadSettings(click.ClickException):
    """The mistakes in the environment, one line each, without a traceback."""

    exit_code = 2


def set_up(app: Flask) -> None:
    for module in (cli_database, cli_workspace, cli_key, cli_jobs, cli_demo):
        app.cli.add_command(module.group)


def read_settings() -> Settings:
    """The settings of the environment, as `flask …` needs them."""
    try:
        return settings.read()
    except settings.SettingsError as problem:
        raise BadSettings("\n".join(problem.mistakes)) from problem
