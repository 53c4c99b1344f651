"""What a plan limits when a key is created."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from models import ApiKey
from models.database import now
from tests.support.cast import Person
from tests.support.clients import Browser
from tests.support.key_pages import create, filled, found, keys_of, live_in, put_on_plan, value, words

Browse = Callable[[Person], Browser]
MakeKey = Callable[..., tuple[ApiKey, str]]


def test_the_free_plan_is_said_in_the_form(ada: Person, browse: Browse) -> None:
    put_on_plan(ada, "free")
    told = words(browse(ada).get(ada.settings("api-keys/new")))
    assert "Keys on the Free plan live at most 90 days." in told
    assert "Not included in the Free plan." in told
    assert "does not include IP allowlists" in told


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"expires": "none"}, 403, "Keys on the Free plan live at most 90 days. Choose an earlier date"),
        ({"scopes": ["admin:workspace"]}, 403, "The Free plan does not include keys with admin:workspace. Untick it"),
        ({"networks": "10.0.0.1"}, 403, "The Free plan does not include IP allowlists. Leave the list empty"),
    ],
)
def test_what_the_free_plan_lacks_is_refused_with_what_to_do(
    ada: Person, browse: Browse, fields: dict[str, Any], status: int, said: str
) -> None:
    put_on_plan(ada, "free")
    answer = create(browse(ada), ada, **fields)
    assert answer.status_code == status
    assert said in words(answer)
    assert keys_of(ada) == []


def test_the_last_day_of_the_free_plan_can_be_chosen_and_the_next_cannot(ada: Person, browse: Browse) -> None:
    put_on_plan(ada, "free")
    live_in(ada, "Europe/Berlin")
    last = found(r'max="([^"]*)"', browse(ada).get(ada.settings("api-keys/new")).text)
    day_after = (datetime.fromisoformat(last) + timedelta(days=1)).date().isoformat()
    assert create(browse(ada), ada, expires="custom", expires_on=day_after).status_code == 403
    assert create(browse(ada), ada, expires="custom", expires_on=last).status_code == 201


def test_a_full_plan_says_so_before_one_fills_in_a_form(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    put_on_plan(ada, "free")
    for _ in range(3):
        make_key(ada, expires_at=now() + timedelta(days=9))
    assert "Create API key" in browse(ada).get(ada.settings()).text
    page = browse(ada).get(ada.settings("api-keys/new"))
    assert page.status_code == 200
    assert "All 3 keys of the Free plan are in use" in words(page)
    assert 'name="name"' not in page.text


def test_a_plan_that_filled_up_meanwhile_keeps_what_was_typed(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    put_on_plan(ada, "free")
    form = filled(browse(ada), ada, name="Fourth")
    for _ in range(3):
        make_key(ada, expires_at=now() + timedelta(days=9))
    answer = browse(ada).post(ada.settings("api-keys/new"), form)
    assert answer.status_code == 403
    assert "All 3 keys of the Free plan are in use. Revoke a key that is no longer needed" in words(answer)
    assert value(answer, "name") == "Fourth"
