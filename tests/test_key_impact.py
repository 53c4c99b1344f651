"""What would break, told before a key is revoked, disabled or given less."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from models import ApiKey, usage_sums
from models.database import now
from tests.support.cast import Person, make_key
from tests.support.clients import Browser
from tests.support.key_pages import all_hidden, edit, fresh, hidden, let_password_age_after_sign_in, ticked, words
from tests.support.keys import actions
from tests.support.usage import ago, used

Browse = Callable[[Person], Browser]

DATA = "GET /api/v2/w/<workspace_id>/data/<collection>/records"


@pytest.fixture
def busy(ada: Person) -> ApiKey:
    key, text = make_key(ada, name="Busy", scopes={"read:members", "read:data"}, expires_at=now() + timedelta(days=60))
    used(text, times=1_200)
    used(text, times=40, address="198.51.100.9", at=ago(days=3))
    used(text, times=1, scope="read:data", request=DATA)
    return key


def at(person: Person, key: ApiKey, verb: str = "") -> str:
    return person.settings(f"api-keys/{key.id}/{verb}".rstrip("/"))


def test_to_revoke_tells_which_calls_would_break(ada: Person, browse: Browse, busy: ApiKey) -> None:
    asked = words(browse(ada).get(at(ada, busy, "revoke")))
    assert "In the last 7 days this would have refused 1,241 calls." in asked
    assert "GET /members 1,240 calls from 2 addresses" in asked
    assert "GET /data/{collection}/records 1 call from 1 address" in asked
    assert asked.index("GET /members") < asked.index("GET /data")
    wrong = browse(ada).post(at(ada, busy, "revoke"), {"reason": "leaked", "confirm": "Bsy"})
    assert wrong.status_code == 422 and "1,241 calls" in words(wrong)


def test_only_the_worst_routes_are_named(ada: Person, browse: Browse) -> None:
    key, text = make_key(ada)
    for number in range(7):
        used(text, request=f"GET /api/v2/w/<workspace_id>/route{number}", times=number + 1)
    asked = words(browse(ada).get(at(ada, key, "revoke")))
    assert "/route6" in asked and "/route2" in asked and "/route1" not in asked
    assert "And 2 more routes." in asked


def test_an_unused_key_breaks_nothing(ada: Person, browse: Browse) -> None:
    key, _ = make_key(ada)
    asked = words(browse(ada).get(at(ada, key, "revoke")))
    assert "never been used" in asked and "last 7 days" not in asked
    assert browse(ada).post(at(ada, key, "disable")).status_code == 303
    assert fresh(key).disabled_at


def test_to_disable_a_key_in_use_asks_first(ada: Person, browse: Browse, busy: ApiKey) -> None:
    asked = browse(ada).post(at(ada, busy, "disable"))
    assert asked.status_code == 200
    assert "Disable Busy?" in words(asked) and "would have refused 1,241 calls" in words(asked)
    assert fresh(busy).disabled_at is None
    assert browse(ada).post(at(ada, busy, "disable"), all_hidden(asked)).status_code == 303
    assert fresh(busy).disabled_at
    # It is disabled already: there is nothing to ask.
    assert browse(ada).post(at(ada, busy, "disable")).status_code == 303
    assert actions(busy)[-1] == "api_key.disabled"


BREAKS: dict[str, tuple[dict[str, Any], str]] = {
    "a scope less": ({"scopes": ["read:members"]}, "refused 1 call."),
    "an allowlist": ({"networks": "192.0.2.0/24"}, "refused 40 calls."),
    "an earlier end": ({"expires": "30"}, "on, every call will fail."),
    "a later start": ({"starts_at": "2090-01-01T00:00"}, "every call will fail."),
}


@pytest.mark.parametrize(("fields", "said"), BREAKS.values(), ids=BREAKS)
def test_an_edit_that_would_break_something_is_shown_before_it_is_saved(
    ada: Person, browse: Browse, fields: dict[str, Any], said: str
) -> None:
    end = now() + timedelta(days=60) if "starts_at" not in fields else None
    key, text = make_key(ada, name="Busy", scopes={"read:members", "read:data"}, expires_at=end)
    used(text, times=3)
    used(text, times=40, address="198.51.100.9")
    used(text, scope="read:data", request=DATA)
    if "starts_at" in fields:
        fields = fields | {"starts_at": f"{now().year + 1}-01-01T00:00"}
    asked = edit(browse(ada), key, ada, **fields)
    assert asked.status_code == 200
    assert "This change would break calls" in words(asked) and said in words(asked)
    assert fresh(key).version == 1
    carried = all_hidden(asked)
    back = browse(ada).post(at(ada, key, "edit"), carried | {"back": "1"})
    assert back.status_code == 200 and "Save changes" in words(back)
    assert ticked(back) == set(carried["scopes"])
    assert hidden(back, "version") == "1"
    saved = browse(ada).post(at(ada, key, "edit"), carried | {"anyway": "1"})
    assert saved.status_code == 303
    assert fresh(key).version == 2
    assert actions(key)[-1] == "api_key.edited"


def test_an_edit_that_breaks_nothing_is_saved_at_once(ada: Person, browse: Browse, busy: ApiKey) -> None:
    for fields in ({"name": "Other"}, {"networks": "192.0.2.7, 198.51.100.9"}, {"expires": "90"}):
        assert edit(browse(ada), busy, ada, **fields).status_code == 303, fields


def test_mistakes_and_conflicts_come_before_the_look(ada: Person, olga: Person, browse: Browse, busy: ApiKey) -> None:
    assert edit(browse(ada), busy, ada, scopes=["read:data"], name="").status_code == 422
    edit(browse(olga), busy, olga, note="Hers")
    assert edit(browse(ada), busy, ada, scopes=["read:data"], version="1").status_code == 409


def test_a_change_that_takes_and_gives_asks_for_both(ada: Person, browse: Browse, busy: ApiKey) -> None:
    let_password_age_after_sign_in(ada, browse)
    asked = edit(browse(ada), busy, ada, scopes=["read:data", "write:data"])
    assert "refused 1,240 calls" in words(asked)
    prompt = browse(ada).post(at(ada, busy, "edit"), all_hidden(asked) | {"anyway": "1"})
    assert prompt.status_code == 403
    done = browse(ada).post(at(ada, busy, "edit"), all_hidden(prompt) | {"password_again": ada.password})
    assert done.status_code == 303
    assert fresh(busy).scopes == "read:data write:data"


def test_networks_that_were_not_kept_apart_make_no_false_figure(
    ada: Person, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_sums, "ROUTES", 1)
    monkeypatch.setattr(usage_sums, "WIDE_ROUTES", 2)
    key, text = make_key(ada)
    for number, times in ((1, 10), (2, 20), (3, 30)):
        used(text, address=f"198.51.100.{number}", times=times)
    used(text, address="203.0.113.9", times=5)
    asked = words(edit(browse(ada), key, ada, networks="198.51.100.1"))
    assert "refused up to 55 calls." in asked
    assert "GET /members up to 50 calls" in asked and "other requests up to 5 calls" in asked
    whole = words(browse(ada).get(at(ada, key, "revoke")))
    assert "refused 65 calls." in whole and "GET /members 60 calls from at least 1 address" in whole
    some = words(edit(browse(ada), key, ada, networks="192.0.2.1"))
    assert "refused between 60 and 65 calls." in some


def test_htmx_gets_the_questions_as_dialogs(ada: Person, browse: Browse, busy: ApiKey) -> None:
    assert browse(ada).htmx_post(at(ada, busy, "disable")).headers["HX-Retarget"] == "#dlg"
    form = {"version": "1", "name": "Busy", "scopes": ["read:data"], "expires": "keep"}
    asked = browse(ada).htmx_post(at(ada, busy, "edit"), form)
    assert asked.headers["HX-Retarget"] == "#dlg" and "Save anyway" in asked.text
