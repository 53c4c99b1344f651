"""Who may open the pages of keys, and what a key's own page tells."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from models import ApiKey, AuditEvent, usage_fold
from models.database import now
from models.key_settings import KeySettings
from tests.support.cast import Person
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import fresh, live_in, names, words
from tests.support.usage import used

Browse = Callable[[Person], Browser]
MakeKey = Callable[..., tuple[ApiKey, str]]
Call = Callable[..., ApiClient]


def test_owners_and_admins_see_the_list(ada: Person, olga: Person, browse: Browse, make_key: MakeKey) -> None:
    make_key(ada, name="Nightly report")
    for person in (ada, olga):
        assert names(browse(person).get(person.settings())) == ["Nightly report"]


def test_members_are_told_who_manages_keys(bob: Person, browse: Browse) -> None:
    answer = browse(bob).get(bob.settings())
    assert answer.status_code == 403
    assert "API keys are managed by owners and admins" in words(answer)


def test_strangers_find_nothing(ada: Person, mallory: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    browser = browse(mallory)
    for path in ("api-keys", "api-keys/new", f"api-keys/{key.id}"):
        assert browser.get(ada.settings(path)).status_code == 404
    for path in ("", "/edit", "/rotate", "/revoke", "/delete"):
        assert browser.get(mallory.settings(f"api-keys/{key.id}{path}")).status_code == 404
    for verb in ("edit", "rotate", "revoke", "delete", "disable", "enable"):
        assert browser.post(mallory.settings(f"api-keys/{key.id}/{verb}")).status_code == 404
    assert names(browser.get(mallory.settings())) == []
    assert ApiKey.get_by_id(key.id).version == 1


def test_signed_out_people_are_asked_to_sign_in(ada: Person, client: FlaskClient) -> None:
    answer = client.get(ada.settings())
    assert answer.status_code == 302
    assert "/login" in answer.headers["Location"]


@pytest.mark.parametrize("path", ["api-keys", "api-keys/new", "api-keys/{}", "api-keys/{}/edit", "api-keys/{}/rotate"])
def test_members_open_no_page_of_keys(ada: Person, bob: Person, browse: Browse, make_key: MakeKey, path: str) -> None:
    key, _ = make_key(ada)
    assert browse(bob).get(bob.settings(path.format(key.id))).status_code == 403


@pytest.mark.parametrize("verb", ["new", "{}/edit", "{}/rotate", "{}/revoke", "{}/delete", "{}/disable", "{}/enable"])
def test_members_change_nothing(ada: Person, bob: Person, browse: Browse, make_key: MakeKey, verb: str) -> None:
    key, _ = make_key(ada)
    assert browse(bob).post(bob.settings(f"api-keys/{verb.format(key.id)}")).status_code == 403
    assert ApiKey.get_by_id(key.id).version == 1


def test_a_link_never_changes_a_key(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    for verb in ("disable", "enable"):
        assert browse(ada).get(ada.settings(f"api-keys/{key.id}/{verb}")).status_code == 405
    for verb in ("edit", "rotate", "revoke"):
        browse(ada).get(ada.settings(f"api-keys/{key.id}/{verb}"))
    assert fresh(key).version == 1


@pytest.mark.parametrize("key_id", ["key_unknown", "%00", "..%2f..", "'", "1e99", "x" * 5000, "%ed%a0%80", "%E2%80%AE"])
@pytest.mark.parametrize("verb", ["", "/edit", "/rotate", "/revoke", "/delete"])
def test_an_id_that_names_nothing_finds_nothing(ada: Person, browse: Browse, key_id: str, verb: str) -> None:
    assert browse(ada).get(ada.settings(f"api-keys/{key_id}{verb}")).status_code == 404


def show(browser: Browser, key: ApiKey, person: Person) -> TestResponse:
    answer = browser.get(person.settings(f"api-keys/{key.id}"))
    assert answer.status_code == 200, answer.text
    return answer


def test_the_page_tells_what_a_key_may_do(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    end = now() + timedelta(days=40)
    scopes = {"read:members", "write:data"}
    key, secret = make_key(ada, name="CRM", note="Vault", scopes=scopes, networks=("10.0.0.0/8",), expires_at=end)
    page = show(browse(ada), key, ada)
    for said in ("View member information", "Create and update data", "10.0.0.0/8", "Vault"):
        assert said in words(page)
    assert "in 39 days" in words(page)
    assert secret not in page.text


def test_a_key_that_was_never_used_shows_how_to_use_it(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada, scopes={"read:data"})
    told = words(show(browse(ada), key, ada))
    assert "This key has not been used yet." in told
    assert 'curl http://localhost/api/v2/key \\ -H "Authorization: Bearer $GRAVITY_API_KEY"' in told


def test_the_page_shows_the_last_use(ada: Person, browse: Browse, call: Call, make_key: MakeKey) -> None:
    key, secret = make_key(ada)
    call(secret).get(ada.api("members"), headers={"User-Agent": "<b>sync</b>/2"})
    usage_fold.fold()
    page = show(browse(ada), key, ada)
    for said in ("Just now", "192.0.2.7", "Request GET /members 200", "<b>sync</b>/2", "200"):
        assert said in words(page)
    assert "<b>sync" not in page.text


@pytest.mark.parametrize(
    ("columns", "state", "said"),
    [
        ({"disabled_at": -1}, "Disabled", "Requests with it fail with 401 until someone enables it."),
        ({"expires_at": -1}, "Expired", "Create a copy to go on with the same settings."),
        ({"starts_at": 30}, "Scheduled", "Until then requests with it fail with 401."),
        ({"expires_at": 6}, "Active", "Expires in 5 days"),
        ({"creator": None}, "Active", "Ada Byron is no longer here. The key still works."),
    ],
)
def test_the_page_says_what_is_special_about_a_key(
    ada: Person, browse: Browse, make_key: MakeKey, columns: dict[str, int | None], state: str, said: str
) -> None:
    key, _ = make_key(ada)
    moments = {name: now() + timedelta(days=days) if days else None for name, days in columns.items()}
    ApiKey.update(**moments).where(ApiKey.id == key.id).execute()
    told = words(show(browse(ada), key, ada))
    assert f"{key.name} {state}" in told
    assert said in told


def test_a_last_use_that_a_wrong_clock_noted_is_told_with_its_day(
    ada: Person, make_key: MakeKey, browse: Browse
) -> None:
    key, text = make_key(ada)
    used(text, at=datetime(2090, 5, 17, 12, tzinfo=UTC))
    assert "When May 17, 2090" in words(show(browse(ada), key, ada))
    used(text)
    assert "2090" not in browse(ada).get(ada.settings("api-keys")).text


def test_the_history_tells_each_change(ada: Person, olga: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada, name="CI", scopes={"read:data", "read:chats"})
    old = f"gr_{key.hint_start}…{key.hint_end}"
    changed = KeySettings(name="CI 2", scopes=frozenset({"read:data", "write:data"}), networks=("10.0.0.0/8",))
    key.edit(changed, version=1, by=olga.actor)
    key.rotate(by=ada.actor)
    key.disable(by=ada.actor)
    key.enable(by=ada.actor)
    told = words(show(browse(ada), key, ada))
    for said in (
        "Ada Byron created the key",
        "Olga Ladyzhenskaya gave the key more",
        "Added write:data",
        "Removed read:chats",
        "Name: “CI” → “CI 2”",
        "IP allowlist: any address → 10.0.0.0/8",
        f"The old key, {old}, stopped working at once",
        "Ada Byron disabled the key",
        "Ada Byron enabled the key",
    ):
        assert said in told
    assert told.index("enabled the key") < told.index("disabled the key") < told.index("created the key")


def test_what_a_later_version_recorded_is_told_by_its_name(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    details = {"odd": [1], "worse": {"a": None}}
    AuditEvent.write("api_key.quarantine_ended", key.id, workspace=ada.workspace.id, by=ada.actor, **details)
    AuditEvent.write("strange", key.id, workspace=ada.workspace.id, by=ada.actor)
    told = words(show(browse(ada), key, ada))
    assert "Ada Byron quarantine ended" in told
    assert "Ada Byron strange" in told


@time_machine.travel(datetime(2027, 1, 10, 12, tzinfo=UTC))
def test_times_are_those_of_the_person(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    live_in(ada, "Asia/Tokyo")
    key, _ = make_key(ada, expires_at=datetime(2027, 2, 4, 20, 0, tzinfo=UTC))
    assert "Feb 5, 2027, 05:00 JST" in words(show(browse(ada), key, ada))
