"""Rotation: one current secret, at most one that retires, and an overlap that ends when it was said to."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from models import ApiKey, AuditEvent, KeySecret, rate_limit, verification
from models.database import new_id, now, now_microseconds
from models.errors import Conflict, Invalid
from models.key_rotation import OVERLAPS
from models.secret import Secret
from models.settings import Settings
from tests.support.cast import Person
from tests.support.keys import actions, refusal, reread, retiring, rotated, works

MakeKey = Callable[..., tuple[ApiKey, str]]
A_DAY, MICRO = timedelta(days=1), timedelta(microseconds=1)


def test_both_secrets_work_during_the_overlap(ada: Person, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    new = rotated(key, ada)
    assert verification.verify(old).key_id == verification.verify(new).key_id == key.id
    assert verification.verify(old).retired_at and not verification.verify(new).retired_at
    assert (reread(key).hint_start, reread(key).hint_end) == (new[3:7], new[-2:])


@pytest.mark.parametrize("overlap", ["1h", "24h", "7d"])
def test_an_overlap_begins_and_ends_at_its_very_instant(ada: Person, make_key: MakeKey, overlap: str) -> None:
    start = now() + A_DAY
    key, old = make_key(ada)
    with time_machine.travel(start, tick=False):
        assert (works(old), now()) == (True, start)
        new = rotated(key, ada, overlap)
        assert (works(old), works(new)) == (True, True)
        assert verification.verify(old).retired_at == now_microseconds()
    end = start + OVERLAPS[overlap]
    with time_machine.travel(end - MICRO, tick=False):
        assert (refusal(old), refusal(new)) == ("", "")
        assert retiring(key).ends_at == end
    for moment in (end, end + timedelta(days=400)):
        with time_machine.travel(moment, tick=False):
            assert (refusal(old), refusal(new)) == ("expired_key", "")
            assert KeySecret.retiring_of(key.id, now()) is None


def test_without_an_overlap_the_old_secret_is_revoked_at_once(ada: Person, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    with time_machine.travel(now(), tick=False):
        new = rotated(key, ada, "none")
        assert (refusal(old), refusal(new)) == ("revoked_key", "")


@pytest.mark.parametrize("life", [timedelta(minutes=5), timedelta(hours=24), timedelta(days=7) - MICRO])
def test_an_overlap_never_outlives_the_key(ada: Person, make_key: MakeKey, life: timedelta) -> None:
    end = now() + life
    key, old = make_key(ada, expires_at=end)
    new = rotated(key, ada, "7d")
    assert retiring(key).ends_at == end
    with time_machine.travel(end, tick=False):
        assert (refusal(old), refusal(new)) == ("expired_key", "expired_key")


def test_a_key_that_is_given_an_earlier_end_takes_its_overlap_along(ada: Person, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    rotated(key, ada, "7d")
    end = now() + A_DAY
    key.edit(replace(key.settings, expires_at=end), version=reread(key).version, by=ada.actor)
    assert retiring(key).ends_at == end
    # What the overlap lost does not come back.
    key.edit(replace(key.settings, expires_at=None), version=reread(key).version, by=ada.actor)
    assert retiring(key).ends_at == end
    with time_machine.travel(end, tick=False):
        assert refusal(old) == "expired_key"


def test_there_are_never_more_than_two_secrets_that_work(ada: Person, make_key: MakeKey) -> None:
    key, first = make_key(ada)
    second = rotated(key, ada)
    for overlap in ("1h", "24h", "7d"):
        with pytest.raises(Conflict, match="still works"):
            rotated(key, ada, overlap)
    assert (works(first), works(second)) == (True, True)
    third = rotated(key, ada, "none")
    assert (refusal(first), refusal(second), refusal(third)) == ("revoked_key", "revoked_key", "")
    assert AuditEvent.about(ada.workspace.id, key.id)[0].facts["also_stopped"] == Secret(first).hint


def test_after_an_overlap_the_key_can_be_rotated_again(ada: Person, make_key: MakeKey) -> None:
    key, first = make_key(ada)
    second = rotated(key, ada, "1h")
    with time_machine.travel(now() + timedelta(hours=1), tick=False):
        third = rotated(key, ada)
        # What ended by itself stays that way.
        assert (refusal(first), refusal(second), refusal(third)) == ("expired_key", "", "")
        rotated(reread(key), ada, "none")
        assert refusal(first) == "expired_key"


def test_an_unknown_overlap_is_refused(ada: Person, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    for overlap in ("", "2h", "24H", "-1h", "8d"):
        with pytest.raises(Invalid):
            rotated(key, ada, overlap)
    assert works(old) and KeySecret.select().count() == 1


@pytest.mark.parametrize("state", ["revoked", "expired"])
def test_a_key_that_ended_cannot_be_rotated_and_its_rotation_not_changed(
    ada: Person, make_key: MakeKey, state: str
) -> None:
    key, _ = make_key(ada, expires_at=now() + timedelta(hours=2))
    rotated(key, ada, "1h")
    if state == "revoked":
        key.revoke(by=ada.actor)
    with time_machine.travel(now() + (A_DAY if state == "expired" else timedelta(0))):
        before = KeySecret.select().count(), len(actions(key))
        for act in (
            lambda: rotated(key, ada),
            lambda: key.finish_rotation(by=ada.actor),
            lambda: key.extend_rotation(by=ada.actor, overlap="7d"),
            lambda: key.undo_rotation(by=ada.actor),
        ):
            with pytest.raises(Conflict):
                act()
        assert (KeySecret.select().count(), len(actions(key))) == before


def test_whoever_saw_another_secret_is_refused(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    seen = KeySecret.current_of(key.id).id
    key.rotate(by=ada.actor, overlap="none", seen=seen)
    with pytest.raises(Conflict, match="rotated in the meantime"):
        key.rotate(by=ada.actor, overlap="none", seen=seen)
    # An edit in between is no rotation.
    seen = KeySecret.current_of(key.id).id
    key.edit(replace(key.settings, note="x"), version=reread(key).version, by=ada.actor)
    key.rotate(by=ada.actor, seen=seen)
    assert KeySecret.select().where(KeySecret.key == key.id).count() == 3


def test_a_form_that_comes_again_during_the_overlap_is_told_so(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    form, seen = new_id("form"), KeySecret.current_of(key.id).id
    key.rotate(by=ada.actor, overlap="24h", seen=seen, form_id=form)
    with pytest.raises(Conflict, match="sent before"):
        key.rotate(by=ada.actor, overlap="24h", seen=seen, form_id=form)


def test_revoking_the_key_stops_both_secrets(ada: Person, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    new = rotated(key, ada)
    key.revoke(by=ada.actor)
    assert (refusal(old), refusal(new)) == ("revoked_key", "revoked_key")


def test_two_secrets_spend_one_budget(ada: Person, make_key: MakeKey, settings: Settings) -> None:
    key, old = make_key(ada)
    new = rotated(key, ada)
    rate_limit.use(settings.data_dir)
    moment = now_microseconds()
    left = [rate_limit.spend(verification.verify(each), moment).minute_left for each in (old, new, old)]
    assert left == [599, 598, 597]
