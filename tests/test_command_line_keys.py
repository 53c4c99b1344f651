"""Keys from the command line: made, looked at, rotated, revoked, deleted."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from models import ApiKey, KeySecret, Workspace, secret, verification
from models.database import now
from models.errors import KeyRefused
from models.secret import Pepper
from tests.support import ledger
from tests.support.cast import Person
from tests.support.terminal import Terminal


@pytest.fixture
def terminal(app: Flask) -> Terminal:
    return Terminal(app)


def new_key(
    terminal: Terminal, workspace: Workspace, *more: str, name: str = "CI", expires: str = "30d"
) -> dict[str, Any]:
    words = ["--workspace", workspace.id, "--name", name, "--expires", expires, "--scope", "read:members"]
    made: dict[str, Any] = terminal.ask("key", "create", *words, *more)
    return made


def test_a_key_is_made_and_its_secret_works(terminal: Terminal, ada: Person) -> None:
    more = ("--scope", "read:data,write:data", "--note", "Ask Bob", "--allow-ip", "10.1.2.3/8")
    made = new_key(terminal, ada.workspace, *more)
    credential = verification.verify(made["secret"])
    assert credential.key_id == made["id"]
    shown = terminal.ask("key", "show", made["id"])
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
def test_a_key_ends_when_it_was_told_to(terminal: Terminal, ada: Person, given: str, expected: Any) -> None:
    end = ApiKey.get_by_id(new_key(terminal, ada.workspace, expires=given)["id"]).expires_at
    if isinstance(expected, timedelta):
        assert abs(end - now() - expected) < timedelta(minutes=1)
    else:
        assert end == expected


def test_a_key_begins_when_it_was_told_to(terminal: Terminal, ada: Person) -> None:
    made = new_key(terminal, ada.workspace, "--starts", "2031-01-01", expires="never")
    assert terminal.ask("key", "show", made["id"])["state"] == "scheduled"
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
def test_a_key_that_is_refused_leaves_nothing(
    terminal: Terminal, ada: Person, words: tuple[str, ...], saying: str
) -> None:
    terminal.refuse("key", "create", "--workspace", ada.workspace.id, "--name", "CI", *words, saying=saying)
    assert not ApiKey.select().exists()


def test_the_plan_holds_on_the_command_line_too(terminal: Terminal, ada: Person) -> None:
    terminal.ask("workspace", "plan", ada.workspace.id, "free")
    words = ("key", "create", "--workspace", ada.workspace.id, "--name", "CI", "--scope", "read:data", "--expires")
    terminal.refuse(*words, "never", saying="Keys on the Free plan live at most 90 days.")
    assert terminal.run(*words, "90d").exit_code == 0


@pytest.mark.parametrize("given", ["soon", "d", "-3d", "30 d", "31.12.2027", ""])
def test_what_is_no_time_is_a_mistake_in_usage(terminal: Terminal, ada: Person, given: str) -> None:
    words = ("--workspace", ada.workspace.id, "--name", "CI", "--scope", "read:data", "--expires", given)
    assert terminal.run("key", "create", *words).exit_code == 2


def test_rotating_ends_the_old_secret_at_once(terminal: Terminal, ada: Person) -> None:
    made = new_key(terminal, ada.workspace)
    again = terminal.ask("key", "rotate", made["id"])
    assert again["id"] == made["id"] == verification.verify(again["secret"]).key_id
    with pytest.raises(KeyRefused, match="replaced"):
        verification.verify(made["secret"])


def test_rotating_with_an_overlap_lets_the_old_secret_work_on(terminal: Terminal, ada: Person) -> None:
    made = new_key(terminal, ada.workspace)
    again = terminal.ask("key", "rotate", made["id"], "--overlap", "24h")
    assert verification.verify(made["secret"]).key_id == verification.verify(again["secret"]).key_id == made["id"]
    shown = terminal.ask("key", "show", made["id"])
    assert shown["old_secret"] == f"gr_{made['secret'][3:7]}…{made['secret'][-2:]}"
    assert shown["old_secret_ends_at"] == again["old_secret_ends_at"] is not None
    assert terminal.ask("key", "list", "--workspace", ada.workspace.id)["data"] == [shown]
    terminal.refuse("key", "rotate", made["id"], "--overlap", "1h", saying="still works")
    assert terminal.run("key", "rotate", made["id"], "--overlap", "2h").exit_code == 2
    assert terminal.ask("key", "rotate", made["id"])["old_secret_ends_at"] is None
    assert terminal.ask("key", "show", made["id"])["old_secret"] is None
    with pytest.raises(KeyRefused, match="replaced"):
        verification.verify(made["secret"])


def test_an_overlap_is_lengthened_and_finished(terminal: Terminal, ada: Person) -> None:
    made = new_key(terminal, ada.workspace)
    for verb, more in (("finish-rotation", ()), ("extend-rotation", ("--overlap", "7d")), ("undo-rotation", ())):
        terminal.refuse("key", verb, made["id"], *more, saying="No old secret of this key works.")
    first = terminal.ask("key", "rotate", made["id"], "--overlap", "1h")
    longer = terminal.ask("key", "extend-rotation", made["id"], "--overlap", "24h")
    assert longer["old_secret_ends_at"] > first["old_secret_ends_at"]
    assert terminal.ask("key", "show", made["id"]) == longer
    terminal.refuse("key", "extend-rotation", made["id"], "--overlap", "1h", saying="Choose a later end")
    assert terminal.run("key", "extend-rotation", made["id"]).exit_code == 2
    assert terminal.run("key", "extend-rotation", made["id"], "--overlap", "none").exit_code == 2
    assert "works until" in terminal.run("key", "extend-rotation", made["id"], "--overlap", "7d").output
    assert terminal.ask("key", "finish-rotation", made["id"])["old_secret"] is None
    with pytest.raises(KeyRefused, match="replaced"):
        verification.verify(made["secret"])
    assert verification.verify(first["secret"]).key_id == made["id"]


def test_a_rotation_is_undone(terminal: Terminal, ada: Person) -> None:
    made = new_key(terminal, ada.workspace)
    again = terminal.ask("key", "rotate", made["id"], "--overlap", "24h")
    undone = terminal.ask("key", "undo-rotation", made["id"])
    assert (undone["old_secret"], undone["secret"]) == (None, f"gr_{made['secret'][3:7]}…{made['secret'][-2:]}")
    assert verification.verify(made["secret"]).key_id == made["id"]
    with pytest.raises(KeyRefused, match="replaced"):
        verification.verify(again["secret"])


def test_a_terminal_with_another_pepper_makes_no_secret(terminal: Terminal, ada: Person) -> None:
    """A key of its making would never be known to the server."""
    made = new_key(terminal, ada.workspace)
    secret.use_peppers((Pepper("1", ledger.fresh("pepper").encode()),))
    words = ("--workspace", ada.workspace.id, "--name", "Other", "--scope", "read:data", "--expires", "30d")
    terminal.refuse("key", "create", *words, saying="GRAVITY_KEY_PEPPERS")
    terminal.refuse("key", "rotate", made["id"], saying="GRAVITY_KEY_PEPPERS")
    assert KeySecret.select().count() == 1


def test_a_key_is_revoked_with_a_reason_then_deleted(terminal: Terminal, ada: Person) -> None:
    key = new_key(terminal, ada.workspace)["id"]
    terminal.refuse("key", "delete", key, saying="Revoke it first.")
    terminal.refuse("key", "revoke", key, "--reason", "boredom", saying="Choose a reason.")
    assert terminal.ask("key", "revoke", key, "--reason", "leaked", "--note", "In a gist")["state"] == "revoked"
    assert ApiKey.get_by_id(key).revoke_reason == "leaked"
    terminal.refuse("key", "rotate", key, saying="This key is revoked.")
    assert terminal.ask("key", "delete", key) == {"id": key, "deleted": True}
    assert terminal.ask("key", "list", "--workspace", ada.workspace.id) == {"data": []}
    terminal.refuse("key", "show", key, saying=f"There is no key '{key}'.")


def test_people_read_tables_and_the_secret_is_on_standard_output_alone(terminal: Terminal, ada: Person) -> None:
    words = ("--workspace", ada.workspace.id, "--name", "CI", "--scope", "read:data", "--expires", "never")
    made = terminal.run("key", "create", *words)
    (shown,) = ledger.KEY.findall(made.stdout)
    assert shown not in made.stderr
    assert verification.verify(shown)
    table = terminal.run("key", "list", "--workspace", ada.workspace.id).stdout
    assert table.split("\n")[0].split() == "ID NAME STATE SECRET SCOPES EXPIRES AT LAST USED AT".split()
    assert " active " in table
    assert shown not in table


def test_what_the_help_offers_can_be_typed(terminal: Terminal) -> None:
    """Not in capitals, which a command would not understand."""
    assert "--expires 30d|90d|never|TIME" in terminal.run("key", "create", "--help").output
    assert "--longest-life DAYS|none" in terminal.run("workspace", "policy", "--help").output
