"""The history of a key tells of networks that it was never used from before."""

from collections.abc import Callable
from datetime import timedelta

import time_machine

from models import AuditEvent, usage_fold, usage_sums
from models.database import now
from tests.support.cast import Person, make_admin_key, make_key
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import live_in, words
from tests.support.usage import ago, used

Browse = Callable[[Person], Browser]
Call = Callable[..., ApiClient]


def history(browser: Browser, path: str) -> str:
    return words(browser.get(path)).partition(" History ")[2]


def test_the_first_use_is_an_event_of_its_own(ada: Person, browse: Browse, call: Call) -> None:
    key, text = make_key(ada)
    call(text).get(ada.api(), address="203.0.113.9", headers={"User-Agent": "curl/8.5"})
    usage_fold.fold()
    told = history(browse(ada), ada.settings(f"api-keys/{key.id}"))
    assert "First used, from 203.0.113.0/24" in told
    assert "By 203.0.113.9, curl/8.5 GET /members" in told


def test_a_later_network_is_new_and_a_known_one_is_not(ada: Person, browse: Browse) -> None:
    key, text = make_key(ada)
    used(text, address="203.0.113.9", at=ago(days=9))
    used(text, address="203.0.113.77", at=ago(days=5))
    used(text, address="2001:db8::5", at=ago(days=2), client="")
    used(text, address="2001:db8::5", at=ago(days=1))
    told = history(browse(ada), ada.settings(f"api-keys/{key.id}"))
    assert told.index("New network, 2001:db8::/48") < told.index("First used, from 203.0.113.0/24")
    assert "By 2001:db8::5 GET /members" in told
    assert told.count("New network") == 1


def test_the_new_networks_of_a_day_are_one_entry(ada: Person, browse: Browse) -> None:
    noon = now().replace(hour=12, minute=0) - timedelta(days=2)
    with time_machine.travel(noon - timedelta(hours=1), tick=False):
        key, text = make_key(ada)
    for number in range(8):
        used(text, address=f"198.51.{number}.1", at=noon + timedelta(minutes=number))
    told = history(browse(ada), ada.settings(f"api-keys/{key.id}"))
    assert "First used, from 198.51.0.0/24" in told
    assert "7 new networks 198.51.7.0/24, 198.51.6.0/24, 198.51.5.0/24, 198.51.4.0/24, 198.51.3.0/24 and 2 more" in told


def test_a_day_is_one_of_the_persons_zone(ada: Person, browse: Browse) -> None:
    midnight = now().replace(hour=0, minute=0, second=0) - timedelta(days=2)
    with time_machine.travel(midnight - timedelta(days=1), tick=False):
        key, text = make_key(ada)
    for number, minutes in enumerate((-60, -20, -10, 10, 20)):
        used(text, address=f"198.51.{number}.1", at=midnight + timedelta(minutes=minutes))
    path = ada.settings(f"api-keys/{key.id}")
    assert history(browse(ada), path).count("2 new networks") == 2
    live_in(ada, "Asia/Tokyo")
    assert "4 new networks" in history(browse(ada), path)


def test_a_key_that_is_used_from_everywhere_keeps_its_history(ada: Person, browse: Browse) -> None:
    key, text = make_key(ada)
    key.disable(by=ada.actor)
    key.enable(by=ada.actor)
    for number in range(usage_sums.NETWORKS + 5):
        used(text, address=f"198.{51 + number // 250}.{number % 250}.1")
    told = history(browse(ada), ada.settings(f"api-keys/{key.id}"))
    assert f"{usage_sums.NETWORKS - 1} new networks" in told
    assert "disabled the key" in told and "created the key" in told


def test_the_oldest_that_the_plan_still_shows_is_not_taken_for_the_first(ada: Person, browse: Browse) -> None:
    with time_machine.travel(ago(days=20), tick=False):
        key, text = make_key(ada)
    used(text, address="203.0.113.9", at=ago(days=19))
    used(text, address="198.51.100.9", at=ago(days=2))
    ada.workspace.plan_slug = "free"
    ada.workspace.save()
    told = history(browse(ada), ada.settings(f"api-keys/{key.id}"))
    assert "New network, 198.51.100.0/24" in told and "First used" not in told


def test_that_a_key_expired_is_a_part_of_its_history(ada: Person, browse: Browse) -> None:
    end = ago(days=10)
    with time_machine.travel(ago(days=20), tick=False):
        key, text = make_key(ada, expires_at=end)
        revoked, _ = make_key(ada, expires_at=end)
        revoked.revoke(by=ada.actor)
        used(text)
    told = history(browse(ada), ada.settings(f"api-keys/{key.id}"))
    assert told.index("The key expired") < told.index("First used,")
    assert "The key expired" not in history(browse(ada), ada.settings(f"api-keys/{revoked.id}"))
    with time_machine.travel(now() + timedelta(days=85), tick=False):
        assert "The key expired" not in history(browse(ada).sign_in(ada), ada.settings(f"api-keys/{key.id}"))


def test_the_api_has_the_event(ada: Person, call: Call) -> None:
    key, text = make_key(ada, name="Report")
    used(text, address="203.0.113.9")
    client = call(make_admin_key(ada)[1])
    answer = client.get(ada.api("audit-events"), query_string={"action": "api_key.new_network"})
    (event,) = answer.get_json()["data"]
    assert event["subject"] == key.id and event["address"] == "203.0.113.9"
    assert event["actor"] == {"kind": "key", "name": "Report", "id": key.id}
    assert event["details"]["network"] == "203.0.113.0/24"
    assert AuditEvent.about(ada.workspace.id, key.id)[0].action == "api_key.new_network"


def test_what_a_client_calls_itself_is_text(ada: Person, browse: Browse) -> None:
    key, text = make_key(ada)
    used(text, client="<img src=x>")
    assert "<img" not in browse(ada).get(ada.settings(f"api-keys/{key.id}")).text
