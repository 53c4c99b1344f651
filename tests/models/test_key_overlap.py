"""While a secret retires: it is stopped by hand, given more time, or made the current one again."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from models import ApiKey, AuditEvent, verification
from models.database import now
from models.errors import Conflict, Invalid
from tests.support.cast import Person
from tests.support.keys import actions, refusal, reread, retiring, rotated, works

MakeKey = Callable[..., tuple[ApiKey, str]]
A_DAY, MICRO = timedelta(days=1), timedelta(microseconds=1)


def test_finishing_stops_the_old_secret_by_hand(ada: Person, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    new = rotated(key, ada)
    key.finish_rotation(by=ada.actor)
    assert (refusal(old), refusal(new)) == ("revoked_key", "")
    with time_machine.travel(now() + timedelta(days=30)):
        assert refusal(old) == "revoked_key"
    with pytest.raises(Conflict):
        key.finish_rotation(by=ada.actor)
    assert actions(key)[1:] == ["api_key.rotated", "api_key.rotation_finished"]


def test_more_time_is_counted_from_now_and_bounded(ada: Person, make_key: MakeKey) -> None:
    start = now()
    with time_machine.travel(start, tick=False) as clock:
        key, old = make_key(ada, expires_at=start + timedelta(days=9))
        rotated(key, ada, "24h")
        clock.shift(timedelta(hours=20))
        assert key.extend_rotation(by=ada.actor, overlap="24h") == start + timedelta(hours=44)
        with pytest.raises(Invalid, match="Choose a later end"):
            key.extend_rotation(by=ada.actor, overlap="1h")
        for wrong in ("none", "8d", ""):
            with pytest.raises(Invalid):
                key.extend_rotation(by=ada.actor, overlap=wrong)
        assert key.extend_rotation(by=ada.actor, overlap="7d") == now() + timedelta(days=7)
        clock.shift(timedelta(days=6))
        # The key ends before the seven days would.
        assert key.extend_rotation(by=ada.actor, overlap="7d") == start + timedelta(days=9)
        assert retiring(key).ends_at == start + timedelta(days=9) and works(old)
    event = AuditEvent.about(ada.workspace.id, key.id)[0]
    assert event.action == "api_key.rotation_extended"
    assert event.facts["ends_at"] == (start + timedelta(days=9)).isoformat() > event.facts["before"]


def test_undoing_makes_the_old_secret_the_current_one_again(ada: Person, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    new = rotated(key, ada)
    key.undo_rotation(by=ada.actor)
    assert (refusal(old), refusal(new)) == ("", "revoked_key")
    assert (reread(key).hint_start, reread(key).hint_end) == (old[3:7], old[-2:]) == (key.hint_start, key.hint_end)
    credential = verification.verify(old)
    assert (credential.retired_at, credential.ends_at) == (None, None)
    with time_machine.travel(now() + timedelta(days=30)):
        assert works(old)
    assert actions(key)[1:] == ["api_key.rotated", "api_key.rotation_undone"]
    # And it can be rotated as if nothing had been.
    third = rotated(key, ada)
    assert (works(old), works(third), refusal(new)) == (True, True, "revoked_key")


def test_undoing_is_possible_while_the_old_secret_works_and_not_after(ada: Person, make_key: MakeKey) -> None:
    start = now()
    with time_machine.travel(start, tick=False) as clock:
        key, old = make_key(ada)
        new = rotated(key, ada, "1h")
        clock.shift(timedelta(hours=1))
        with pytest.raises(Conflict, match="No old secret of this key works"):
            key.undo_rotation(by=ada.actor)
        assert (refusal(old), refusal(new)) == ("expired_key", "")
        clock.shift(-MICRO)
        key.undo_rotation(by=ada.actor)
        assert (refusal(old), refusal(new)) == ("", "revoked_key")


def test_what_was_seen_of_a_rotation_must_still_be_so(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    rotated(key, ada)
    seen = retiring(key).id
    key.undo_rotation(by=ada.actor)
    rotated(key, ada, "none")
    rotated(key, ada)
    assert retiring(key).id != seen
    for verb in (key.finish_rotation, key.undo_rotation):
        with pytest.raises(Conflict):
            verb(by=ada.actor, seen=seen)
    with pytest.raises(Conflict):
        key.extend_rotation(by=ada.actor, overlap="7d", seen=seen)
    key.finish_rotation(by=ada.actor, seen=retiring(key).id)
