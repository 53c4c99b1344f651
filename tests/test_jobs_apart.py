"""What cannot be read of one workspace costs no other one its jobs; they go on, and owners see that a job failed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from peewee import OperationalError

from jobs import purge, runner
from jobs.schedule import EVERY
from jobs.turn import Turns
from models import (
    ApiKey,
    AuditEvent,
    JobRun,
    KeySecret,
    Notice,
    Throttle,
    Webhook,
    WebhookDelivery,
    Workspace,
    apart,
    database,
    key_overlaps,
    usage,
    webhook_expiry,
    weekly,
)
from models.database import now
from models.policy import Policy
from models.usage import WorkspaceDay
from tests.support import cast
from tests.support.cast import Person
from tests.support.clients import Browser
from tests.support.key_pages import words
from tests.support.policies import rule

Browse = Callable[[Person], Browser]
MakeKey = Callable[..., tuple[ApiKey, str]]
DAY = timedelta(days=1)
JOBS = {job.name: job for job in EVERY}
# It has the journal that some jobs read first.
pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def three(ada: Person) -> list[Person]:
    """Owners of three workspaces, in the order in which jobs go through these."""
    rest = [cast.new_owner(f"{name} Owner", name) for name in ("Rival", "Third")]
    return sorted([ada, *rest], key=lambda each: each.workspace.id)


def put_policy(person: Person, text: str) -> None:
    Workspace.update(policy_text=text).where(Workspace.id == person.workspace.id).execute()


def with_unused_key(person: Person, make_key: MakeKey) -> str:
    rule(person, staged_cleanup=True)
    with database.at(now() - 40 * DAY):
        return make_key(person)[0].id


def flagged(key_id: str) -> bool:
    return ApiKey.get_by_id(key_id).flagged_at is not None


def with_old_secret(person: Person, make_key: MakeKey) -> str:
    with database.at(now() - 100 * DAY):
        return make_key(person)[0].id


def told(key_id: str) -> bool:
    return Notice.select().where(Notice.key_id == key_id, Notice.kind == "rotation_due").exists()


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(
    ("job", "prepare", "is_done"),
    [("clean_up", with_unused_key, flagged), ("flag_keys", with_old_secret, told)],
)
def test_the_others_have_their_keys_looked_at(
    three: list[Person],
    make_key: MakeKey,
    job: str,
    prepare: Callable[[Person, MakeKey], str],
    is_done: Callable[[str], bool],
    place: int,
) -> None:
    keys = [prepare(person, make_key) for person in three]
    put_policy(three[place], "{")
    failed, outcome = runner.run(JOBS[job])
    assert (failed, outcome) == (True, "SomeFailed")
    assert [is_done(key) for key in keys] == [number != place for number in range(3)]
    put_policy(three[place], Policy(staged_cleanup=True).text if job == "clean_up" else Policy().text)
    assert runner.run(JOBS[job])[0] is False
    assert all(is_done(key) for key in keys), "mended, it is made up for"


def with_an_overlap_that_is_over(person: Person, make_key: MakeKey) -> str:
    with database.at(now() - 2 * DAY):
        key, _ = make_key(person)
        key.rotate(by=person.actor, overlap="1h")
    return key.id


def noted(key_id: str) -> bool:
    return (
        AuditEvent.select().where(AuditEvent.subject == key_id, AuditEvent.action == "api_key.overlap_ended").exists()
    )


def with_a_week(person: Person, make_key: MakeKey) -> str:
    with database.at(weekly.last_monday(now()) + DAY):
        return make_key(person)[0].id


def summed_up(key_id: str) -> bool:
    workspace = ApiKey.get_by_id(key_id).workspace_id
    return Notice.select().where(Notice.kind == "weekly", Notice.workspace == workspace).exists()


def with_a_webhook(person: Person, make_key: MakeKey) -> str:
    Webhook.add(person.workspace, url="https://hooks.example.com/", events=["*"], by=person.actor)
    end = now() + DAY / 2
    with database.at(now() - 30 * DAY):
        return make_key(person, expires_at=end)[0].id


def announced(key_id: str) -> bool:
    workspace = ApiKey.get_by_id(key_id).workspace_id
    event = WebhookDelivery.event == "api_key.expiring"
    return WebhookDelivery.select().join(Webhook).where(event, Webhook.workspace == workspace).exists()


@pytest.mark.parametrize(
    ("job", "prepare", "broken_at", "is_done"),
    [
        ("end_overlaps", with_an_overlap_that_is_over, (key_overlaps, "_facts"), noted),
        ("weekly_summary", with_a_week, (weekly, "figures"), summed_up),
        ("announce_expiry", with_a_webhook, (webhook_expiry, "_announce"), announced),
    ],
)
def test_the_others_are_told(
    three: list[Person],
    make_key: MakeKey,
    monkeypatch: pytest.MonkeyPatch,
    job: str,
    prepare: Callable[[Person, MakeKey], str],
    broken_at: tuple[Any, str],
    is_done: Callable[[str], bool],
) -> None:
    keys = [prepare(person, make_key) for person in three]
    module, name = broken_at
    real, first = getattr(module, name), three[0].workspace.id

    def breaks(about: Any, *rest: Any) -> Any:
        row = about.key if isinstance(about, KeySecret) else about
        if first in (row.id, getattr(row, "workspace_id", "")):
            raise ValueError("a row that cannot be read")
        return real(about, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, breaks)
        assert runner.run(JOBS[job]) == (True, "SomeFailed")
    assert [is_done(key) for key in keys] == [False, True, True]
    assert runner.run(JOBS[job])[0] is False
    assert [is_done(key) for key in keys] == [True] * 3, "mended, it is made up for, and nothing twice"


def test_what_is_over_is_deleted_elsewhere(three: list[Person], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of tables, and of workspaces whose plan a version knows that is not this one."""
    old = usage.day_of(now() - 1000 * DAY)
    for person in three:
        WorkspaceDay.create(workspace_id=person.workspace.id, day=old, outcome=0, count=1)
    Workspace.update(plan_slug="of-a-later-version").where(Workspace.id == three[0].workspace.id).execute()
    monkeypatch.setitem(purge.OVER, "sessions", lambda: 1 // 0)
    with database.at(now() - 40 * DAY):
        Throttle.fail("account:ada@example.com")
    assert runner.run(JOBS["purge"]) == (True, "SomeFailed")
    assert Throttle.select().count() == 0
    assert [row.workspace_id for row in WorkspaceDay.select()] == [three[0].workspace.id]


def test_a_database_that_is_away_is_not_asked_for_each_workspace(three: list[Person]) -> None:
    asked = []

    def work(person: Person) -> None:
        asked.append(person)
        raise OperationalError("server closed the connection unexpectedly")

    with pytest.raises(OperationalError):
        list(apart.each(three, work))
    assert len(asked) == 1


def test_owners_see_it_and_the_other_jobs_go_on(
    app: Flask, ada: Person, browse: Browse, caplog: pytest.LogCaptureFixture
) -> None:
    Workspace.create(name="Strange", plan_slug="team", policy_text="{")
    [strange] = Workspace.select().where(Workspace.name == "Strange")
    turns = Turns()
    for name in ("clean_up", "purge"):
        runner.take_turn(JOBS[name], turns)
    assert {row.job: row.failed for row in JobRun.latest()} == {"clean_up": True, "purge": False}
    assert "clean_up failed when last run" in words(browse(ada).get(ada.settings("jobs")))
    assert strange.id in [getattr(record, "left_out", "") for record in caplog.records]
    said = app.test_cli_runner().invoke(args=["jobs", "run", "clean_up"])
    assert (said.exit_code, said.stderr) == (1, f"Error: 1 left out, the log says why: {strange.id}\n")
