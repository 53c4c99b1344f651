"""The tripwire: any use of a dead secret is an incident of its key and place, and the rest of the key lives on."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from jobs import send_mail
from models import ApiKey, Incident, KeyNetwork, database, usage_fold
from models.database import now
from models.incident import MOST
from models.usage import NETWORKS
from tests.support.cast import Person
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import all_hidden, found, words
from tests.support.mailbox import Mailbox
from tests.support.usage import dead_use, used

Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]
Browse = Callable[[Person], Browser]


def incidents(key: ApiKey) -> list[Incident]:
    usage_fold.fold()
    return Incident.open_of(key)


def hint(secret: str) -> str:
    return f"gr_{secret[3:7]}…{secret[-2:]}"


def section(browser: Browser, key: ApiKey, person: Person) -> str:
    """The card about dead secrets, as it is written."""
    return found(r'<section[^>]*id="incidents"(.*?)</section>', browser.get(person.settings(f"api-keys/{key.id}")).text)


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
    seen = {(each.address, each.client): each for each in incidents(key)}
    assert set(seen) == {("192.0.2.7", "cron/1"), ("192.0.2.7", "other/2")}
    of_cron = seen["192.0.2.7", "cron/1"]
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


def test_uses_that_are_counted_late_leave_the_last_one_as_it_is(ada: Person, make_key: MakeKey) -> None:
    """The journals of two workers, or of two machines, are read one after the other."""
    key, _ = make_key(ada)
    key.rotate(by=ada.actor)
    noon = now().replace(microsecond=0)
    for minutes, request in ((0, "GET /b"), (-5, "POST /api/v2/key/rotate"), (5, "GET /c"), (-9, "GET /a")):
        with database.at(noon + timedelta(minutes=minutes)):
            dead_use(key, request=request)
    [found] = Incident.open_of(key)
    assert (found.count, found.request, found.wanted_rotation) == (12, "GET /c", True)
    assert (found.first_at, found.last_at) == (noon - timedelta(minutes=9), noon + timedelta(minutes=5))


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
    asked = all_hidden(browse(ada).get(ada.settings(f"api-keys/{key.id}")))
    assert browse(bob).post(address, asked).status_code == 403
    assert "Marked as looked into" in words(browse(ada).post(address, asked, follow_redirects=True))
    assert "Dead secrets in use" not in page(browse(ada), key, ada)
    assert "Ada Byron looked into the use of dead secrets" in page(browse(ada), key, ada)
    call(old).get(ada.api())
    assert len(incidents(key)) == 1


def test_what_came_after_the_page_was_read_stays_open(
    ada: Person, call: Call, make_key: MakeKey, browse: Browse
) -> None:
    key, old = make_key(ada)
    key.rotate(by=ada.actor)
    call(old).get(ada.api(), headers={"User-Agent": "cron/1"})
    usage_fold.fold()
    asked = all_hidden(browse(ada).get(ada.settings(f"api-keys/{key.id}")))
    call(old).get(ada.api(), headers={"User-Agent": "thief/1"})
    usage_fold.fold()
    browse(ada).post(ada.settings(f"api-keys/{key.id}/resolve-incidents"), asked)
    assert [each.client for each in Incident.open_of(key)] == ["thief/1"]


def test_incidents_of_another_key_are_not_closed(ada: Person, call: Call, make_key: MakeKey, browse: Browse) -> None:
    key, old = make_key(ada)
    other, _ = make_key(ada)
    key.rotate(by=ada.actor)
    call(old).get(ada.api())
    [mine] = incidents(key)
    browse(ada).post(ada.settings(f"api-keys/{other.id}/resolve-incidents"), {"incident": mine.id})
    assert incidents(key) == [mine]


# What tells a forgotten deployment from a thief


def test_the_page_says_which_secret_it_is_and_how_it_ended(
    ada: Person, call: Call, make_key: MakeKey, browse: Browse
) -> None:
    key, first = make_key(ada)
    with time_machine.travel("2026-03-02T08:15:00Z", tick=False):
        second = key.rotate(by=ada.actor, overlap="24h").reveal()
    with time_machine.travel("2026-03-02T09:30:00Z", tick=False):
        key.finish_rotation(by=ada.actor)
        third = key.rotate(by=ada.actor, overlap="1h").reveal()
    with time_machine.travel("2026-03-04T00:00:00Z"):
        for secret in (first, second):
            call(secret).get(ada.api(), headers={"User-Agent": secret[:7]})
        usage_fold.fold()
        shown = page(browse(ada), key, ada)
    day = "Mar 2, 2026"
    assert f"With {hint(first)}, replaced on {day}, 08:15 UTC, stopped on {day}, 09:30 UTC." in shown
    assert f"With {hint(second)}, replaced on {day}, 09:30 UTC, overlap over on {day}, 10:30 UTC." in shown
    with time_machine.travel("2026-03-04T01:00:00Z"):
        key.revoke(by=ada.actor)
        call(third).get(ada.api(), headers={"User-Agent": "late/1"})
        usage_fold.fold()
        shown = page(browse(ada), key, ada)
    assert f"With {hint(third)}, revoked with the key on Mar 4, 2026, 01:00 UTC." in shown
    assert "there is nothing left to revoke" in shown


def test_the_page_says_whether_the_key_was_used_from_there_before(
    ada: Person, make_key: MakeKey, browse: Browse
) -> None:
    key, old = make_key(ada)
    with time_machine.travel("2026-10-05T06:00:00Z", tick=False):
        used(old, address="10.0.3.4", client="cron/1")
    new = key.rotate(by=ada.actor, overlap="1h").reveal()
    with time_machine.travel("2026-10-06T07:00:00Z", tick=False):
        used(new, address="10.0.3.4", client="cron/1")
        used(old, address="10.0.3.4", client="cron/1", at=now() - timedelta(hours=2))
    dead_use(key, address="10.0.3.4", client="cron/1")
    dead_use(key, address="10.0.3.9", client="curl/8")
    dead_use(key, address="203.0.113.9", client="cron/1")
    dead_use(key, address="*", client="*")
    shown = re.findall(r"<li>(.*?)</li>", section(browse(ada), key, ada), re.DOTALL)
    of = dict(zip(("*", "203", "curl", "cron"), shown, strict=True))
    assert "Known client" in of["cron"] and "with a working secret, last on Oct 6, 2026, 07:00 UTC." in of["cron"]
    assert "Known network" in of["curl"] and "another client or address in 10.0.3.0/24, first on" in of["curl"]
    assert "New network" in of["203"] and "The key was never let in from 203.0.113.0/24." in of["203"]
    assert "Many other places" in of["*"] and "network" not in of["*"]


def test_of_a_key_that_is_used_from_everywhere_nothing_is_called_new(
    ada: Person, make_key: MakeKey, browse: Browse
) -> None:
    key, _ = make_key(ada)
    KeyNetwork.insert_many(
        {"key_id": key.id, "network": f"10.0.{number}.0/24", "first_at": now()} for number in range(NETWORKS)
    ).execute()
    key.rotate(by=ada.actor)
    dead_use(key, address="203.0.113.9")
    assert "etwork" not in section(browse(ada), key, ada)


def test_the_mail_says_so_too_and_offers_to_revoke_what_works(
    mailbox: Mailbox, ada: Person, make_key: MakeKey, call: Call
) -> None:
    key, old = make_key(ada, name="Nightly")
    fresh = key.rotate(by=ada.actor).reveal()
    send_mail.run()
    mailbox.arrived.clear()
    call(old).get(ada.api())
    usage_fold.fold()
    send_mail.run()
    [mail] = mailbox.arrived
    assert f"Nightly  ({hint(fresh)})" in mail.text
    assert f"{hint(old)}, replaced on" in " ".join(mail.text.split())
    assert "The key was never let in from 192.0.2.0/24." in " ".join(mail.text.split())
    assert "/revoke" in mail.text and "The key itself works on." in " ".join(mail.text.split())
    key.revoke(by=ada.actor)
    call(fresh).get(ada.api(), headers={"User-Agent": "cron/1"})
    mailbox.arrived.clear()
    usage_fold.fold()
    send_mail.run()
    [mail] = mailbox.arrived
    assert "cron/1" in mail.text and "/revoke" not in mail.text and "works on" not in mail.text
