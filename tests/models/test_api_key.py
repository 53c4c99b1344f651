"""Keys: made, changed and ended by verbs that happen whole or not at all."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from models import ApiKey, AuditEvent, KeySecret, Workspace, verification
from models.database import new_id, now
from models.errors import AlreadyDone, Conflict, Invalid, KeyRefused, NotFound, PlanLimit
from models.key_settings import KeySettings
from models.plan import PLANS
from tests.support.cast import Person
from tests.support.threads import at_once

MakeKey = Callable[..., tuple[ApiKey, str]]


def settings(name: str = "CI", **more: Any) -> KeySettings:
    return KeySettings(name, frozenset({"read:members"}), **more)


def on_plan(person: Person, slug: str) -> Workspace:
    person.workspace.plan_slug = slug
    person.workspace.save()
    return person.workspace


def works(text: str) -> bool:
    try:
        return bool(verification.verify(text))
    except KeyRefused:
        return False


def reread(key: ApiKey) -> ApiKey:
    return ApiKey.get_by_id(key.id)


def actions(key: ApiKey) -> list[str]:
    return [event.action for event in reversed(AuditEvent.about(key.workspace_id, key.id))]


# Making


def test_a_new_key_works_and_only_its_digest_is_kept(ada: Person) -> None:
    key, made = ApiKey.issue(ada.workspace, settings(), by=ada.actor)
    assert verification.verify(made.reveal()).key_id == key.id
    row = KeySecret.get(KeySecret.key == key.id)
    assert len(row.digest) == 32 and made.middle not in repr([row.__data__, reread(key).__data__])
    assert (key.hint_start, key.hint_end) == (made.start, made.end)


def test_the_trail_says_who_made_it_and_with_what(ada: Person) -> None:
    key, made = ApiKey.issue(ada.workspace, settings(networks=("192.0.2.1",)), by=ada.actor)
    event = AuditEvent.about(ada.workspace.id, key.id)[0]
    assert (event.action, event.actor_kind, event.actor_name, event.address) == (
        "api_key.created", "user", "Ada Byron", "192.0.2.1",
    )  # fmt: skip
    assert event.facts["networks"] == ["192.0.2.1/32"]
    assert made.middle not in event.details


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


def test_revoked_and_expired_keys_leave_their_places(ada: Person, make_key: MakeKey) -> None:
    on_plan(ada, "free")
    soon = now() + timedelta(days=1)
    keys = [make_key(ada, expires_at=soon)[0] for _ in range(3)]
    with pytest.raises(PlanLimit, match="All 3 keys of the Free plan"):
        make_key(ada, expires_at=soon)
    keys[0].revoke(by=ada.actor)
    make_key(ada, expires_at=soon)
    with time_machine.travel(soon):
        make_key(ada, expires_at=now() + timedelta(days=1))


def test_a_disabled_key_keeps_its_place(ada: Person, make_key: MakeKey) -> None:
    on_plan(ada, "free")
    soon = now() + timedelta(days=1)
    for _ in range(3):
        make_key(ada, expires_at=soon)[0].disable(by=ada.actor)
    with pytest.raises(PlanLimit):
        make_key(ada, expires_at=soon)


def test_workspaces_do_not_share_their_places(ada: Person, mallory: Person, make_key: MakeKey) -> None:
    assert PLANS["team"].active_keys == 25
    for _ in range(25):
        make_key(mallory)
    make_key(ada)
    with pytest.raises(PlanLimit):
        make_key(mallory)


# Names


def test_a_name_is_taken_whatever_its_case(ada: Person, mallory: Person, make_key: MakeKey) -> None:
    make_key(ada, name="Straße")
    with pytest.raises(Invalid) as refusal:
        make_key(ada, name="STRASSE")
    assert set(refusal.value.errors) == {"name"}
    make_key(mallory, name="STRASSE")


def test_the_same_name_at_once_is_given_once(ada: Person) -> None:
    done = at_once(8, lambda _: ApiKey.issue(ada.workspace, settings(), by=ada.actor))
    assert [type(each) for each in done if not isinstance(each, tuple)] == [Invalid] * 7


def test_the_name_of_a_revoked_key_is_free_again(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada, name="CI")
    key.revoke(by=ada.actor)
    make_key(ada, name="ci")


def test_a_key_is_not_renamed_to_a_name_that_is_taken(ada: Person, make_key: MakeKey) -> None:
    make_key(ada, name="CI")
    key, _ = make_key(ada, name="Deploy")
    with pytest.raises(Invalid):
        key.edit(replace(key.settings, name="ci"), version=key.version, by=ada.actor)
    key.edit(replace(key.settings, name="DEPLOY"), version=key.version, by=ada.actor)
    assert reread(key).name == "DEPLOY"


# Changing


def test_an_edit_of_what_changed_meanwhile_is_refused(ada: Person, olga: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada, name="CI")
    opened = reread(key)
    key.edit(replace(key.settings, note="Ada's"), version=1, by=ada.actor)
    with pytest.raises(Conflict, match="Ada Byron changed this key"):
        opened.edit(replace(opened.settings, note="Olga's"), version=opened.version, by=olga.actor)
    assert (reread(key).note, reread(key).version) == ("Ada's", 2)


def test_of_edits_at_once_one_is_saved(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    done = at_once(8, lambda n: reread(key).edit(replace(key.settings, note=f"{n}"), version=1, by=ada.actor))
    assert [type(each) for each in done if each is not None] == [Conflict] * 7
    assert reread(key).version == 2


def test_an_edit_that_changes_nothing_leaves_no_trace(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    key.edit(key.settings, version=1, by=ada.actor)
    assert (actions(key), reread(key).version) == (["api_key.created"], 1)


def test_giving_a_key_more_is_recorded_as_such(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    key.edit(replace(key.settings, scopes=frozenset({"read:members", "read:chats"})), version=1, by=ada.actor)
    key.edit(replace(key.settings, scopes=frozenset({"read:chats"})), version=2, by=ada.actor)
    assert actions(key) == ["api_key.created", "api_key.widened", "api_key.edited"]


@pytest.mark.parametrize("state", ["revoked", "expired"])
def test_a_key_that_ended_cannot_be_changed(ada: Person, make_key: MakeKey, state: str) -> None:
    key, _ = make_key(ada, expires_at=now() + timedelta(days=1))
    if state == "revoked":
        key.revoke(by=ada.actor)
    with time_machine.travel(now() + timedelta(days=2)):
        for verb in (key.disable, key.enable, key.rotate):
            with pytest.raises(Conflict):
                verb(by=ada.actor)
        with pytest.raises(Conflict):
            key.edit(replace(key.settings, note="x"), version=key.version, by=ada.actor)


def test_a_disabled_key_is_refused_until_it_is_enabled(ada: Person, make_key: MakeKey) -> None:
    key, text = make_key(ada)
    key.disable(by=ada.actor)
    assert not works(text)
    key.enable(by=ada.actor)
    assert works(text)
    assert actions(key)[1:] == ["api_key.disabled", "api_key.enabled"]


def test_doing_it_twice_is_doing_it_once(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    for verb in (key.disable, key.disable, key.enable, key.enable, key.revoke, key.revoke):
        verb(by=ada.actor)
    assert actions(key)[1:] == ["api_key.disabled", "api_key.enabled", "api_key.revoked"]


# Rotating and ending


def test_a_rotated_key_is_the_same_key_with_another_secret(ada: Person, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    new = key.rotate(by=ada.actor).reveal()
    assert not works(old) and verification.verify(new).key_id == key.id
    assert (reread(key).hint_start, reread(key).hint_end) == (new[3:7], new[-2:])


def test_of_rotations_at_once_one_secret_remains(ada: Person, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    done = at_once(8, lambda _: reread(key).rotate(by=ada.actor))
    new = [each.reveal() for each in done if not isinstance(each, Exception)]
    assert all(isinstance(each, Conflict) for each in done if isinstance(each, Exception))
    assert [works(text) for text in [old, *new]].count(True) == 1
    live = next(text for text in new if works(text))
    assert (reread(key).hint_start, reread(key).hint_end) == (live[3:7], live[-2:])


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
    assert isinstance(rotated, Conflict) or not works(rotated.reveal())  # type: ignore[union-attr]


def test_revoking_says_by_whom_and_why(ada: Person, make_key: MakeKey) -> None:
    key, text = make_key(ada)
    key.revoke(by=ada.actor, reason="leaked", note="Seen in a chat")
    assert not works(text)
    assert (reread(key).revoked_by, reread(key).revoke_reason) == ("Ada Byron", "leaked")
    assert AuditEvent.about(ada.workspace.id, key.id)[0].facts == {"reason": "leaked", "note": "Seen in a chat"}


def test_revoking_asks_for_a_reason_that_exists(ada: Person, make_key: MakeKey) -> None:
    key, text = make_key(ada)
    with pytest.raises(Invalid):
        key.revoke(by=ada.actor, reason="because")
    assert works(text)


def test_only_a_key_that_ended_is_deleted(ada: Person, make_key: MakeKey) -> None:
    key, text = make_key(ada)
    with pytest.raises(Conflict, match="Revoke it first"):
        key.delete(by=ada.actor)
    key.revoke(by=ada.actor)
    key.delete(by=ada.actor)
    with pytest.raises(NotFound):
        ApiKey.find(ada.workspace.id, key.id)
    assert not works(text)
    assert actions(key) == ["api_key.created", "api_key.revoked", "api_key.deleted"]


def test_a_key_is_found_through_its_own_workspace_alone(ada: Person, mallory: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    with pytest.raises(NotFound) as strange:
        ApiKey.find(mallory.workspace.id, key.id)
    with pytest.raises(NotFound) as unknown:
        ApiKey.find(mallory.workspace.id, new_id("key"))
    assert str(strange.value) == str(unknown.value)


@pytest.mark.parametrize("verb", ["issue", "edit", "rotate", "revoke"])
def test_a_verb_that_dies_half_way_happened_not_at_all(
    connected: str, ada: Person, make_key: MakeKey, verb: str
) -> None:
    key, _ = make_key(ada)
    script = [sys.executable, "-m", "tests.support.killed", connected, key.id, verb]
    told = [json.loads(line) for line in subprocess.check_output(script, text=True).splitlines()]
    assert len(told) > 4
    # Whoever dies before the commit leaves everything as it was; the last child lives.
    assert told[-1] == {"died": False, "unchanged": False}
    assert all(each == {"died": True, "unchanged": True} for each in told[:-1])
