"""The command line: what operators and their scripts rely on."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from app import create_app
from models import ApiKey, AuditEvent, Member, User, Workspace, database, verification
from models.database import now
from models.errors import KeyRefused
from models.settings import Settings
from tests.conftest import disconnect
from tests.support import ledger
from tests.support.artifacts import ROOT
from tests.support.cast import Person
from tests.support.postgres import PostgresServer

Run = Callable[..., Result]
Ask = Callable[..., Any]


@pytest.fixture
def run(app: Flask) -> Run:
    """run("key", "list"): what `flask key list` does."""

    def ran(*words: str, given: str = "") -> Result:
        return app.test_cli_runner().invoke(args=words, input=given)

    return ran


@pytest.fixture
def ask(run: Run) -> Ask:
    """ask("key", "list"): what `flask key list --json` prints, as data."""

    def asked(*words: str, given: str = "") -> Any:
        done = run(*words, "--json", given=given)
        assert done.exit_code == 0, done.stderr
        assert not done.stderr
        return json.loads(done.stdout)

    return asked


def refused(done: Result, saying: str) -> None:
    """One clear line on standard error, nothing on standard output, status 1."""
    assert done.exit_code == 1
    assert not done.stdout
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert saying in done.stderr


def new_key(ask: Ask, workspace: Workspace, *more: str, name: str = "CI", expires: str = "30d") -> dict[str, Any]:
    words = ["--workspace", workspace.id, "--name", name, "--expires", expires, "--scope", "read:members"]
    made: dict[str, Any] = ask("key", "create", *words, *more)
    return made


# Workspaces

OWNER = ("--owner-email", "Grace@Example.com", "--owner-name", "Grace Hopper", "--password-stdin")


def test_the_first_workspace_has_an_owner_who_can_sign_in(ask: Ask) -> None:
    password = ledger.fresh("password")
    made = ask("workspace", "create", "--name", "Navy", "--plan", "business", *OWNER, given=f"{password}\n")
    user = User.with_password("grace@example.com", password)
    assert user
    assert user.id == made["user_id"]
    assert Member.of_user(user, made["workspace_id"]).role == "owner"
    assert Workspace.get_by_id(made["workspace_id"]).plan.slug == "business"
    assert [row["name"] for row in ask("workspace", "list")["data"]] == ["Navy"]


def test_someone_known_gets_a_further_workspace_without_a_password(ask: Ask, ada: Person) -> None:
    assert ada.user
    made = ask("workspace", "create", "--name", "Second", "--owner-email", ada.user.email)
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
def test_a_workspace_that_is_refused_leaves_nothing(run: Run, words: tuple[str, ...], given: str, saying: str) -> None:
    refused(run("workspace", "create", *words, given=given), saying)
    assert not User.select().exists()
    assert not Workspace.select().exists()


def test_a_password_is_never_taken_from_nowhere(run: Run) -> None:
    done = run("workspace", "create", "--name", "Navy", *OWNER[:4])
    assert done.exit_code == 2
    assert "--password-stdin" in done.stderr


def test_a_plan_is_changed_and_the_change_is_recorded(ask: Ask, run: Run, ada: Person) -> None:
    ask("workspace", "plan", ada.workspace.id, "free")
    assert Workspace.get_by_id(ada.workspace.id).plan_slug == "free"
    event = AuditEvent.about(ada.workspace.id, ada.workspace.id)[0]
    assert (event.action, event.actor_kind) == ("workspace.plan_changed", "cli")
    assert event.facts == {"plan": ["team", "free"]}
    ask("workspace", "plan", ada.workspace.id, "free")
    assert [each.action for each in AuditEvent.about(ada.workspace.id, ada.workspace.id)].count(event.action) == 1
    refused(run("workspace", "plan", ada.workspace.id, "gold"), "There is no plan 'gold'.")
    refused(run("workspace", "plan", "ws_nobody", "free"), "There is no workspace 'ws_nobody'.")


# Keys


def test_a_key_is_made_and_its_secret_works(ask: Ask, ada: Person) -> None:
    more = ("--scope", "read:data,write:data", "--note", "Ask Bob", "--allow-ip", "10.1.2.3/8")
    made = new_key(ask, ada.workspace, *more)
    credential = verification.verify(made["secret"])
    assert credential.key_id == made["id"]
    shown = ask("key", "show", made["id"])
    assert shown["scopes"] == ["read:members", "read:data", "write:data"]
    assert (shown["note"], shown["networks"], shown["created_by"]) == ("Ask Bob", ["10.0.0.0/8"], "Command line")
    assert made["secret"] not in json.dumps(shown)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("30d", timedelta(days=30)),
        ("90d", timedelta(days=90)),
        ("never", None),
        ("2031-05-06", datetime(2031, 5, 6, tzinfo=UTC)),
        ("2031-05-06T07:08:09+02:00", datetime(2031, 5, 6, 5, 8, 9, tzinfo=UTC)),
    ],
)
def test_a_key_ends_when_it_was_told_to(ask: Ask, ada: Person, given: str, expected: Any) -> None:
    end = ApiKey.get_by_id(new_key(ask, ada.workspace, expires=given)["id"]).expires_at
    if isinstance(expected, timedelta):
        assert abs(end - now() - expected) < timedelta(minutes=1)
    else:
        assert end == expected


def test_a_key_begins_when_it_was_told_to(ask: Ask, ada: Person) -> None:
    made = new_key(ask, ada.workspace, "--starts", "2031-01-01", expires="never")
    assert ask("key", "show", made["id"])["state"] == "scheduled"
    with pytest.raises(KeyRefused, match="not valid yet"):
        verification.verify(made["secret"])


@pytest.mark.parametrize(
    ("words", "saying"),
    [
        (("--scope", "read:minds", "--expires", "30d"), "There is no scope 'read:minds'."),
        (("--scope", "read:data", "--expires", "2001-01-01"), "Choose an expiration in the future."),
        (("--scope", "read:data", "--expires", "99999d"), "within 50 years"),
        (("--scope", "read:data", "--expires", "30d", "--allow-ip", "home"), "home is not an IP address"),
    ],
)
def test_a_key_that_is_refused_leaves_nothing(run: Run, ada: Person, words: tuple[str, ...], saying: str) -> None:
    refused(run("key", "create", "--workspace", ada.workspace.id, "--name", "CI", *words), saying)
    assert not ApiKey.select().exists()


def test_the_plan_holds_on_the_command_line_too(ask: Ask, run: Run, ada: Person) -> None:
    ask("workspace", "plan", ada.workspace.id, "free")
    words = ("key", "create", "--workspace", ada.workspace.id, "--name", "CI", "--scope", "read:data", "--expires")
    refused(run(*words, "never"), "Keys on the Free plan live at most 90 days.")
    assert run(*words, "90d").exit_code == 0


@pytest.mark.parametrize("given", ["soon", "d", "-3d", "30 d", "31.12.2027", ""])
def test_what_is_no_time_is_a_mistake_in_usage(run: Run, ada: Person, given: str) -> None:
    words = ("--workspace", ada.workspace.id, "--name", "CI", "--scope", "read:data", "--expires", given)
    assert run("key", "create", *words).exit_code == 2


def test_rotating_ends_the_old_secret_at_once(ask: Ask, ada: Person) -> None:
    made = new_key(ask, ada.workspace)
    again = ask("key", "rotate", made["id"])
    assert again["id"] == made["id"] == verification.verify(again["secret"]).key_id
    with pytest.raises(KeyRefused, match="revoked"):
        verification.verify(made["secret"])


def test_a_key_is_revoked_with_a_reason_then_deleted(ask: Ask, run: Run, ada: Person) -> None:
    key = new_key(ask, ada.workspace)["id"]
    refused(run("key", "delete", key), "Revoke it first.")
    refused(run("key", "revoke", key, "--reason", "boredom"), "Choose a reason.")
    assert ask("key", "revoke", key, "--reason", "leaked", "--note", "In a gist")["state"] == "revoked"
    assert ApiKey.get_by_id(key).revoke_reason == "leaked"
    refused(run("key", "rotate", key), "This key is revoked.")
    assert ask("key", "delete", key) == {"id": key, "deleted": True}
    assert ask("key", "list", "--workspace", ada.workspace.id) == {"data": []}
    refused(run("key", "show", key), f"There is no key '{key}'.")


def test_people_read_tables_and_the_secret_is_on_standard_output_alone(run: Run, ada: Person) -> None:
    words = ("--workspace", ada.workspace.id, "--name", "CI", "--scope", "read:data", "--expires", "never")
    made = run("key", "create", *words)
    (secret,) = ledger.KEY.findall(made.stdout)
    assert secret not in made.stderr
    assert verification.verify(secret)
    table = run("key", "list", "--workspace", ada.workspace.id).stdout
    assert table.split("\n")[0].split() == "ID NAME STATE SECRET SCOPES EXPIRES AT LAST USED AT".split()
    assert " active " in table
    assert secret not in table


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
    done = bare_app.test_cli_runner().invoke(args=words.split(), input="a password of some length\n")
    refused(done, "Run: flask db migrate")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_migrating_twice_is_once(bare_app: Flask) -> None:
    runner = bare_app.test_cli_runner()
    status = json.loads(runner.invoke(args=["db", "status", "--json"]).stdout)["data"]
    assert {row["applied_at"] for row in status} == {None}
    applied = json.loads(runner.invoke(args=["db", "migrate", "--json"]).stdout)["applied"]
    assert applied == [row["name"] for row in status]
    assert runner.invoke(args=["db", "migrate"]).stdout == "Nothing to do.\n"
    status = json.loads(runner.invoke(args=["db", "status", "--json"]).stdout)["data"]
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
