"""The Clean-up page with many keys: what is meant by all of them, what is said before, and what can be taken back."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from peewee import OperationalError

from models import ApiKey, KeySecret, database
from models.actor import Actor
from models.database import now
from models.key_settings import KeySettings
from models.role import KEY_TOUCHES
from tests.support import ledger
from tests.support.cast import Person, joined
from tests.support.cleanup import acted, aged, asked, page, section
from tests.support.clients import Browser
from tests.support.key_pages import all_hidden, fresh, words
from tests.support.keys import actions, on_plan
from tests.support.policies import rule
from tests.support.statements import sent
from tests.support.usage import used

Browse = Callable[[Person], Browser]
MakeKey = Callable[..., tuple[ApiKey, str]]
DAY = timedelta(days=1)


def test_keys_that_are_decided_about_do_not_hide_the_rest(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    on_plan(ada, "business")
    for number in range(51):
        aged(make_key(ada, name=f"Idle {number:02}")[0])
    first = section(page(browse(ada), ada), "unused")
    assert "50 of 51" in first and "Select all 50" in first and "Idle 50" not in first
    done = acted(browse(ada), ada, asked(browse(ada), ada, "unused", "quarantine", all="1"))
    assert "50 keys put in quarantine" in words(done)
    assert "Idle 50" in section(page(browse(ada), ada), "unused"), "the one that is left comes first now"


def test_all_of_them_spares_what_somebody_wants_kept(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    idle, kept = (aged(make_key(ada, name=name)[0]) for name in ("Idle", "Night watch"))
    kept.exempt("Used once a year.", by=ada.actor)
    shown = section(page(browse(ada), ada), "unused")
    assert "Select all 1" in shown and "Kept: Used once a year." in shown
    assert "Night watch" not in words(asked(browse(ada), ada, "unused", "revoke", all="1"))
    question = asked(browse(ada), ada, "unused", "revoke", fresh(kept), all="1")
    assert "Revoke 2 keys?" in words(question) and "Kept: Used once a year." in words(question)
    assert fresh(idle).revoked_at is None


def test_the_question_says_what_becomes_of_each_key(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    near, _ = make_key(ada, name="Near", expires_at=now() + DAY)
    make_key(ada, name="Far", expires_at=now() + 13 * DAY)
    rule(ada, longest_life_days=40)
    asks = words(asked(browse(ada), ada, "expiring", "extend-30", all="1"))
    assert "Extend 2 keys by 30 days?" in asks
    end = near.expires_at + 30 * DAY
    assert f"then {end:%b} {end.day}, {end.year}." in asks
    assert "Will be left alone. Keys in this workspace live at most 40 days." in asks
    assert "changed or used" not in asks, "in use it is extended all the same"


def test_the_question_sums_up_what_would_break(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    keys = [make_key(ada, name=f"Ending {number}", expires_at=now() + DAY) for number in range(3)]
    assert "nothing would have failed without them" in words(asked(browse(ada), ada, "expiring", "revoke", all="1"))
    for _, text in keys[:2]:
        used(text, times=7)
    asks = words(asked(browse(ada), ada, "expiring", "revoke", all="1"))
    assert "In the last 7 days this would have refused 14 calls by 2 of them." in asks


def test_an_extension_is_undone_from_the_result(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    keys = [make_key(ada, expires_at=now() + DAY)[0] for _ in range(2)]
    done = acted(browse(ada), ada, asked(browse(ada), ada, "expiring", "extend-30", *keys))
    longer = fresh(keys[0]).expires_at
    assert f"Ends {longer:%b} {longer.day}, {longer.year}." in words(done)
    fresh(keys[1]).change({"note": "Needed for a year"}, disabled=None, by=ada.actor)
    undone = words(browse(ada).post(ada.settings("api-keys/cleanup/undo"), all_hidden(done)))
    assert "1 key back to the former end, 1 left alone" in undone and "It was changed in the meantime." in undone
    assert fresh(keys[0]).expires_at == keys[0].expires_at
    assert fresh(keys[1]).expires_at == keys[1].expires_at + 30 * DAY


def test_a_form_that_is_sent_twice_does_it_once(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key = aged(make_key(ada)[0])
    question = asked(browse(ada), ada, "unused", "quarantine", key)
    assert "1 key put in quarantine" in words(acted(browse(ada), ada, question))
    again = words(acted(browse(ada), ada, question))
    assert "No key put in quarantine, 1 left alone" in again and "It is in quarantine already." in again
    assert actions(key) == ["api_key.created", "api_key.quarantined"]


def test_what_the_database_does_not_take_for_one_key_costs_no_other_its_new_secret(
    ada: Person, browse: Browse, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [make_key(ada, name=f"Old {number}") for number in range(3)]
    KeySecret.update(created_at=now() - 120 * DAY).execute()
    question = asked(browse(ada), ada, "rotation_due", "rotate", *(key for key, _ in made))
    rotate = ApiKey.rotate

    def broken(key: ApiKey, **how: Any) -> Any:
        if key.name == "Old 1":
            raise OperationalError("disk I/O error")
        return rotate(key, **how)

    monkeypatch.setattr(ApiKey, "rotate", broken)
    answer = acted(browse(ada), ada, question)
    ledger.note_keys(answer.text)
    assert answer.status_code == 201
    assert set(re.findall(r"(Old \d): gr_", words(answer))) == {"Old 0", "Old 2"}
    assert "1 left alone Old 1 The database did not say that this was saved." in words(answer)
    assert actions(made[1][0]) == ["api_key.created"]


def test_where_nothing_is_to_do_the_page_says_so_once(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    make_key(ada)
    shown = words(page(browse(ada), ada))
    assert "Nothing to clean up" in shown and "Nothing here." not in shown


def test_many_keys_take_no_more_statements_than_few(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    on_plan(ada, "business")
    rule(ada, rotation_days=30)

    browser = browse(ada)

    def opened() -> int:
        with sent() as statements:
            assert page(browser, ada).status_code == 200
        return len(statements)

    def more_keys(name: str) -> None:
        """Too wide, old, made by a key that a key made, and their maker no longer manages keys."""
        with database.at(now() - 60 * DAY):
            maker, _ = make_key(olga)
            for number in range(3):
                by = Actor("key", maker.name, maker.id, KEY_TOUCHES)
                wanted = KeySettings(f"{name} {number}", frozenset({"read:members", "read:data"}))
                maker, text = ApiKey.issue(ada.workspace, wanted, by=by)
                used(ledger.note(text.reveal(), "key"))
        used(text.reveal())

    olga = joined(ada.workspace, "Olga Ladyzhenskaya", "admin")
    more_keys("First")
    olga.member.change({"role": "member"}, by=ada.actor)
    few = opened()
    olga.member.change({"role": "admin"}, by=ada.actor)
    for name in ("Second", "Third", "Fourth"):
        more_keys(name)
    olga.member.change({"role": "member"}, by=ada.actor)
    shown = page(browser, ada)
    assert all("Fourth 2" in section(shown, name) for name in ("wide", "left", "rotation_due"))
    assert opened() == few


def test_since_when_a_maker_is_gone_does_not_depend_on_who_changed_the_key_last(
    ada: Person, browse: Browse, make_key: MakeKey
) -> None:
    olga = joined(ada.workspace, "Olga Ladyzhenskaya", "admin")
    key, _ = make_key(olga, name="Orphan")
    gone = now() - 3 * DAY
    with database.at(gone):
        olga.member.change({"role": "member"}, by=ada.actor)
    key.change({"note": "Ask in the night watch"}, disabled=None, by=ada.actor)
    assert f"has not managed keys since {gone:%b} {gone.day}, " in section(page(browse(ada), ada), "left")
