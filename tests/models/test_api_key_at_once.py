"""Many who change keys at the same moment, and those who die while they do."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from models import ApiKey, KeySecret
from models.database import new_id, now
from models.errors import AlreadyDone, Conflict, Invalid, PlanLimit
from models.secret import Secret
from tests.support.cast import Person
from tests.support.keys import on_plan, reread, settings, works
from tests.support.threads import at_once

MakeKey = Callable[..., tuple[ApiKey, str]]


def test_the_same_form_sent_at_once_makes_one_key(ada: Person) -> None:
    form = new_id("form")
    done = at_once(8, lambda _: ApiKey.issue(ada.workspace, settings(), by=ada.actor, form_id=form))
    assert [type(each) for each in done if isinstance(each, Exception)] == [AlreadyDone] * 7
    assert ApiKey.in_workspace(ada.workspace.id).count() == KeySecret.select().count() == 1


def test_a_hundred_at_once_get_the_three_places_that_are_free(ada: Person) -> None:
    workspace = on_plan(ada, "free")
    end = now() + timedelta(days=30)
    done = at_once(100, lambda n: ApiKey.issue(workspace, settings(f"Key {n}", expires_at=end), by=ada.actor))
    assert [type(each) for each in done if not isinstance(each, tuple)] == [PlanLimit] * 97
    assert ApiKey.in_workspace(workspace.id).count() == KeySecret.select().count() == 3


def test_the_same_name_at_once_is_given_once(ada: Person) -> None:
    done = at_once(8, lambda _: ApiKey.issue(ada.workspace, settings(), by=ada.actor))
    assert [type(each) for each in done if not isinstance(each, tuple)] == [Invalid] * 7


def test_of_edits_at_once_one_is_saved(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    done = at_once(8, lambda n: reread(key).edit(replace(key.settings, note=f"{n}"), version=1, by=ada.actor))
    assert [type(each) for each in done if each is not None] == [Conflict] * 7
    assert reread(key).version == 2


@pytest.mark.parametrize("overlap", ["none", "24h"])
def test_of_rotations_at_once_one_wins(ada: Person, make_key: MakeKey, overlap: str) -> None:
    key, old = make_key(ada)
    seen = KeySecret.current_of(key.id).id
    done = at_once(8, lambda _: reread(key).rotate(by=ada.actor, overlap=overlap, seen=seen))
    new = [each.reveal() for each in done if not isinstance(each, Exception)]
    assert [type(each) for each in done if isinstance(each, Exception)] == [Conflict] * 7
    assert works(new[0]) and works(old) == (overlap == "24h")
    assert (reread(key).hint_start, reread(key).hint_end) == (new[0][3:7], new[0][-2:])
    assert KeySecret.select().where(KeySecret.key == key.id).count() == 2


def test_of_a_finish_and_an_undo_at_once_one_happens(ada: Person, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    new = key.rotate(by=ada.actor, overlap="24h").reveal()
    verbs: list[Any] = [
        lambda: reread(key).finish_rotation(by=ada.actor),
        lambda: reread(key).undo_rotation(by=ada.actor),
    ]
    done = at_once(2, lambda place: verbs[place]())
    assert sorted(type(each) is Conflict for each in done) == [False, True]
    assert [works(old), works(new)].count(True) == 1


def test_the_same_rotation_sent_at_once_happens_once(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    form = new_id("form")
    done = at_once(8, lambda _: reread(key).rotate(by=ada.actor, form_id=form))
    assert [type(each) for each in done if isinstance(each, Exception)] == [AlreadyDone] * 7
    assert KeySecret.select().where(KeySecret.key == key.id).count() == 2


def test_a_rotation_and_a_revocation_at_once_leave_no_secret_alive(ada: Person, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    verbs: list[Any] = [lambda: reread(key).rotate(by=ada.actor), lambda: reread(key).revoke(by=ada.actor)]
    rotated, revoked = at_once(2, lambda place: verbs[place]())
    assert revoked is None
    assert not works(old)
    assert isinstance(rotated, Conflict | Secret)
    assert isinstance(rotated, Conflict) or not works(rotated.reveal())


VERBS = (
    "issue",
    "edit",
    "rotate",
    "overlap",
    "finish_rotation",
    "extend_rotation",
    "undo_rotation",
    "close_overlap",
    "revoke",
)


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_that_dies_half_way_happened_not_at_all(
    connected: str, ada: Person, make_key: MakeKey, verb: str
) -> None:
    key, _ = make_key(ada)
    if verb.endswith(("_rotation", "_overlap")):
        key.rotate(by=ada.actor, overlap="1h")
    if verb == "close_overlap":
        KeySecret.retiring([key.id], now())[key.id].put(ends_at=now())
    script = [sys.executable, "-m", "tests.support.killed", connected, key.id, verb]
    told = [json.loads(line) for line in subprocess.check_output(script, text=True).splitlines()]
    assert len(told) > 4
    # Whoever dies before the commit leaves everything as it was; the last child lives.
    assert told[-1] == {"died": False, "unchanged": False}
    assert all(each == {"died": True, "unchanged": True} for each in told[:-1])
