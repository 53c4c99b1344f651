"""Keys that are put aside: refused in their place of the order, and woken by people alone."""

from collections.abc import Callable
from typing import Any

import pytest

from models import ApiKey
from models.database import now
from tests.support.cast import Person, make_admin_key
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import code, fresh, let_password_age_after_sign_in, words
from tests.support.keys import actions
from tests.support.policies import rule
from tests.support.strangers import FORM

Browse = Callable[[Person], Browser]
Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]


def verb(person: Person, key: ApiKey, name: str) -> str:
    return person.settings(f"api-keys/{key.id}/{name}")


def test_a_key_is_put_aside_refused_with_where_to_wake_it_and_woken(
    ada: Person, browse: Browse, call: Call, make_key: MakeKey
) -> None:
    key, text = make_key(ada)
    assert call(text).get(ada.api()).status_code == 200
    assert "Its next request will fail with 403" in words(browse(ada).get(verb(ada, key, "quarantine")))
    assert fresh(key).quarantined_at is None, "a GET does nothing"
    assert browse(ada).post(verb(ada, key, "quarantine")).status_code == 303
    answer = call(text).get(ada.api())
    assert (answer.status_code, code(answer)) == (403, "key_quarantined")
    body: Any = answer.json
    assert body["wake_url"] == f"http://localhost{verb(ada, key, 'wake')}" and body["key_id"] == key.id
    assert "WWW-Authenticate" not in answer.headers
    assert call(text).get("/api/v2/key").status_code == 403
    page = words(browse(ada).get(ada.settings(f"api-keys/{key.id}")))
    assert "In quarantine since" in page and "Quarantined" in page and "will be revoked" not in page
    path = body["wake_url"].removeprefix("http://localhost")
    assert "Wake" in browse(ada).get(path).text and fresh(key).quarantined_at is not None
    assert browse(ada).post(path).status_code == 303
    assert call(text).get(ada.api()).status_code == 200
    assert actions(key) == ["api_key.created", "api_key.quarantined", "api_key.woken"]
    page = words(browse(ada).get(ada.settings(f"api-keys/{key.id}")))
    assert "put the key in quarantine" in page and "woke the key" in page


def test_the_order_of_refusals(ada: Person, mallory: Person, call: Call, make_key: MakeKey) -> None:
    key, text = make_key(ada, networks=("203.0.113.0/24",))
    key.quarantine(by=ada.actor)
    asked = call(text)
    assert code(asked.get(ada.api())) == "ip_not_allowed", "the allowlist comes first"
    assert asked.get(mallory.api()).status_code == 404, "and the workspace before it"
    fresh(key).disable(by=ada.actor)
    assert code(asked.get(ada.api())) == "disabled_key"
    open_one, text = make_key(ada, scopes={"read:data"})
    open_one.quarantine(by=ada.actor)
    assert code(call(text).get(ada.api())) == "key_quarantined", "before the scope"


def test_a_refusal_spends_nothing_and_is_listed(ada: Person, browse: Browse, call: Call, make_key: MakeKey) -> None:
    key, text = make_key(ada)
    before = call(text).get(ada.api()).headers["RateLimit"]
    fresh(key).quarantine(by=ada.actor)
    call(text).get(ada.api())
    fresh(key).wake(by=ada.actor)
    after = call(text).get(ada.api()).headers["RateLimit"]
    assert int(before.partition("r=")[2].partition(";")[0]) - int(after.partition("r=")[2].partition(";")[0]) == 1
    assert "The key was in quarantine" in words(browse(ada).get(ada.settings(f"api-keys/{key.id}")))


def test_the_api_tells_the_state_and_a_key_wakes_nothing(ada: Person, call: Call, make_key: MakeKey) -> None:
    _, boss = make_admin_key(ada)
    key, _ = make_key(ada)
    key.quarantine(by=ada.actor)
    told: Any = call(boss).get(ada.api(f"api-keys/{key.id}")).json
    assert told["status"] == "quarantined"
    assert call(boss).post(verb(ada, key, "wake")).status_code in (302, 400)
    assert fresh(key).quarantined_at is not None


@pytest.mark.parametrize("name", ["quarantine", "wake", "keep"])
def test_members_and_strangers_do_none_of_it(
    ada: Person, bob: Person, mallory: Person, browse: Browse, make_key: MakeKey, name: str
) -> None:
    key, _ = make_key(ada)
    if name == "wake":
        key.quarantine(by=ada.actor)
    before = fresh(key).version
    for person, status in ((bob, 403), (mallory, 404)):
        assert browse(person).get(verb(ada, key, name)).status_code == status
        assert browse(person).post(verb(ada, key, name), FORM).status_code == status
    assert fresh(key).version == before


@pytest.mark.parametrize("name", ["quarantine", "wake"])
def test_both_ask_for_the_password(ada: Person, browse: Browse, make_key: MakeKey, name: str) -> None:
    key, _ = make_key(ada)
    if name == "wake":
        key.quarantine(by=ada.actor)
    let_password_age_after_sign_in(ada, browse)
    assert browse(ada).post(verb(ada, key, name)).status_code == 403
    assert browse(ada).post(verb(ada, key, name), {"password_again": ada.password}).status_code == 303
    assert (fresh(key).quarantined_at is not None) == (name == "quarantine")


def test_an_ended_key_is_neither_put_aside_nor_woken(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    key.revoke(by=ada.actor)
    for name in ("quarantine", "wake", "keep"):
        assert browse(ada).post(verb(ada, key, name), FORM).status_code == 409


def test_a_key_is_kept_for_a_reason_and_no_longer(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    rule(ada, staged_cleanup=True)
    key, _ = make_key(ada)
    empty = browse(ada).post(verb(ada, key, "keep"), {"reason": "  "})
    assert empty.status_code == 422 and "Say why the key is kept" in empty.text
    assert browse(ada).post(verb(ada, key, "keep"), {"reason": "For <b>emergencies</b>"}).status_code == 303
    page = browse(ada).get(ada.settings(f"api-keys/{key.id}"))
    assert "Spared: For &lt;b&gt;emergencies" in page.text and "spared the key from the clean-up" in words(page)
    assert browse(ada).post(verb(ada, key, "keep"), {"reason": "x", "end": "1"}).status_code == 303
    assert fresh(key).exempt_reason is None and fresh(key).woken_at >= now() - (now() - key.created_at)
    assert actions(key)[1:] == ["api_key.exempted", "api_key.exemption_ended"]
