"""Rotation over the API, by a key that manages and by the key itself."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from models import ApiKey, AuditEvent, IdempotentAnswer, KeySecret
from models.database import now
from tests.support.cast import Person, make_admin_key
from tests.support.clients import ApiClient
from tests.support.key_pages import code, fresh
from tests.support.rotation import KEY, ROTATE, told
from tests.support.threads import at_once

Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]

ONCE = {"Idempotency-Key": "rotate-2026-11"}


def test_a_key_rotates_itself_and_has_a_day_to_change_over(ada: Person, call: Call, make_key: MakeKey) -> None:
    start = now().replace(microsecond=0)
    with time_machine.travel(start, tick=False):
        key, old = make_key(ada, name="CI", scopes={"read:data"})
        answer = call(old).post(ROTATE)
        body = answer.get_json()
        assert answer.status_code == 201 and answer.headers["Location"] == KEY
        assert (body["id"], body["secret_status"], body["secret_ends_at"]) == (key.id, "current", None)
        assert body["old_secret_ends_at"] == (start + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert told(answer) == ["Sunset", "Deprecation", "Link"]
        assert told(call(body["secret"]).get(KEY)) == []
        assert call(old).get(KEY).status_code == 200
    (event,) = [each for each in AuditEvent.about(ada.workspace.id, key.id) if each.action == "api_key.rotated"]
    assert (event.actor_kind, event.actor_id) == ("key", key.id)


@pytest.mark.parametrize("scopes", [{"write:workflows"}, {"admin:workspace"}, {"read:members"}])
@pytest.mark.parametrize("overlap", ["none", "1h", "24h", "7d"])
def test_any_valid_key_rotates_itself(
    ada: Person, call: Call, make_key: MakeKey, scopes: set[str], overlap: str
) -> None:
    _, old = make_key(ada, scopes=scopes)
    answer = call(old).post(ROTATE, json={"overlap": overlap})
    assert answer.status_code == 201
    assert call(answer.get_json()["secret"]).get(KEY).status_code == 200
    if overlap == "none":
        assert answer.get_json()["old_secret_ends_at"] is None and told(answer) == []
        assert code(call(old).get(KEY)) == "revoked_key"
    else:
        assert call(old).get(KEY).status_code == 200


def test_a_key_that_rotates_itself_does_not_outlive_its_end(ada: Person, call: Call, make_key: MakeKey) -> None:
    end = (now() + timedelta(hours=3)).replace(microsecond=0)
    _, old = make_key(ada, expires_at=end)
    body = call(old).post(ROTATE, json={"overlap": "7d"}).get_json()
    written = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert body["expires_at"] == body["secret_ends_at"] == body["old_secret_ends_at"] == written
    with time_machine.travel(end, tick=False):
        assert [code(call(each).get(KEY)) for each in (old, body["secret"])] == ["expired_key"] * 2


@pytest.mark.parametrize("path", [ROTATE, "own"])
def test_a_secret_that_retires_cannot_rotate(ada: Person, call: Call, path: str) -> None:
    key, old = make_admin_key(ada)
    path = ada.api(f"api-keys/{key.id}/rotate") if path == "own" else path
    new = call(old).post(ROTATE).get_json()["secret"]
    for overlap in ("none", "24h"):
        refused = call(old).post(path, json={"overlap": overlap})
        assert (refused.status_code, code(refused)) == (409, "conflict")
        assert "If the new one was lost, let somebody who manages keys undo" in refused.get_json()["detail"]
    assert call(new).get(KEY).status_code == 200
    assert KeySecret.select().where(KeySecret.key == key).count() == 2


def test_a_dead_secret_that_rotates_is_refused_like_any(ada: Person, call: Call, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    new = call(old).post(ROTATE, json={"overlap": "none"}).get_json()["secret"]
    refused = call(old).post(ROTATE)
    assert (refused.status_code, code(refused)) == (401, "revoked_key")
    # The rest of the key lives on.
    assert call(new).get(KEY).status_code == 200
    key.revoke(by=ada.actor)
    assert code(call(new).post(ROTATE)) == "revoked_key"


def test_a_secret_that_was_replaced_is_told_from_a_key_that_has_ended(
    ada: Person, call: Call, make_key: MakeKey
) -> None:
    key, old = make_key(ada, expires_at=now() + timedelta(days=2))
    new = key.rotate(by=ada.actor, overlap="1h").reveal()

    def detail(secret: str, days: int) -> str:
        with time_machine.travel(now() + timedelta(days=days)):
            answer = call(secret).get(KEY)
        assert answer.get_json()["detail"] in answer.headers["WWW-Authenticate"]
        return str(answer.get_json()["detail"])

    replaced = "This secret of the API key was replaced and has stopped working. Use the current one."
    assert detail(old, days=1) == replaced
    assert {detail(each, days=3) for each in (old, new)} == {"This API key has expired."}
    fresh(key).undo_rotation(by=ada.actor)
    assert detail(new, days=0) == replaced
    fresh(key).revoke(by=ada.actor)
    assert {detail(each, days=0) for each in (old, new)} == {"This API key has been revoked."}


@pytest.mark.parametrize(
    ("wrong", "status"),
    [({"overlap": "2h"}, 422), ({"overlap": None}, 422), ({"overlap": 24}, 422), ({"days": 1}, 422), ([], 422)],
)
def test_a_wrong_overlap_changes_nothing(ada: Person, call: Call, make_key: MakeKey, wrong: Any, status: int) -> None:
    _, text = make_key(ada)
    assert call(text).post(ROTATE, json=wrong).status_code == status
    assert call(text).post(ROTATE, data="overlap=24h").status_code == 415
    assert call(text).post(ROTATE, data="{", content_type="application/json").status_code == 400
    assert KeySecret.select().count() == 1


def test_a_repeat_never_shows_the_secret_again(ada: Person, call: Call, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    first = call(old).post(ROTATE, json={"overlap": "24h"}, headers=ONCE)
    again = call(old).post(ROTATE, json={"overlap": "24h"}, headers=ONCE)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true" and again.get_json()["secret"] is None
    assert "was shown" in again.get_json()["secret_note"] and "undo its rotation" in again.get_json()["secret_note"]
    rest = {"secret": 0, "secret_note": 0}
    assert again.get_json() | rest == first.get_json() | rest
    assert first.get_json()["secret"] not in repr(list(IdempotentAnswer.select().dicts()))
    assert KeySecret.select().where(KeySecret.key == key).count() == 2


@pytest.mark.parametrize("way", ["itself", "managed"])
def test_of_two_at_once_one_gets_the_secret_and_one_a_conflict(
    ada: Person, call: Call, make_key: MakeKey, way: str
) -> None:
    key, text = make_key(ada)
    client, path = call(text), ROTATE
    if way == "managed":
        client, path = call(make_admin_key(ada)[1]), ada.api(f"api-keys/{key.id}/rotate")
    answers = at_once(2, lambda _: client.post(path, json={"overlap": "24h"}))
    assert sorted(each.status_code for each in answers) == [201, 409]  # type: ignore[union-attr]
    (won,) = [each for each in answers if each.status_code == 201]  # type: ignore[union-attr]
    assert call(won.get_json()["secret"]).get(KEY).status_code == 200  # type: ignore[union-attr]
    assert KeySecret.select().where(KeySecret.key == key).count() == 2


def test_a_managed_key_shows_its_overlap(ada: Person, call: Call, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    client, path = call(make_admin_key(ada)[1]), ada.api(f"api-keys/{key.id}")
    assert client.get(path).get_json()["retiring_secret"] is None
    answer = client.post(f"{path}/rotate", json={"overlap": "1h"})
    assert answer.status_code == 201 and answer.headers["Location"] == path
    shown = answer.get_json()["retiring_secret"]
    assert shown["hint"] == f"gr_{old[3:7]}…{old[-2:]}" and shown["retired_at"] < shown["ends_at"]
    assert client.get(path).get_json()["retiring_secret"] == shown
    listed = {each["id"]: each for each in client.get(ada.api("api-keys")).get_json()["data"]}
    assert listed[key.id]["retiring_secret"] == shown
    assert [each["retiring_secret"] for each in listed.values()].count(None) == len(listed) - 1
    refused = client.post(f"{path}/rotate", json={"overlap": "1h"})
    assert (refused.status_code, code(refused)) == (409, "conflict") and "still works" in refused.get_json()["detail"]
    # Without a word the old secrets stop at once.
    assert client.post(f"{path}/rotate").get_json()["retiring_secret"] is None
    assert code(call(old).get(KEY)) == "revoked_key"


def test_a_revoked_key_has_no_secret_that_retires(ada: Person, call: Call, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    key.rotate(by=ada.actor, overlap="24h")
    key.revoke(by=ada.actor)
    client = call(make_admin_key(ada)[1])
    assert client.get(ada.api(f"api-keys/{key.id}")).get_json()["retiring_secret"] is None
    assert client.post(ada.api(f"api-keys/{key.id}/rotate")).status_code == 409


def test_two_secrets_of_a_key_spend_one_budget(ada: Person, call: Call, make_key: MakeKey) -> None:
    _, old = make_key(ada)
    new = call(old).post(ROTATE).get_json()["secret"]
    left = [call(each).get(KEY).headers["RateLimit"].split(";")[1] for each in (old, new, old)]
    assert left == ["r=598", "r=597", "r=596"]
