"""Runs of the clean-up that are killed, doubled, or set back: each key is moved once, with its notice."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from models import ApiKey, cleanup, database
from models.outbox import Notice
from tests.support.cast import Person
from tests.support.clients import ApiClient, Browser
from tests.support.dying import dies
from tests.support.keys import actions
from tests.support.policies import rule
from tests.support.stages import DAY, run_at, stage, start
from tests.support.threads import at_once

Browse = Callable[[Person], Browser]
Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]
# It has the journal that the job reads first.
pytestmark = pytest.mark.usefixtures("app")
__all__ = ["start"]


def test_a_run_that_is_killed_anywhere_leaves_each_key_at_one_stage_with_its_notice(
    ada: Person, start: datetime, make_key: MakeKey, connected: str
) -> None:
    keys = [make_key(ada)[0] for _ in range(3)]
    for day, kind in ((30, "unused"), (44, "quarantined"), (58, "cleaned_up")):
        deaths = 0
        for deed in range(3, 60, 7):
            deaths += dies(connected, lambda day=day: run_at(start + day * DAY), deed)  # type: ignore[misc]
            database.connect(connected)
            moved = [key.id for key in keys if len(actions(key)) == 2 + (day - 30) // 14]
            told = [str(row.key_id) for row in Notice.select().where(Notice.kind == kind)]
            assert sorted(moved) == sorted(told), "both or neither"
        assert deaths
        run_at(start + day * DAY)
    ended = ["api_key.created", "api_key.flagged", "api_key.quarantined", "api_key.revoked"]
    assert [actions(key) for key in keys] == [ended] * 3
    assert Notice.select().where(Notice.kind != "key_created").count() == 9


def test_a_clock_that_is_set_back_moves_nothing_twice(ada: Person, start: datetime, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    said = [run_at(start + days * DAY) for days in (30, 29, 30, 44, 43, 44)]
    assert said == ["flagged: 1", "no longer flagged: 1", "flagged: 1", "quarantined: 1", "", ""]
    assert stage(key) == "quarantined"


def test_a_run_that_is_cut_off_or_doubled_moves_each_key_once(
    ada: Person, start: datetime, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "BATCH", 2)
    keys = [make_key(ada)[0] for _ in range(7)]
    real, left = ApiKey.flag, iter(range(3))

    def breaks(key: ApiKey, **given: Any) -> None:
        real(key, **given)
        if next(left, None) is None:
            raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(ApiKey, "flag", breaks)
        run_at(start + 30 * DAY)
    assert [stage(key) for key in keys].count("flagged") == 3, "the fourth is undone with its transaction"
    assert all(isinstance(said, str) for said in at_once(2, lambda _: run_at(start + 30 * DAY)))
    assert [actions(key) for key in keys] == [["api_key.created", "api_key.flagged"]] * 7
    assert Notice.select().where(Notice.kind == "unused").count() == 7


def test_what_is_switched_off_meanwhile_moves_nothing_more(
    ada: Person, start: datetime, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, real = [make_key(ada)[0] for _ in range(3)], ApiKey.flag

    def flag(key: ApiKey, **given: Any) -> None:
        real(key, **given)
        rule(ada, staged_cleanup=False)

    monkeypatch.setattr(ApiKey, "flag", flag)
    assert run_at(start + 30 * DAY) == "flagged: 1"
    assert [stage(key) for key in keys] == ["none"] * 3
    assert Notice.select().where(Notice.kind == "unused").count() == 1
