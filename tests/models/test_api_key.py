"""Keys: made, changed and ended by verbs that happen whole or not at all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from models import ApiKey, AuditEvent, KeySecret, verification
from models.database import new_id, now
from models.errors import Conflict, Invalid, NotFound, PlanLimit
from models.plan import PLANS
from tests.support.cast import Person
from tests.support.keys import actions, on_plan, reread, settings, works

MakeKey = Callable[..., tuple[ApiKey, str]]


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


def test_a_name_is_taken_whatever_its_case(ada: Person, mallory: Person, make_key: MakeKey) -> None:
    make_key(ada, name="Straße")
    with pytest.raises(Invalid) as refusal:
        make_key(ada, name="STRASSE")
    assert set(refusal.value.errors) == {"name"}
    make_key(mallory, name="STRASSE")


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


def test_an_edit_of_what_changed_meanwhile_is_refused(ada: Person, olga: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada, name="CI")
    opened = reread(key)
    key.edit(replace(key.settings, note="Ada's"), version=1, by=ada.actor)
    with pytest.raises(Conflict, match="Ada Byron changed this key"):
        opened.edit(replace(opened.settings, note="Olga's"), version=opened.version, by=olga.actor)
    assert (reread(key).note, reread(key).version) == ("Ada's", 2)


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


def test_a_rotated_key_is_the_same_key_with_another_secret(ada: Person, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    new = key.rotate(by=ada.actor).reveal()
    assert not works(old) and verification.verify(new).key_id == key.id
    assert (reread(key).hint_start, reread(key).hint_end) == (new[3:7], new[-2:])


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
