"""The programs of docs/integrations, run as their readers would: real server, exactly the scopes of the preset."""

import csv
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from models import Member, database, scope
from models.chat import Chat
from models.collection import Collection
from tests.support.artifacts import ROOT
from tests.support.cast import Person
from tests.support.servers import Server

FOLDER = ROOT / "docs" / "integrations"
# What each is called with, and its preset.
PROGRAMS = {
    "automated_report": ([], "automated-reports"),
    "crm_sync": (["contacts.csv"], "crm-sync"),
    "dashboard": (["dashboard.html"], "custom-dashboard"),
    "workflow_automation": (["Deploy notes", "Version 42 is out."], "workflow-automation"),
}
SHELL_ARGUMENTS = {"crm_sync": ["zoe@example.com", 'Zoe "Z" Ng']}


@pytest.fixture(scope="module")
def owner(server: Server) -> Person:
    """The owner of a workspace with something to report on."""
    person = server.owner("Integrated", plan="business")
    with server.models():
        Chat.start(person.workspace, "Support <b>", by=person.actor).send("Hello & welcome", by=person.actor)
        schema = {"type": "object", "properties": {"amount": {"type": "integer"}}}
        deals = Collection.make(person.workspace, name="deals", title="Deals | open", schema=schema, by=person.actor)
        deals.add({"amount": 7}, by=person.actor)
    return person


def preset(name: str) -> set[str]:
    found = scope.preset(PROGRAMS[name][1])
    assert found
    return set(found.scopes)


def run(server: Server, command: list[str], key: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    environ = {"PATH": os.environ["PATH"], "GRAVITY_API": server.base_url, "GRAVITY_API_KEY": key}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120)


def python(name: str, arguments: list[str] | None = None) -> list[str]:
    return [sys.executable, str(FOLDER / f"{name}.py"), *(PROGRAMS[name][0] if arguments is None else arguments)]


def shell(name: str) -> list[str]:
    return [str(FOLDER / f"{name}.sh"), *SHELL_ARGUMENTS.get(name, [])]


def command(name: str, kind: str) -> list[str]:
    return python(name) if kind == "python" else shell(name)


def key_for(server: Server, owner: Person, scopes: set[str]) -> str:
    return server.key(owner, scopes=scopes)[1]


@pytest.mark.parametrize("kind", ["python", "curl"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_it_does_its_job_with_the_scopes_of_its_preset(
    server: Server, owner: Person, tmp_path: Path, name: str, kind: str
) -> None:
    done = run(server, command(name, kind), key_for(server, owner, preset(name)), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize("kind", ["python", "curl"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_each_scope_of_its_preset_is_needed_and_its_absence_is_one_clear_line(
    server: Server, owner: Person, tmp_path: Path, name: str, kind: str
) -> None:
    (tmp_path / "contacts.csv").write_text("name,email,title\nMia Ito,mia@example.com,Buyer\n")
    for missing in preset(name):
        done = run(server, command(name, kind), key_for(server, owner, preset(name) - {missing}), tmp_path)
        assert done.returncode == 1, missing
        lines = done.stderr.strip().splitlines()
        assert len(lines) == 1 and lines[0].startswith("insufficient_scope: ") and missing in lines[0], done.stderr


@pytest.mark.parametrize("kind", ["python", "curl"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_an_expired_key_ends_it_with_one_clear_line(
    server: Server, owner: Person, tmp_path: Path, name: str, kind: str
) -> None:
    with time_machine.travel(database.now() - timedelta(days=2), tick=False):
        _, key = server.key(owner, scopes=preset(name), expires_at=database.now() + timedelta(days=1))
    done = run(server, command(name, kind), key, tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("expired_key: This API key has expired.")


def test_the_report_counts_members_and_records(server: Server, owner: Person, tmp_path: Path) -> None:
    done = run(server, python("automated_report"), key_for(server, owner, preset("automated_report")), tmp_path)
    assert "1 owner" in done.stdout
    assert "| Deals \\| open | 1 | 20" in done.stdout


def test_the_dashboard_shows_what_was_said_as_text(server: Server, owner: Person, tmp_path: Path) -> None:
    run(server, python("dashboard"), key_for(server, owner, preset("dashboard")), tmp_path)
    shown = (tmp_path / "dashboard.html").read_text()
    assert "<td>Support &lt;b&gt;<td>1<td>Hello &amp; welcome (20" in shown


def test_the_workflow_says_what_it_was_told_to(server: Server, owner: Person, tmp_path: Path) -> None:
    done = run(server, python("workflow_automation"), key_for(server, owner, preset("workflow_automation")), tmp_path)
    assert done.stdout.strip().endswith("has succeeded.")
    report = run(server, python("dashboard"), key_for(server, owner, preset("dashboard")), tmp_path)
    assert report.returncode == 0
    assert "Version 42 is out." in (tmp_path / "dashboard.html").read_text()


class Books:
    """A workspace of its own and a file beside it, kept the same by CRM sync."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.owner = server.owner("Synced")
        self.key = key_for(server, self.owner, preset("crm_sync"))
        self.file = folder / "contacts.csv"

    def sync(self) -> str:
        done = run(self.server, python("crm_sync"), self.key, self.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def contacts(self) -> dict[str, str]:
        """E-mail and title of each line of the file."""
        with self.file.open(newline="") as rows:
            return {row["email"]: row["title"] for row in csv.DictReader(rows)}

    def members(self) -> dict[str, str]:
        with self.server.models():
            return {row.email: row.title for row in Member.in_workspace(self.owner.workspace.id)}

    def edit(self, email: str, title: str) -> None:
        """Give somebody another title in the file."""
        with self.file.open(newline="") as rows:
            changed = [row | ({"title": title} if row["email"] == email else {}) for row in csv.DictReader(rows)]
        with self.file.open("w", newline="") as out:
            writer = csv.DictWriter(out, ["name", "email", "title"])
            writer.writeheader()
            writer.writerows(changed)


@pytest.fixture
def books(server: Server, tmp_path: Path) -> Books:
    made = Books(server, tmp_path)
    made.file.write_text("name,email,title\nSomebody,mia@example.com,Buyer\nSomebody,Noa@Example.com,\n")
    return made


def test_the_sync_carries_changes_both_ways_and_then_rests(books: Books) -> None:
    assert books.sync() == "2 sent, 1 fetched, 0 conflicts"
    assert books.members() == books.contacts() and len(books.members()) == 3
    assert books.sync() == "0 sent, 0 fetched, 0 conflicts"
    with books.server.models():
        member = Member.get(Member.email == "mia@example.com", Member.workspace == books.owner.workspace.id)
        member.change({"title": "Head buyer"}, by=books.owner.actor)
    assert books.sync() == "0 sent, 1 fetched, 0 conflicts"
    assert books.contacts()["mia@example.com"] == "Head buyer"


def test_where_both_sides_changed_the_workspace_wins_and_says_so(books: Books) -> None:
    books.sync()
    books.edit("mia@example.com", "Mine")
    with books.server.models():
        member = Member.get(Member.email == "mia@example.com", Member.workspace == books.owner.workspace.id)
        member.change({"title": "Theirs"}, by=books.owner.actor)
    assert "1 conflicts" in books.sync()
    assert books.contacts()["mia@example.com"] == books.members()["mia@example.com"] == "Theirs"


def test_a_sync_that_is_stopped_half_way_goes_on_where_it_was(books: Books) -> None:
    whole = books.file.read_text()
    books.file.write_text(whole.replace("Noa@Example.com", "noa at example.com"))
    done = run(books.server, python("crm_sync"), books.key, books.folder)
    assert done.returncode == 1 and done.stderr.startswith("validation_failed: ")
    assert "mia@example.com" in books.members() and len(books.members()) == 2
    books.file.write_text(books.file.read_text().replace("noa at example.com", "noa@example.com"))
    assert books.sync().startswith("1 sent, ")
    assert books.sync() == "0 sent, 0 fetched, 0 conflicts"
    assert books.members() == books.contacts() and len(books.members()) == 3


def test_a_sync_that_lost_its_memory_half_way_goes_on_without_doubles(books: Books) -> None:
    books.sync()
    books.file.with_name("contacts.csv.state").unlink()
    assert books.sync() == "0 sent, 0 fetched, 0 conflicts"
    assert len(books.members()) == 3
