"""Whether a key is good, decided anew for each request."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import time_machine

from models import ApiKey, KeySecret, secret, verification
from models.database import db, now, transaction
from models.errors import KeyRefused
from models.secret import Pepper
from tests.conftest import PEPPER
from tests.support import ledger
from tests.support.cast import Person
from tests.support.threads import at_once

MakeKey = Callable[..., tuple[ApiKey, str]]
MICROSECOND = timedelta(microseconds=1)
# Whole seconds are exact as floats, which the clock of the tests is made of.
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NEWER = Pepper("2", ledger.fresh("pepper").encode())


@pytest.fixture
def noon() -> Iterator[datetime]:
    with time_machine.travel(NOON, tick=False):
        yield NOON


def code(text: str) -> str:
    """The code of the refusal, or `good`."""
    try:
        verification.verify(text)
    except KeyRefused as refusal:
        return refusal.code
    return "good"


def change(key: ApiKey, **columns: Any) -> None:
    ApiKey.update(**columns).where(ApiKey.id == key.id).execute()


def peppers(key: ApiKey) -> list[str]:
    return [each.pepper for each in KeySecret.select().where(KeySecret.key == key.id)]


def change_secret(key: ApiKey, **columns: Any) -> None:
    KeySecret.update(**columns).where(KeySecret.key == key.id).execute()


def test_a_key_that_is_good_says_what_it_may(ada: Person, make_key: MakeKey) -> None:
    key, text = make_key(ada, scopes={"read:members"}, networks=("192.0.2.0/24",))
    good = verification.verify(text)
    assert (good.key_id, good.workspace_id, good.name) == (key.id, ada.workspace.id, key.name)
    assert good.may("read:members") and not good.may("write:members")
    assert good.allows("192.0.2.7") and not good.allows("198.51.100.7")


def test_an_unknown_key_is_refused_and_named_nowhere(connected: str) -> None:
    unknown = secret.generate().reveal()
    with pytest.raises(KeyRefused) as refusal:
        verification.verify(unknown)
    assert (refusal.value.code, refusal.value.status, refusal.value.proven) == ("invalid_key", 401, None)
    assert unknown not in str(refusal.value) + repr(refusal.value)


@pytest.mark.parametrize(
    "change_text", [str.upper, lambda text: text + "\n", lambda text: " " + text, lambda text: text[:-1]]
)
def test_only_the_whole_secret_counts(ada: Person, make_key: MakeKey, change_text: Callable[[str], str]) -> None:
    _, text = make_key(ada)
    assert code(change_text(text)) == "invalid_key"


def test_a_key_ends_at_the_very_instant_of_its_end(ada: Person, make_key: MakeKey, noon: datetime) -> None:
    key, text = make_key(ada, expires_at=noon + MICROSECOND)
    assert code(text) == "good"
    change(key, expires_at=noon)
    assert code(text) == "expired_key"


def test_a_key_begins_at_the_very_instant_of_its_start(ada: Person, make_key: MakeKey, noon: datetime) -> None:
    key, text = make_key(ada, starts_at=noon + MICROSECOND)
    assert code(text) == "not_yet_valid_key"
    change(key, starts_at=noon)
    assert code(text) == "good"


def test_a_secret_ends_at_the_very_instant_of_its_overlap(ada: Person, make_key: MakeKey, noon: datetime) -> None:
    key, text = make_key(ada)
    change_secret(key, ends_at=noon + MICROSECOND)
    assert code(text) == "good"
    change_secret(key, ends_at=noon)
    assert code(text) == "expired_key"


def test_the_state_of_the_row_is_the_state_of_the_request(ada: Person, make_key: MakeKey, noon: datetime) -> None:
    key, text = make_key(ada)
    told = {"active": "good", "scheduled": "not_yet_valid_key"}
    for columns in (
        {"starts_at": noon + MICROSECOND}, {"disabled_at": noon}, {"expires_at": noon}, {"revoked_at": noon},
    ):  # fmt: skip
        change(key, **columns)
        state = ApiKey.find(ada.workspace.id, key.id).state(now())
        assert code(text) == told.get(state, f"{state}_key")


def test_states_are_told_in_one_order(ada: Person, make_key: MakeKey, noon: datetime) -> None:
    key, text = make_key(ada)
    change(key, revoked_at=noon, expires_at=noon, disabled_at=noon, starts_at=noon + MICROSECOND)
    assert code(text) == "revoked_key"
    change(key, revoked_at=None)
    assert code(text) == "expired_key"
    change(key, expires_at=None)
    assert code(text) == "disabled_key"
    change(key, disabled_at=None)
    assert code(text) == "not_yet_valid_key"
    change(key, starts_at=None)
    assert code(text) == "good"


def test_a_secret_ended_by_hand_is_revoked_even_after_its_overlap(
    ada: Person, make_key: MakeKey, noon: datetime
) -> None:
    key, text = make_key(ada)
    change_secret(key, ends_at=noon, revoked_at=noon)
    assert code(text) == "revoked_key"


def test_a_deleted_key_stays_dead(ada: Person, make_key: MakeKey) -> None:
    key, text = make_key(ada)
    key.revoke(by=ada.actor)
    key.delete(by=ada.actor)
    assert code(text) == "revoked_key"


def test_what_was_set_back_in_time_revives_nothing(ada: Person, make_key: MakeKey) -> None:
    key, text = make_key(ada)
    key.revoke(by=ada.actor)
    with time_machine.travel(NOON - timedelta(days=400)):
        assert code(text) == "revoked_key"


def test_a_new_pepper_keeps_every_key_working(ada: Person, make_key: MakeKey) -> None:
    key, text = make_key(ada)
    secret.use_peppers((NEWER, PEPPER))
    assert verification.verify(text).key_id == key.id
    assert peppers(key) == ["2"]
    assert code(text) == "good"


def test_a_key_used_since_then_works_without_the_old_pepper(ada: Person, make_key: MakeKey) -> None:
    (_, used), (_, unused) = make_key(ada), make_key(ada)
    secret.use_peppers((NEWER, PEPPER))
    verification.verify(used)
    secret.use_peppers((NEWER,))
    assert (code(used), code(unused)) == ("good", "invalid_key")


def test_a_refused_key_is_not_hashed_anew(ada: Person, make_key: MakeKey) -> None:
    key, text = make_key(ada)
    key.revoke(by=ada.actor)
    secret.use_peppers((NEWER, PEPPER))
    assert code(text) == "revoked_key"
    assert peppers(key) == ["1"]


def test_new_keys_are_hashed_with_the_newest_pepper(ada: Person, make_key: MakeKey) -> None:
    secret.use_peppers((NEWER, PEPPER))
    key, text = make_key(ada)
    secret.use_peppers((NEWER,))
    assert verification.verify(text).key_id == key.id


def test_a_locked_database_does_not_hold_up_a_good_key(ada: Person, make_key: MakeKey) -> None:
    _, text = make_key(ada)
    secret.use_peppers((NEWER, PEPPER))
    with transaction():
        ada.workspace.hold()
        ApiKey.update(note="being changed").where(ApiKey.workspace == ada.workspace).execute()
        KeySecret.update(form_id=None).execute()
        assert at_once(3, lambda _: code(text)) == ["good"] * 3


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_that_the_server_dropped_is_opened_anew(database_url: str, ada: Person, make_key: MakeKey) -> None:
    _, text = make_key(ada)
    ((here,),) = db.execute_sql("SELECT pg_backend_pid()")
    with psycopg.connect(database_url) as another:
        another.execute("SELECT pg_terminate_backend(%s, 5000)", (here,))
    assert code(text) == "good"
