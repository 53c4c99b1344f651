"""The command line: what operators and their scripts rely on."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import create_app
from models import AuditEvent, Member, User, Workspace, database
from models.database import now
from models.settings import Settings
from tests.support import ledger
from tests.support.artifacts import ROOT
from tests.support.cast import Person
from tests.support.connection import disconnect
from tests.support.postgres import PostgresServer
from tests.support.terminal import Terminal


@pytest.fixture
def terminal(app: Flask) -> Terminal:
    return Terminal(app)


# Workspaces

OWNER = ("--owner-email", "Grace@Example.com", "--owner-name", "Grace Hopper", "--password-stdin")


def test_the_first_workspace_has_an_owner_who_can_sign_in(terminal: Terminal) -> None:
    password = ledger.fresh("password")
    made = terminal.ask("workspace", "create", "--name", "Navy", "--plan", "business", *OWNER, given=f"{password}\n")
    user = User.with_password("grace@example.com", password)
    assert user
    assert user.id == made["user_id"]
    assert Member.of_user(user, made["workspace_id"]).role == "owner"
    assert Workspace.get_by_id(made["workspace_id"]).plan.slug == "business"
    assert [row["name"] for row in terminal.ask("workspace", "list")["data"]] == ["Navy"]


def test_someone_known_gets_a_further_workspace_without_a_password(terminal: Terminal, ada: Person) -> None:
    assert ada.user
    made = terminal.ask("workspace", "create", "--name", "Second", "--owner-email", ada.user.email)
    assert made["user_id"] == ada.user.id
    assert Member.of_user(ada.user, made["workspace_id"]).role == "owner"
    assert ada.user.knows(ada.password)


@pytest.mark.parametrize(
    ("words", "given", "saying"),
    [
        (("--name", " ", *OWNER), "a password of some length", "Enter a name for the workspace."),
        (("--name", "Navy", "--plan", "gold", *OWNER), "a password of some length", "There is no plan 'gold'."),
        (("--name", "Navy", *OWNER), "short", "owner password: Use at least 12 characters."),
        (("--name", "Navy", "--owner-email", "grace", *OWNER[2:]), "a password of some length", "an e-mail address"),
    ],
)
def test_a_workspace_that_is_refused_leaves_nothing(
    terminal: Terminal, words: tuple[str, ...], given: str, saying: str
) -> None:
    terminal.refuse("workspace", "create", *words, given=given, saying=saying)
    assert not User.select().exists()
    assert not Workspace.select().exists()


def test_a_password_is_never_taken_from_nowhere(terminal: Terminal) -> None:
    done = terminal.run("workspace", "create", "--name", "Navy", *OWNER[:4])
    assert done.exit_code == 2
    assert "--password-stdin" in done.stderr


def test_a_plan_is_changed_and_the_change_is_recorded(terminal: Terminal, ada: Person) -> None:
    terminal.ask("workspace", "plan", ada.workspace.id, "free")
    assert Workspace.get_by_id(ada.workspace.id).plan_slug == "free"
    event = AuditEvent.about(ada.workspace.id, ada.workspace.id)[0]
    assert (event.action, event.actor_kind) == ("workspace.plan_changed", "cli")
    assert event.facts == {"plan": ["team", "free"]}
    terminal.ask("workspace", "plan", ada.workspace.id, "free")
    assert [each.action for each in AuditEvent.about(ada.workspace.id, ada.workspace.id)].count(event.action) == 1
    terminal.refuse("workspace", "plan", ada.workspace.id, "gold", saying="There is no plan 'gold'.")
    terminal.refuse("workspace", "plan", "ws_nobody", "free", saying="There is no workspace 'ws_nobody'.")


# When something is wrong with the ground under it


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_app(request: pytest.FixtureRequest, tmp_path: Path, settings: Settings) -> Any:
    """The application on a database without tables."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'bare.db'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.create(f"bare_{tmp_path.name}")
    yield create_app(replace(settings, database_url=url))
    disconnect()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "words",
    [
        "workspace list",
        "workspace create --name N --owner-email n@example.com --owner-name N --password-stdin",
        "key show key_x",
        "jobs run purge",
        "jobs start",
        "demo seed",
        "db backup copy",
    ],
)
def test_without_tables_each_command_says_how_to_get_them(bare_app: Flask, words: str) -> None:
    Terminal(bare_app).refuse(*words.split(), saying="Run: flask db migrate", given="a password of some length\n")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_migrating_twice_is_once(bare_app: Flask) -> None:
    terminal = Terminal(bare_app)
    status = terminal.ask("db", "status")["data"]
    assert {row["applied_at"] for row in status} == {None}
    assert terminal.ask("db", "migrate")["applied"] == [row["name"] for row in status]
    assert terminal.run("db", "migrate").stdout == "Nothing to do.\n"
    status = terminal.ask("db", "status")["data"]
    assert all(abs(datetime.fromisoformat(row["applied_at"]) - now()) < timedelta(minutes=1) for row in status)


def flask(*words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """The real command, in a process of its own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GRAVITY_")}
    return subprocess.run(
        [sys.executable, "-m", "flask", *words], cwd=ROOT, env=inherited | environ, text=True, capture_output=True
    )


def test_wrong_settings_are_one_line_each_without_a_traceback(tmp_path: Path) -> None:
    done = flask("key", "list", GRAVITY_DATA_DIR=str(tmp_path), GRAVITY_WORKERS="many", PORT="-1")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 2
    assert "GRAVITY_WORKERS must be a whole number" in done.stderr


def test_a_database_that_is_away_is_one_line_without_its_password(tmp_path: Path) -> None:
    url = "postgresql://gravity:a-password-of-ours@127.0.0.1:1/gravity"
    done = flask("workspace", "list", GRAVITY_DATA_DIR=str(tmp_path), GRAVITY_DATABASE_URL=url)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "The database does not answer" in done.stderr
    assert "a-password-of-ours" not in done.stderr


def test_the_models_are_told_the_time(connected: str) -> None:
    moment = datetime(2030, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    with database.at(moment):
        assert now() == moment
        with database.at(moment + timedelta(days=1)):
            assert now() == moment + timedelta(days=1)
        assert now() == moment
    assert now() != moment
