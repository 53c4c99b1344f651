"""The demo: a workspace with keys in every state, made whole or not at all."""

import os
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from jobs import demo, demo_login
from jobs.demo_login import Login
from models import (
    ApiKey,
    AuditEvent,
    Chat,
    Collection,
    DataRecord,
    KeySecret,
    Member,
    Participant,
    User,
    Workspace,
    key_list,
    role,
    scope,
    secret_use,
    verification,
)
from models.actor import COMMAND_LINE
from models.database import now
from models.errors import Conflict
from models.settings import Settings
from tests.support.artifacts import ROOT
from tests.support.cast import Person

Run = Callable[..., Result]


@pytest.fixture
def data_dir(settings: Settings) -> Path:
    settings.data_dir.mkdir(exist_ok=True)
    return settings.data_dir


@pytest.fixture
def login(connected: str, data_dir: Path) -> Login:
    return demo.seed(data_dir)


def keys(login: Login) -> dict[str, ApiKey]:
    return {key.name: key for key in ApiKey.in_workspace(login.workspace_id)}


def test_the_owner_signs_in_and_the_key_works(login: Login) -> None:
    user = User.with_password(login.email, login.password)
    assert user
    assert Member.of_user(user, login.workspace_id).role == role.OWNER
    credential = verification.verify(login.key)
    assert (credential.workspace_id, credential.may("read:members")) == (login.workspace_id, True)
    assert [credential.allows(address) for address in ("127.0.0.1", "::1", "192.0.2.1")] == [True, True, False]


def test_its_people_are_as_many_as_a_workspace_has(login: Login) -> None:
    people = list(Member.in_workspace(login.workspace_id))
    assert Counter(member.role for member in people) == {"owner": 1, "admin": 2, "member": 8, "contact": 30}
    assert Counter(member.status for member in people) == {"active": 39, "invited": 2}
    assert all(member.title and member.email.endswith(".example") for member in people)
    assert Workspace.get_by_id(login.workspace_id).name == "Fieldstone"


def test_its_keys_are_in_every_state_and_on_every_filter(login: Login) -> None:
    moment = now()
    made = keys(login).values()
    assert {key.state(moment) for key in made} == {"active", "disabled", "scheduled", "expired", "revoked"}
    for status in key_list.FILTERS:
        assert key_list.listed(login.workspace_id, moment, status=status).keys, status
    assert {key.revoke_reason for key in made} >= {"leaked", "replaced"}
    assert any(key.maker_left for key in made)
    assert any(scope.ADMIN in key.scopes for key in made)
    assert any(key.last_used_at and (moment - key.last_used_at).total_seconds() < 600 for key in made)
    assert any(key.is_unused(moment) and key.last_used_at for key in made)
    assert any(key.is_unused(moment) and not key.last_used_at for key in made)
    assert any(key.is_expiring(moment) and (key.expires_at - moment).days == 6 for key in made)
    retiring = KeySecret.retiring([key.id for key in made], moment)
    (use,) = [secret_use.of(each, moment) for each in retiring.values()]
    assert use.places and use.places[0].address == "192.0.2.118"
    assert {KeySecret.select().where(KeySecret.key == key).count() for key in made} >= {1, 3}


def test_its_history_was_written_by_the_verbs_and_never_in_the_future(login: Login) -> None:
    events = list(AuditEvent.in_workspace(login.workspace_id))
    assert {event.action for event in events} >= {
        "workspace.created", "member.added", "member.invited", "member.joined", "member.removed",
        "api_key.created", "api_key.rotated", "api_key.disabled", "api_key.revoked",
    }  # fmt: skip
    assert max(event.at for event in events) <= now()
    for key in keys(login).values():
        # Also what the plan no longer shows.
        story = sorted((event for event in events if event.subject == key.id), key=lambda event: event.at, reverse=True)
        assert story[-1].action == "api_key.created"
        assert abs(story[-1].at - key.created_at) < timedelta(seconds=5)
        assert key.last_used_at is None or key.created_at < key.last_used_at < now()
        ends = [event.at for event in story if event.action == "api_key.revoked"]
        assert bool(ends) == bool(key.revoked_at)
        assert key.revoked_at is None or abs(ends[0] - key.revoked_at) < timedelta(seconds=5)


def test_it_has_chats_and_data(login: Login) -> None:
    chats = list(Chat.in_workspace(login.workspace_id))
    assert [chat.title for chat in chats if len(chat.messages(100, None)[0]) < 3] == [] and len(chats) == 3
    assert all(len(ids) > 1 for ids in Participant.ids_of(chats).values())
    for collection in Collection.in_workspace(login.workspace_id):
        records, _ = DataRecord.page(collection, 100, None)
        assert len(records) >= 3 and collection.created_at < records[0].created_at <= records[-1].created_at < now()


def test_the_sign_in_is_kept_for_its_owner_alone(login: Login, data_dir: Path) -> None:
    file = demo_login.file_in(data_dir)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert demo_login.kept(data_dir) == login
    assert demo_login.works(login)
    assert login.password not in repr(login)
    assert login.key not in repr(login)


def test_a_database_in_use_is_left_alone(app: Flask, ada: Person, data_dir: Path) -> None:
    done = app.test_cli_runner().invoke(args=["demo", "seed"])
    assert done.exit_code == 1
    assert done.stderr == "Error: The database is not empty. The demo is made in an empty one only.\n"
    assert Workspace.select().count() == 1
    assert not demo_login.file_in(data_dir).exists()


def test_the_command_says_where_the_sign_in_is_and_not_what_it_is(app: Flask, data_dir: Path) -> None:
    done = app.test_cli_runner().invoke(args=["demo", "seed"])
    assert done.exit_code == 0
    login = demo_login.kept(data_dir)
    assert login
    assert str(demo_login.file_in(data_dir)) in done.stdout
    assert login.password not in done.output
    assert login.key not in done.output


def test_a_key_that_no_longer_answers_is_replaced_once(login: Login, data_dir: Path) -> None:
    assert demo_login.with_good_key(login, data_dir) == login
    first = keys(login)["Quick start"]
    first.rotate(by=COMMAND_LINE)
    second = demo_login.with_good_key(login, data_dir)
    assert verification.verify(second.key).key_id != first.id
    assert demo_login.kept(data_dir) == second
    keys(login)["Quick start 2"].revoke(by=COMMAND_LINE)
    third = demo_login.with_good_key(second, data_dir)
    assert verification.verify(third.key).name == "Quick start 2"
    assert demo_login.with_good_key(third, data_dir) == third


def test_a_sign_in_of_another_database_is_nobodys(login: Login, data_dir: Path) -> None:
    User.update(email="someone@else.example").where(User.email == login.email).execute()
    assert demo_login.kept(data_dir) is None
    demo_login.file_in(data_dir).write_text("{half a fi")
    assert demo_login.kept(data_dir) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "keys.example.com"])  # noqa: S104 refused
def test_the_demo_stays_on_this_machine(connected: str, settings: Settings, login: Login, host: str) -> None:
    away = replace(settings, host=host)
    with pytest.raises(Conflict, match="loopback"):
        demo_login.need_loopback(away)
    with pytest.raises(Conflict, match="holds the demo"):
        demo_login.refuse_in_public(away)
    with pytest.raises(Conflict, match="holds the demo"):
        demo_login.refuse_in_public(replace(settings, base_url="https://keys.example.com"))
    demo_login.refuse_in_public(settings)
    User.update(password_hash="changed").where(User.email == login.email).execute()
    demo_login.refuse_in_public(away)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_loopback_has_more_than_one_name(settings: Settings, host: str) -> None:
    demo_login.need_loopback(replace(settings, host=host))


KILLED = """
import logging, os, sys
from pathlib import Path
from jobs import demo, demo_login
from models import database, secret
from models.secret import Pepper
from tests.support.killed import KillAt

url, data_dir, after = sys.argv[1:]
database.connect(url)
secret.use_peppers((Pepper("1", b"x" * 32),))
if after == "file":
    keep = demo_login.keep
    demo_login.keep = lambda *given: (keep(*given), os.kill(os.getpid(), 9))
else:
    logging.getLogger("peewee").setLevel(logging.DEBUG)
    logging.getLogger("peewee").addHandler(KillAt(int(after)))
demo.seed(Path(data_dir))
"""


@pytest.mark.parametrize("after", ["3", "60", "400", "file"])
def test_killed_anywhere_it_leaves_an_empty_database(connected: str, data_dir: Path, after: str) -> None:
    command = [sys.executable, "-c", KILLED, connected, str(data_dir), after]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True)
    assert done.returncode == -9, done.stderr
    assert demo.is_empty()
    assert demo_login.kept(data_dir) is None
    login = demo.seed(data_dir)
    assert demo_login.kept(data_dir) == login
    assert demo_login.works(login)
