"""Where a key was called from, and an allowlist of that, put to the test before it is set."""

from collections.abc import Callable
from typing import Any

import pytest

from models import ApiKey, AuditEvent, key_networks, network, usage_sums
from models.database import now
from models.plan import PLANS
from tests.support.cast import Person, make_key
from tests.support.clients import Browser
from tests.support.key_pages import (
    all_hidden,
    edit,
    found,
    fresh,
    let_password_age_after_sign_in,
    put_on_plan,
    words,
)
from tests.support.usage import ago, used

Browse = Callable[[Person], Browser]
TEAM = PLANS["team"]


def at(person: Person, key: ApiKey, verb: str = "") -> str:
    return person.settings(f"api-keys/{key.id}/{verb}".rstrip("/"))


def learned_of(answer: Any) -> str:
    return words(answer).partition(" Networks ")[2].partition(" Refused requests ")[0]


def area(answer: Any) -> list[str]:
    """The lines of the list in the form."""
    return found(r"<textarea[^>]*>\r?\n?(.*?)</textarea>", answer.text).split()


def test_the_page_tells_where_a_key_was_called_from(ada: Person, browse: Browse) -> None:
    key, text = make_key(ada, networks=("192.0.2.0/24", "203.0.113.9/32", "2001:db8::/64"))
    used(text, times=1_200, client="curl/8.5")
    used(text, address="2001:db8::5", at=ago(days=3), client="")
    used(text, address="198.51.100.1", at=ago(days=30))
    used(text, address="198.51.100.7", verdict="r", status=403)
    used(text, address="198.51.100.9", at=ago(days=2))
    said = learned_of(browse(ada).get(at(ada, key)))
    assert "192.0.2.7 curl/8.5 1,200 Today" in said
    assert "2001:db8::/64 1" in said
    assert "198.51.100.9 Not on the allowlist" in said
    assert "198.51.100.1" not in said.replace("198.51.100.9", "") and "198.51.100.7" not in said


def test_a_key_is_restricted_to_what_was_learned(ada: Person, browse: Browse) -> None:
    key, text = make_key(ada, name="Report")
    used(text, times=40)
    used(text, address="2001:db8::5", times=3)
    let_password_age_after_sign_in(ada, browse)
    asked = browse(ada).get(at(ada, key, "restrict"))
    assert area(asked) == ["192.0.2.7", "2001:db8::/64"]
    assert "In the last 30 days this would have refused no calls." in words(asked)
    form = all_hidden(asked) | {"networks": "192.0.2.7\n2001:db8::/64", "save": "1"}
    assert browse(ada).post(at(ada, key, "restrict"), form).status_code == 303
    assert fresh(key).networks == "192.0.2.7/32 2001:db8::/64"
    assert AuditEvent.about(ada.workspace.id, key.id)[0].action == "api_key.edited"
    shown = browse(ada).get(at(ada, key))
    assert "Report works from these addresses only." in shown.text
    assert "Its allowlist fits these networks." in learned_of(shown)


def test_what_the_person_edits_is_simulated_before_it_is_set(ada: Person, browse: Browse) -> None:
    key, text = make_key(ada)
    used(text, times=40)
    used(text, address="198.51.100.9", times=3, at=ago(days=20))
    path = at(ada, key, "restrict")
    asked = browse(ada).get(path)
    checked = browse(ada).post(path, all_hidden(asked) | {"networks": "192.0.2.0/24", "check": "1"})
    assert checked.status_code == 200
    assert "In the last 30 days this would have refused 3 calls." in words(checked)
    assert "GET /members 3 calls from 1 address" in words(checked)
    assert "Restrict anyway" in words(checked) and area(checked) == ["192.0.2.0/24"]
    # What was not looked at is shown first, whichever button is pressed.
    other = browse(ada).post(path, all_hidden(checked) | {"networks": "198.51.100.9", "save": "1"})
    assert other.status_code == 200 and "refused 40 calls." in words(other)
    assert fresh(key).version == 1
    done = browse(ada).post(path, all_hidden(other) | {"networks": "198.51.100.9", "save": "1"})
    assert done.status_code == 303
    assert fresh(key).networks == "198.51.100.9/32"


def test_a_network_that_appears_after_the_look_is_told_of_first(ada: Person, browse: Browse) -> None:
    key, text = make_key(ada)
    used(text, times=40)
    path = at(ada, key, "restrict")
    asked = browse(ada).get(path)
    assert "would have refused no calls." in words(asked)
    used(text, address="2001:db8::5", times=3)
    told = browse(ada).post(path, all_hidden(asked) | {"networks": "192.0.2.7", "save": "1"})
    assert told.status_code == 200 and "refused 3 calls." in words(told) and fresh(key).version == 1
    # More calls of the same are no news, another network is.
    used(text, address="2001:db8::6", times=3)
    used(text, address="198.51.100.9")
    again = browse(ada).post(path, all_hidden(told) | {"networks": "192.0.2.7", "save": "1"})
    assert again.status_code == 200 and "refused 7 calls." in words(again) and fresh(key).version == 1
    used(text, address="198.51.100.9")
    done = browse(ada).post(path, all_hidden(again) | {"networks": "192.0.2.7", "save": "1"})
    assert done.status_code == 303 and fresh(key).networks == "192.0.2.7/32"


@pytest.mark.parametrize(
    ("networks", "said"), [("", "Enter at least one address"), ("300.1.1.1", "is not an IP address or network")]
)
def test_a_mistake_in_the_list_is_told_at_the_list(ada: Person, browse: Browse, networks: str, said: str) -> None:
    key, _ = make_key(ada)
    for step in ("check", "save"):
        answer = browse(ada).post(at(ada, key, "restrict"), {"version": "1", "networks": networks, step: "1"})
        assert answer.status_code == 422 and said in words(answer)
    assert fresh(key).version == 1


def test_a_plan_without_allowlists_says_so(ada: Person, browse: Browse) -> None:
    key, text = make_key(ada)
    used(text)
    used(text, address="198.51.100.1", at=ago(days=9))
    put_on_plan(ada, "free")
    said = learned_of(browse(ada).get(at(ada, key)))
    assert "The Free plan does not include IP allowlists." in said and "Restrict" not in said
    assert "Last 7 days" in said and "198.51.100.1" not in said
    answer = browse(ada).post(at(ada, key, "restrict"), {"version": "1", "networks": "192.0.2.7", "save": "1"})
    assert answer.status_code == 403 and "does not include IP allowlists" in words(answer)
    assert fresh(key).networks == ""


def test_to_let_in_more_than_before_asks_the_password(ada: Person, browse: Browse) -> None:
    key, text = make_key(ada, networks=("192.0.2.0/24",))
    used(text)
    let_password_age_after_sign_in(ada, browse)
    form = {"version": "1", "networks": "192.0.2.7 198.51.100.1", "save": "1"}
    asked = browse(ada).post(at(ada, key, "restrict"), form)
    assert asked.status_code == 403 and "Confirm your password" in words(asked)
    again = all_hidden(asked) | {"password_again": ada.password}
    assert browse(ada).post(at(ada, key, "restrict"), again).status_code == 303
    assert AuditEvent.about(ada.workspace.id, key.id)[0].action == "api_key.widened"


def test_somebody_elses_change_is_told_before_it_is_replaced(ada: Person, olga: Person, browse: Browse) -> None:
    key, text = make_key(ada)
    used(text)
    path = at(ada, key, "restrict")
    form = all_hidden(browse(ada).get(path)) | {"networks": "192.0.2.7", "save": "1"}
    edit(browse(olga), key, olga, note="Hers")
    told = browse(ada).post(path, form)
    assert told.status_code == 409 and "Olga Ladyzhenskaya changed this key" in words(told)
    again = browse(ada).post(path, all_hidden(told) | {"networks": "192.0.2.7", "save": "1"})
    assert again.status_code == 303


def test_a_proposal_stays_within_the_list_of_today(ada: Person) -> None:
    key, text = make_key(ada, networks=("192.0.2.0/28", "2001:db8::1/128"))
    for address in ("192.0.2.7", "192.0.2.99", "2001:db8::1", "198.51.100.1"):
        used(text, address=address)
    found = key_networks.learned(key, TEAM, now())
    assert key_networks.proposal(key, found) == ("192.0.2.7/32", "2001:db8::1/128")


MINIMAL: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "addresses": (["192.0.2.9", "192.0.2.8"], ("192.0.2.8/32", "192.0.2.9/32")),
    "eight of a /24": ([f"192.0.2.{n}" for n in range(8)], tuple(f"192.0.2.{n}/32" for n in range(8))),
    "nine of a /24": ([f"192.0.2.{n}" for n in range(9)], ("192.0.2.0/24",)),
    "IPv6": (["2001:db8::/64", "192.0.2.1"], ("192.0.2.1/32", "2001:db8::/64")),
    "one inside of another": (["192.0.2.0/24", "192.0.2.1", "2001:db8::/48", "2001:db8:0:5::/64"],
                              ("192.0.2.0/24", "2001:db8::/48")),
    "what is no network": (["*", "", "192.0.2.1"], ("192.0.2.1/32",)),
    "too many addresses": ([f"10.0.{n}.{k}" for n in range(60) for k in range(2)],
                           tuple(f"10.0.{n}.0/24" for n in range(60))),
    "nine of IPv6": ([f"2001:db8:{n}::/64" for n in range(1, 10)], tuple(f"2001:db8:{n}::/64" for n in range(1, 10))),
    "as many as there may be": ([f"10.{n}.0.1" for n in range(100)], tuple(f"10.{n}.0.1/32" for n in range(100))),
    "too many networks": ([f"10.{n}.0.1" for n in range(150)], ()),
}  # fmt: skip


@pytest.mark.parametrize(("counted", "proposed"), MINIMAL.values(), ids=MINIMAL)
def test_the_least_list_that_lets_in_what_called(counted: list[str], proposed: tuple[str, ...]) -> None:
    assert key_networks.minimal(counted) == proposed
    if proposed:
        assert tuple(network.parse_list(" ".join(proposed))) == proposed


def test_networks_that_were_not_kept_apart_are_said_to_be_so(
    ada: Person, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_sums, "ROUTES", 1)
    monkeypatch.setattr(usage_sums, "WIDE_ROUTES", 1)
    key, text = make_key(ada)
    used(text, times=9)
    used(text, address="198.51.100.9", times=5)
    said = learned_of(browse(ada).get(at(ada, key)))
    assert said.index("192.0.2.7") < said.index("Other networks 5 Today")
    asked = browse(ada).get(at(ada, key, "restrict"))
    assert area(asked) == ["192.0.2.7"] and "refused up to 5 calls." in words(asked)


def test_only_the_first_networks_are_listed_until_all_are_asked_for(ada: Person, browse: Browse) -> None:
    key, text = make_key(ada)
    for number in range(12):
        used(text, address=f"198.51.{number}.1", times=12 - number)
    said = learned_of(browse(ada).get(at(ada, key)))
    assert "198.51.7.1" in said and "198.51.8.1" not in said and "Show all 12" in said
    assert "198.51.11.1" in learned_of(browse(ada).get(at(ada, key) + "?networks=all"))
