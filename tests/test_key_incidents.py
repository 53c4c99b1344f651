"""The tripwire: any use of a dead secret is an incident of its key and place, and the rest of the key lives on."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from models import ApiKey, Incident, usage_fold
from models.database import now
from models.incident import MOST
from tests.support.cast import Person
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import words

Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]
Browse = Callable[[Person], Browser]


def incidents(key: ApiKey) -> list[Incident]:
    usage_fold.fold()
    return Incident.open_of(key)


def page(browser: Browser, key: ApiKey, person: Person) -> str:
    return words(browser.get(person.settings(f"api-keys/{key.id}")))


def rotated_out(key: ApiKey, ada: Person) -> None:
    key.rotate(by=ada.actor)


def revoked(key: ApiKey, ada: Person) -> None:
    key.revoke(by=ada.actor)


@pytest.mark.parametrize("end", [rotated_out, revoked])
def test_a_dead_secret_opens_one_incident_for_each_place(
    ada: Person, call: Call, make_key: MakeKey, end: Callable[[ApiKey, Person], None]
) -> None:
    key, old = make_key(ada)
    end(key, ada)
    for _ in range(3):
        assert call(old).get(ada.api(), headers={"User-Agent": "cron/1"}).status_code == 401
    call(old).get("/api/v2/key", headers={"User-Agent": "other/2"})
    found = {(each.address, each.client): each for each in incidents(key)}
    assert set(found) == {("192.0.2.7", "cron/1"), ("192.0.2.7", "other/2")}
    of_cron = found["192.0.2.7", "cron/1"]
    assert (of_cron.count, of_cron.request) == (3, "GET /api/v2/w/<workspace_id>/members")
    assert of_cron.first_at <= of_cron.last_at <= now()
    call(old).get("/api/v2/key", headers={"User-Agent": "cron/1"})
    again = {each.client: each for each in incidents(key)}
    assert (again["cron/1"].count, again["cron/1"].request) == (4, "GET /api/v2/key")
    assert len(again) == 2


def test_an_expired_secret_opens_one_too(ada: Person, call: Call, make_key: MakeKey) -> None:
    key, text = make_key(ada, expires_at=now() + timedelta(hours=1))
    with time_machine.travel(now() + timedelta(hours=2)):
        assert call(text).get(ada.api()).get_json()["code"] == "expired_key"
        assert len(incidents(key)) == 1


@pytest.mark.parametrize("why", ["disabled", "not started", "wrong scope"])
def test_a_refusal_of_a_living_secret_opens_none(ada: Person, call: Call, make_key: MakeKey, why: str) -> None:
    starts = now() + timedelta(days=1) if why == "not started" else None
    key, text = make_key(ada, starts_at=starts)
    if why == "disabled":
        key.disable(by=ada.actor)
    assert call(text).get(ada.api("chats")).status_code in (401, 403)
    assert incidents(key) == []


def test_the_rest_of_the_key_lives_on(ada: Person, call: Call, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    new = key.rotate(by=ada.actor).reveal()
    call(old).get(ada.api())
    assert len(incidents(key)) == 1
    assert call(new).get(ada.api()).status_code == 200


def test_places_of_a_key_are_bounded(ada: Person, call: Call, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    key.revoke(by=ada.actor)
    for number in range(MOST + 10):
        call(old).get("/api/v2/key", headers={"User-Agent": f"client/{number}"})
    found = incidents(key)
    assert len(found) == MOST + 1
    assert {each.count for each in found if each.address == "*"} == {10}
    assert sum(each.count for each in found) == MOST + 10


def test_the_page_shows_it_until_somebody_looked_into_it(
    ada: Person, bob: Person, call: Call, make_key: MakeKey, browse: Browse
) -> None:
    key, old = make_key(ada)
    key.rotate(by=ada.actor)
    assert "Dead secrets in use" not in page(browse(ada), key, ada)
    call(old).get(ada.api(), headers={"User-Agent": "<b>cron</b>"})
    usage_fold.fold()
    shown = page(browse(ada), key, ada)
    assert "Dead secrets in use" in shown and "1 call since" in shown and "<b>cron</b>" in shown
    assert "Gravity Rail refused a dead secret" in shown
    address = ada.settings(f"api-keys/{key.id}/resolve-incidents")
    assert browse(bob).post(address).status_code == 403
    assert "Marked as looked into" in words(browse(ada).post(address, follow_redirects=True))
    assert "Dead secrets in use" not in page(browse(ada), key, ada)
    assert "Ada Byron looked into the use of dead secrets" in page(browse(ada), key, ada)
    call(old).get(ada.api())
    assert len(incidents(key)) == 1
