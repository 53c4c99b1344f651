"""Ending, lengthening and undoing a rotation over the API, and how long an overlap can last at all."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from models import ApiKey, AuditEvent, KeySecret
from models.database import now
from tests.support.cast import Person, make_admin_key
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import code, words
from tests.support.policies import rule
from tests.support.rotation import ACTS, act, hint, page_of, rotate
from tests.support.threads import at_once

Browse = Callable[[Person], Browser]
Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]

KEY, WEEK = "/api/v2/key", {"overlap": "7d"}
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def manager(ada: Person, call: Call) -> ApiClient:
    return call(make_admin_key(ada, name="Manager")[1])


def events(key: ApiKey) -> list[str]:
    return [each.action for each in AuditEvent.about(key.workspace_id, key.id)]


def end_of(key: ApiKey) -> Any:
    old = KeySecret.retiring_of(key.id, now())
    return old and old.ends_at


# What one can do


def test_a_rotation_is_finished(ada: Person, manager: ApiClient, call: Call, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    new = key.rotate(by=ada.actor, overlap="24h").reveal()
    done = manager.post(ada.api(f"api-keys/{key.id}/finish-rotation"))
    assert (done.status_code, done.get_json()["retiring_secret"]) == (200, None)
    assert done.headers["ETag"] == manager.get(ada.api(f"api-keys/{key.id}")).headers["ETag"]
    assert code(call(old).get(KEY)) == "revoked_key" and call(new).get(KEY).status_code == 200
    assert events(key)[0] == "api_key.rotation_finished"


def test_the_old_secret_gets_more_time(ada: Person, manager: ApiClient, make_key: MakeKey) -> None:
    start = now().replace(microsecond=0)
    with time_machine.travel(start, tick=False) as clock:
        key, _ = make_key(ada)
        key.rotate(by=ada.actor, overlap="1h")
        clock.shift(HOUR / 2)
        path = ada.api(f"api-keys/{key.id}/extend-rotation")
        longer = manager.post(path, json=WEEK)
        written = (start + HOUR / 2 + 7 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert (longer.status_code, longer.get_json()["retiring_secret"]["ends_at"]) == (200, written)
        assert events(key)[0] == "api_key.rotation_extended"
        for shorter in ("1h", "24h", "7d"):
            refused = manager.post(path, json={"overlap": shorter})
            assert refused.status_code == 422 and refused.get_json()["errors"][0]["field"] == "overlap"
        assert end_of(key) == start + HOUR / 2 + 7 * DAY


def test_a_rotation_is_undone(ada: Person, manager: ApiClient, call: Call, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    new = key.rotate(by=ada.actor, overlap="24h").reveal()
    undone = manager.post(ada.api(f"api-keys/{key.id}/undo-rotation")).get_json()
    assert (undone["retiring_secret"], undone["hint"]) == (None, hint(old))
    assert code(call(new).get(KEY)) == "revoked_key" and call(old).get(KEY).get_json()["secret_status"] == "current"
    assert events(key)[0] == "api_key.rotation_undone"


@pytest.mark.parametrize("verb", ACTS)
def test_without_an_old_secret_there_is_nothing_to_do(
    ada: Person, manager: ApiClient, make_key: MakeKey, verb: str
) -> None:
    key, _ = make_key(ada)
    path = ada.api(f"api-keys/{key.id}/{verb}")
    refused = manager.post(path, json=WEEK)
    assert (refused.status_code, code(refused)) == (409, "conflict")
    assert "No old secret of this key works" in refused.get_json()["detail"]
    key.rotate(by=ada.actor, overlap="1h")
    with time_machine.travel(now() + HOUR, tick=False):
        assert manager.post(path, json=WEEK).status_code == 409
    key.revoke(by=ada.actor)
    assert "revoked" in manager.post(path, json=WEEK).get_json()["detail"]
    assert manager.post(ada.api(f"api-keys/key_0000000000000000/{verb}"), json=WEEK).status_code == 404


@pytest.mark.parametrize("verb", ACTS)
def test_a_repeat_has_no_second_effect(ada: Person, manager: ApiClient, make_key: MakeKey, verb: str) -> None:
    key, _ = make_key(ada)
    key.rotate(by=ada.actor, overlap="1h")
    path, once = ada.api(f"api-keys/{key.id}/{verb}"), {"Idempotency-Key": "end-it"}
    first, again = (manager.post(path, json=WEEK, headers=once) for _ in range(2))
    assert first.status_code == again.status_code == 200 and first.get_json() == again.get_json()
    assert again.headers["Idempotent-Replayed"] == "true" and first.headers["ETag"] == again.headers["ETag"]
    assert len(events(key)) == 3


@pytest.mark.parametrize("wrong", [{}, {"overlap": "none"}, {"overlap": "2h"}, {"overlap": None}, WEEK | {"more": 1}])
def test_more_time_needs_a_time(ada: Person, manager: ApiClient, make_key: MakeKey, wrong: dict[str, Any]) -> None:
    key, _ = make_key(ada)
    key.rotate(by=ada.actor, overlap="1h")
    before = end_of(key)
    assert manager.post(ada.api(f"api-keys/{key.id}/extend-rotation"), json=wrong).status_code == 422
    assert end_of(key) == before


def test_a_secret_that_retires_only_ends_itself(ada: Person, call: Call) -> None:
    key, old = make_admin_key(ada)
    new = call(old).post(f"{KEY}/rotate").get_json()["secret"]
    path = ada.api(f"api-keys/{key.id}")
    for verb in ("extend-rotation", "undo-rotation"):
        refused = call(old).post(f"{path}/{verb}", json=WEEK)
        assert (refused.status_code, code(refused)) == (409, "conflict")
        assert "This secret was replaced." in refused.get_json()["detail"]
    assert call(new).post(f"{path}/extend-rotation", json=WEEK).status_code == 200
    assert call(old).post(f"{path}/finish-rotation").status_code == 200
    assert code(call(old).get(KEY)) == "revoked_key" and call(new).get(KEY).status_code == 200


def test_a_key_undoes_its_own_rotation_with_its_new_secret(ada: Person, call: Call) -> None:
    key, old = make_admin_key(ada)
    new = call(old).post(f"{KEY}/rotate").get_json()["secret"]
    assert call(new).post(ada.api(f"api-keys/{key.id}/undo-rotation")).status_code == 200
    assert code(call(new).get(KEY)) == "revoked_key" and call(old).get(KEY).status_code == 200


def test_finishing_and_undoing_at_once_leave_one_secret(
    ada: Person, manager: ApiClient, call: Call, make_key: MakeKey
) -> None:
    key, old = make_key(ada)
    new = key.rotate(by=ada.actor, overlap="24h").reveal()
    verbs = ("finish-rotation", "undo-rotation")
    codes = at_once(2, lambda turn: manager.post(ada.api(f"api-keys/{key.id}/{verbs[turn]}")).status_code)
    assert sorted(codes) == [200, 409]  # type: ignore[type-var]
    assert sorted(call(each).get(KEY).status_code for each in (old, new)) == [200, 401]


# How long it can last


def test_an_overlap_is_over_when_the_next_rotation_is_due(
    ada: Person, manager: ApiClient, browse: Browse, make_key: MakeKey
) -> None:
    start = now().replace(microsecond=0)
    with time_machine.travel(start, tick=False) as clock:
        rule(ada, rotation_days=1)
        asked = words(browse(ada).get(page_of(make_key(ada)[0], ada, "rotate")))
        assert "24 hours" in asked and "the longest that the policy" in asked and "7 days" not in asked
        rule(ada, rotation_days=10)
        key, _ = make_key(ada)
        key.rotate(by=ada.actor, overlap="7d")
        clock.shift(6 * DAY)
        later = Browser(browse(ada).client.application).sign_in(ada)
        path = ada.api(f"api-keys/{key.id}/extend-rotation")
        assert manager.post(path, json=WEEK).status_code == 200
        assert end_of(key) == start + 10 * DAY
        assert manager.post(path, json=WEEK).status_code == 422
        dialog = later.get(page_of(key, ada, "extend-rotation"))
        assert "the longest overlap that the policy of this workspace allows" in words(dialog)
        assert 'type="radio"' not in dialog.text


def test_the_longest_life_of_the_policy_holds_for_what_is_given_from_now_on(
    ada: Person, browse: Browse, call: Call, make_key: MakeKey
) -> None:
    start = now().replace(microsecond=0)
    with time_machine.travel(start, tick=False) as clock:
        key, _ = make_key(ada)
        before, _ = make_key(ada)
        before.rotate(by=ada.actor, overlap="7d")
        rule(ada, longest_life_days=2)
        # What runs is not touched by a new rule.
        assert end_of(before) == start + 7 * DAY
        asked = words(browse(ada).get(page_of(key, ada, "rotate")))
        assert "the longest that the policy of this workspace allows" in asked
        rotate(browse(ada), key, ada, "7d")
        assert end_of(key) == start + 2 * DAY
        clock.shift(DAY)
        later = Browser(browse(ada).client.application).sign_in(ada)
        assert act(later, key, ada, "extend-rotation", overlap="7d").status_code == 303
        assert end_of(key) == start + 3 * DAY
        _, text = make_key(ada, expires_at=start + 2 * DAY)
        body = call(text).post(f"{KEY}/rotate", json=WEEK).get_json()
        assert body["old_secret_ends_at"] == body["expires_at"]


def test_no_overlap_outlives_its_key_however_the_end_is_moved(
    ada: Person, manager: ApiClient, call: Call, make_key: MakeKey
) -> None:
    start = now().replace(microsecond=0)
    with time_machine.travel(start, tick=False) as clock:
        key, old = make_key(ada, expires_at=start + 30 * DAY)
        new = key.rotate(by=ada.actor, overlap="7d").reveal()
        path = ada.api(f"api-keys/{key.id}")

        def move(hours: int) -> None:
            end = (start + hours * HOUR).strftime("%Y-%m-%dT%H:%M:%SZ")
            assert manager.patch(path, json={"expires_at": end}).status_code == 200

        move(5)
        assert end_of(key) == start + 5 * HOUR
        assert manager.post(f"{path}/extend-rotation", json=WEEK).status_code == 422
        assert call(new).patch(KEY, json={"expires_at": f"{start + 4 * HOUR:%Y-%m-%dT%H:%M:%SZ}"}).status_code == 200
        assert end_of(key) == start + 4 * HOUR
        # A later end of the key gives the old secret nothing: people do.
        move(24 * 20)
        assert end_of(key) == start + 4 * HOUR
        assert manager.post(f"{path}/extend-rotation", json={"overlap": "24h"}).status_code == 200
        move(2)
        clock.shift(2 * HOUR)
        assert [code(call(each).get(KEY)) for each in (old, new)] == ["expired_key"] * 2
