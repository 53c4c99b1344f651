"""The Clean-up page: every section with its keys and reasons, and what is done to many keys in one go."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from models import ApiKey, KeySecret
from models.database import now
from models.incident import Incident
from tests.support import ledger
from tests.support.cast import Person
from tests.support.cleanup import acted, aged, asked, page, section
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import all_hidden, fresh, let_password_age_after_sign_in, words
from tests.support.keys import actions, works
from tests.support.policies import rule
from tests.support.strangers import FORM
from tests.support.usage import ago, used

Browse = Callable[[Person], Browser]
Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]
DAY = timedelta(days=1)


def test_each_section_says_why_since_when_and_what_would_break(
    ada: Person, olga: Person, browse: Browse, call: Call, make_key: MakeKey
) -> None:
    aged(make_key(ada, name="Idle")[0])
    make_key(ada, name="Ending", expires_at=now() + 5 * DAY)
    make_key(olga, name="Orphan")
    olga.member.change({"role": "member"}, by=ada.actor)
    rule(ada, rotation_days=30)
    old, _ = make_key(ada, name="Old secret")
    KeySecret.current_of(old.id).put(created_at=now() - 40 * DAY)
    ended, _ = make_key(ada, name="Rotated out")
    Incident.create(
        workspace=ada.workspace.id, key=ended.id, secret_id="sec_x", address="192.0.2.9", client="curl",
        request="GET /", count=12, first_at=now() - DAY, last_at=now(),
    )  # fmt: skip
    shown = page(browse(ada), ada)
    assert shown.status_code == 200
    idle = section(shown, "unused")
    assert "Idle" in idle and "Not used since" in idle and "No calls in the last 7 days" in idle
    assert "Ending" in section(shown, "expiring") and "Expires in" in section(shown, "expiring")
    assert "has not managed keys since" in section(shown, "left")
    assert "Old secret" in section(shown, "rotation_due") and "Its secret is from" in section(shown, "rotation_due")
    assert "12 calls with a secret that has ended" in section(shown, "called")
    assert "Nothing here." in section(shown, "wide")
    assert "Ending" not in idle and "Idle" not in section(shown, "expiring")


def test_many_are_revoked_in_one_go_after_the_words_are_typed(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    texts = []
    idle = []
    for number in range(3):
        key, text = make_key(ada, name=f"Idle {number}")
        idle.append(aged(key))
        texts.append(text)
    question = asked(browse(ada), ada, "unused", "revoke", *idle[:2])
    assert "revoke 2 keys" in words(question) and "Idle 2" not in words(question)
    assert all(map(works, texts)), "a question does nothing"
    wrong = acted(browse(ada), ada, question, confirm="revoke")
    assert wrong.status_code == 422 and "Type “revoke 2 keys”." in words(wrong) and all(map(works, texts))
    done = acted(browse(ada), ada, question, confirm=" revoke  2 keys ")
    assert "2 keys revoked" in words(done) and "left alone" not in words(done)
    assert list(map(works, texts)) == [False, False, True]
    assert actions(idle[0]) == ["api_key.created", "api_key.revoked"]


def test_what_was_used_changed_or_ended_meanwhile_is_left_alone_and_why(
    ada: Person, browse: Browse, call: Call, make_key: MakeKey
) -> None:
    made = {name: make_key(ada, name=name) for name in ("Used", "Changed", "Ended", "Gone", "Idle")}
    keys = {name: aged(key) for name, (key, _) in made.items()}
    question = asked(browse(ada), ada, "unused", "revoke", all="1")
    assert call(made["Used"][1]).get(ada.api()).status_code == 200
    fresh(keys["Changed"]).change({"note": "Needed"}, disabled=None, by=ada.actor)
    for name in ("Ended", "Gone"):
        fresh(keys[name]).revoke(by=ada.actor)
    fresh(keys["Gone"]).delete(by=ada.actor)
    told = words(acted(browse(ada), ada, question, confirm="revoke 5 keys"))
    assert "1 key revoked, 4 left alone" in told
    for reason in ("was used", "was changed", "was revoked or has expired", "was deleted"):
        assert f"It {reason} in the meantime." in told, reason
    assert works(made["Used"][1]) and works(made["Changed"][1]) and not works(made["Idle"][1])


def test_quarantine_is_undone_from_the_result(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    keys = [aged(make_key(ada)[0]) for _ in range(2)]
    done = acted(browse(ada), ada, asked(browse(ada), ada, "unused", "quarantine", *keys))
    assert "2 keys put in quarantine" in words(done) and all(fresh(key).quarantined_at for key in keys)
    undone = browse(ada).post(ada.settings("api-keys/cleanup/undo"), all_hidden(done))
    assert "2 keys woken" in words(undone) and not any(fresh(key).quarantined_at for key in keys)
    assert page(browse(ada), ada).text.count('name="key"') == 0, "the wait begins anew"


def test_many_are_rotated_in_one_go_and_their_new_keys_shown_once(
    ada: Person, browse: Browse, make_key: MakeKey
) -> None:
    made = [make_key(ada, name=f"Old {number}") for number in range(4)]
    KeySecret.update(created_at=now() - 120 * DAY).execute()
    fresh(made[2][0]).edit(replace(made[2][0].settings, note="Changed"), version=1, by=ada.actor)
    question = asked(browse(ada), ada, "rotation_due", "rotate", *(key for key, _ in made[:3]))
    assert "Keep the old keys working for" in words(question) and "Old 3" not in words(question)
    fresh(made[2][0]).disable(by=ada.actor)
    done = acted(browse(ada), ada, question, overlap="7d")
    assert done.status_code == 201 and done.headers["Cache-Control"] == "no-store"
    ledger.note_keys(done.text)
    lines = dict(re.findall(r"(Old \d): (gr_\w+)", words(done)))
    assert set(lines) == {"Old 0", "Old 1"}
    assert "1 left alone" in words(done) and "It was changed in the meantime." in words(done)
    for key, old in made[:2]:
        assert works(old) and works(lines[key.name]) and old != lines[key.name]
        retiring = KeySecret.retiring_of(key.id, now())
        assert retiring and retiring.ends_at and now() + 6 * DAY < retiring.ends_at <= now() + 7 * DAY
    again = acted(browse(ada), ada, question, overlap="7d")
    assert (
        again.status_code == 200 and "gr_" + lines["Old 0"][3:] not in again.text and "No key rotated" in words(again)
    )
    assert [actions(key).count("api_key.rotated") for key, _ in made] == [1, 1, 0, 0]


def test_a_key_that_is_rotating_is_left_alone_in_a_rotation_of_many(
    ada: Person, browse: Browse, make_key: MakeKey
) -> None:
    key, old = make_key(ada)
    new = key.rotate(by=ada.actor, overlap="7d").reveal()
    KeySecret.update(created_at=now() - 120 * DAY).execute()
    question = asked(browse(ada), ada, "rotation_due", "rotate", fresh(key))
    # Not even if it is asked for.
    done = acted(browse(ada), ada, question, overlap="none")
    assert "No key rotated, 1 left alone" in words(done)
    assert works(old) and works(new)


def test_keys_are_narrowed_to_what_they_use_and_undone(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    keys = []
    for number in range(2):
        with time_machine.travel(ago(days=60), tick=False):
            key, text = make_key(ada, name=f"Broad {number}", scopes={"read:members", "write:members", "read:data"})
            used(text, scope="")
        used(text, times=40)
        keys.append(fresh(key))
    wide = section(page(browse(ada), ada), "wide")
    assert "Broad 0" in wide and "write:members" in wide and "Not used since" in wide
    assert "40 calls in the last 7 days would have failed GET /members from 1 address" in wide
    question = asked(browse(ada), ada, "wide", "narrow", *keys)
    used(text, scope="read:data")
    done = acted(browse(ada), ada, question)
    assert "1 key narrowed, 1 left alone" in words(done) and "has changed since" in words(done)
    assert (fresh(keys[0]).scopes, "write:members" in fresh(keys[1]).scopes) == ("read:members", True)
    assert "1 key back to the former scopes" in words(
        browse(ada).post(ada.settings("api-keys/cleanup/undo"), all_hidden(done))
    )
    assert fresh(keys[0]).scopes == keys[0].scopes


def test_ends_are_moved_as_far_as_plan_and_policy_allow(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    near, _ = make_key(ada, name="Near", expires_at=now() + DAY)
    far, _ = make_key(ada, name="Far", expires_at=now() + 13 * DAY)
    rule(ada, longest_life_days=40)
    done = words(acted(browse(ada), ada, asked(browse(ada), ada, "expiring", "extend-30", near, far)))
    assert "1 key extended by 30 days, 1 left alone" in done and "Keys in this workspace live at most 40 days." in done
    assert fresh(near).expires_at == near.expires_at + 30 * DAY and fresh(far).expires_at == far.expires_at


def test_nothing_ticked_asks_nothing(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    aged(make_key(ada)[0])
    assert asked(browse(ada), ada, "unused", "revoke").status_code == 303
    assert "Select at least one key first." in page(browse(ada), ada).text


def test_only_what_is_in_the_section_and_the_workspace_is_taken(
    ada: Person, mallory: Person, browse: Browse, make_key: MakeKey
) -> None:
    busy, _ = make_key(ada)
    theirs = aged(make_key(mallory)[0])
    assert asked(browse(ada), ada, "unused", "revoke", busy, theirs).status_code == 303
    forged = f"{theirs.id}:{theirs.version}:0:"
    form = {"section": "unused", "action": "revoke", "seen": [forged], "confirm": "revoke 1 key"}
    answer = browse(ada).post(ada.settings("api-keys/cleanup/act"), form)
    assert "1 left alone" in words(answer) and fresh(theirs).revoked_at is None
    assert theirs.name not in answer.text


@pytest.mark.parametrize("seen", ["", "x", "key_1:a:b:c", "key_1:1:1", "key_1:²:1:", "key_1:1:1:read;data", "\0"])
def test_nonsense_is_left_out(ada: Person, browse: Browse, seen: str) -> None:
    form = {"section": "unused", "action": "quarantine", "seen": [seen]}
    answer = browse(ada).post(ada.settings("api-keys/cleanup/act"), form)
    assert answer.status_code == 200 and "No key put in quarantine" in words(answer)


def test_an_action_that_a_section_does_not_offer_is_not_taken(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key = aged(make_key(ada)[0])
    assert "Quarantine 1 key?" in words(asked(browse(ada), ada, "unused", "extend-90", key))


def test_it_asks_for_the_password(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key = aged(make_key(ada)[0])
    let_password_age_after_sign_in(ada, browse)
    question = asked(browse(ada), ada, "unused", "quarantine", key)
    assert acted(browse(ada), ada, question).status_code == 403 and fresh(key).quarantined_at is None
    assert acted(browse(ada), ada, question, password_again=ada.password).status_code == 200
    assert fresh(key).quarantined_at is not None


def test_members_and_strangers_do_none_of_it(
    ada: Person, bob: Person, mallory: Person, browse: Browse, make_key: MakeKey
) -> None:
    key = aged(make_key(ada)[0])
    for person, status in ((bob, 403), (mallory, 404)):
        assert page(browse(person), ada).status_code == status
        for verb in ("confirm", "act", "undo"):
            assert browse(person).post(ada.settings(f"api-keys/cleanup/{verb}"), FORM).status_code == status
    assert fresh(key).version == 1
    assert "cleanup" in browse(ada).get(ada.settings()).text
