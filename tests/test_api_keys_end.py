"""Revoking a key, and deleting one that has ended."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from models import ApiKey, AuditEvent, usage_fold
from models.database import now
from tests.support.cast import Person
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import all_hidden, code, create, fresh, let_password_age, ticked, value, words

Browse = Callable[[Person], Browser]
MakeKey = Callable[..., tuple[ApiKey, str]]
Call = Callable[..., ApiClient]


def revoke(browser: Browser, key: ApiKey, person: Person, **fields: Any) -> TestResponse:
    form = {"reason": "unneeded", "note": "", "confirm": key.name} | fields
    return browser.post(person.settings(f"api-keys/{key.id}/revoke"), form)


def test_the_next_request_of_a_revoked_key_fails(ada: Person, browse: Browse, call: Call, make_key: MakeKey) -> None:
    key, secret = make_key(ada, name="CI")
    answer = revoke(browse(ada), key, ada)
    assert answer.status_code == 303
    assert "CI is revoked." in browse(ada).get(answer.headers["Location"]).text
    refused = call(secret).get(ada.api("members"))
    assert (refused.status_code, code(refused)) == (401, "revoked_key")


def test_the_dialog_says_when_the_key_was_last_used_and_what_happens(
    ada: Person, browse: Browse, call: Call, make_key: MakeKey
) -> None:
    key, secret = make_key(ada, name="CI")
    path = ada.settings(f"api-keys/{key.id}/revoke")
    assert "It has never been used. Its next request will fail with 401" in words(browse(ada).get(path))
    call(secret).get(ada.api("members"))
    usage_fold.fold()
    told = words(browse(ada).get(path))
    assert "It was last used just now from 192.0.2.7. Its next request will fail with 401" in told


@pytest.mark.parametrize("typed", ["", "ci", "CI x", "C I", "\0", "x" * 10_000])
def test_another_name_revokes_nothing(ada: Person, browse: Browse, make_key: MakeKey, typed: str) -> None:
    key, _ = make_key(ada, name="CI")
    answer = revoke(browse(ada), key, ada, confirm=typed, reason="leaked", note="In a log")
    assert answer.status_code == 422
    assert "Type the name exactly as it is shown." in words(answer)
    assert 'value="leaked" selected' in answer.text or 'selected value="leaked"' in answer.text
    assert value(answer, "note") == "In a log"
    assert fresh(key).revoked_at is None


@pytest.mark.parametrize(
    ("name", "typed"),
    [("Ciné", "Cine\u0301"), ("two  blanks", "two blanks"), ("<img src=x>", "<img src=x>"), ("🔑", " 🔑 ")],
)
def test_a_name_may_be_typed_as_one_sees_it(
    ada: Person, browse: Browse, make_key: MakeKey, name: str, typed: str
) -> None:
    key, _ = make_key(ada, name=name)
    assert revoke(browse(ada), key, ada, confirm=typed).status_code == 303


def test_the_page_and_the_history_say_who_when_and_why(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada, name="CI")
    answer = revoke(browse(ada), key, ada, reason="leaked", note="Seen in a <b>log</b>")
    told = words(browse(ada).get(answer.headers["Location"]))
    assert "Revoked by Ada Byron" in told
    assert "Reason: Exposed or compromised. “Seen in a <b>log</b>”." in told
    assert "Ada Byron revoked the key" in told


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"reason": "because"}, "Choose a reason."),
        ({"reason": ""}, "Choose a reason."),
        ({"note": "x" * 201}, "Use at most 200 characters."),
        ({"note": "a\0b"}, "Use plain text on one line"),
    ],
)
def test_a_mistake_revokes_nothing(
    ada: Person, browse: Browse, make_key: MakeKey, fields: dict[str, Any], said: str
) -> None:
    key, _ = make_key(ada)
    answer = revoke(browse(ada), key, ada, **fields)
    assert answer.status_code == 422
    assert said in words(answer)
    assert fresh(key).revoked_at is None


def test_revoking_twice_is_revoking_once(ada: Person, olga: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    assert revoke(browse(ada), key, ada).status_code == 303
    assert revoke(browse(olga), key, olga, reason="leaked").status_code == 303
    assert (fresh(key).revoked_by, fresh(key).revoke_reason) == ("Ada Byron", "unneeded")


def test_revoking_asks_the_password_after_a_while(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    browse(ada)
    let_password_age(ada)
    asked = revoke(browse(ada), key, ada, reason="leaked")
    assert asked.status_code == 403
    assert fresh(key).revoked_at is None
    form = {**all_hidden(asked), "password_again": ada.password}
    assert browse(ada).post(ada.settings(f"api-keys/{key.id}/revoke"), form).status_code == 303
    assert fresh(key).revoke_reason == "leaked"


def test_the_name_of_a_revoked_key_is_free_again(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada, name="CI")
    revoke(browse(ada), key, ada)
    assert create(browse(ada), ada, name="CI").status_code == 201


def test_a_revoked_key_offers_a_copy_and_to_be_deleted(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada, scopes={"write:data"})
    revoke(browse(ada), key, ada)
    page = browse(ada).get(ada.settings(f"api-keys/{key.id}"))
    assert f"/new?copy={key.id}" in page.text
    assert f"/{key.id}/delete" in page.text
    for verb in ("edit", "rotate", "revoke", "disable", "enable"):
        assert f"/{key.id}/{verb}" not in page.text
    assert ticked(browse(ada).get(ada.settings(f"api-keys/new?copy={key.id}"))) == {"write:data"}


def test_htmx_gets_the_question_as_a_dialog_and_the_page_after_it(
    ada: Person, browse: Browse, make_key: MakeKey
) -> None:
    key, _ = make_key(ada, name="CI")
    path = ada.settings(f"api-keys/{key.id}/revoke")
    question = browse(ada).htmx_get(path)
    assert question.headers["HX-Retarget"] == "#dlg"
    assert "data-alert" in question.text
    wrong = browse(ada).htmx_post(path, {"reason": "unneeded", "confirm": "x"})
    assert (wrong.status_code, wrong.headers["HX-Retarget"]) == (422, "#dlg")
    done = browse(ada).htmx_post(path, {"reason": "unneeded", "confirm": "CI"}, follow_redirects=True)
    assert done.headers["HX-Retarget"] == "#main"
    assert "CI is revoked." in done.text


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_a_key_that_ended_can_be_deleted(ada: Person, browse: Browse, call: Call, make_key: MakeKey, end: str) -> None:
    key, secret = make_key(ada, name="CI")
    if end == "revoked":
        key.revoke(by=ada.actor)
    else:
        ApiKey.update(expires_at=now() - timedelta(days=1)).where(ApiKey.id == key.id).execute()
    browser, path = browse(ada), ada.settings(f"api-keys/{key.id}/delete")
    assert "Delete CI?" in browser.get(path).text
    answer = browser.post(path)
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("/settings/api-keys")
    page = browser.get(answer.headers["Location"])
    assert "CI is deleted." in page.text
    assert key.id not in page.text
    assert call(secret).get(ada.api("members")).status_code == 401


def test_old_links_to_a_deleted_key_lead_to_the_list(
    ada: Person, mallory: Person, browse: Browse, call: Call, make_key: MakeKey
) -> None:
    key, _ = make_key(ada, name="CI", scopes={"read:data"})
    _, other = make_key(ada)
    key.revoke(by=ada.actor)
    key.delete(by=ada.actor)
    browser, listed = browse(ada), ada.settings("api-keys")
    for rest in ("", "?request=req_x", "/edit", "/revoke", "/rotate", "/wake"):
        answer = browser.get(ada.settings(f"api-keys/{key.id}{rest}"))
        assert (answer.status_code, answer.headers.get("Location")) == (303, listed), rest
        assert re.search(r"CI was deleted on \w+ \d+ by Ada Byron\. ", words(browser.get(listed))), rest
    assert browser.post(ada.settings(f"api-keys/{key.id}/revoke"), {"reason": "unneeded"}).status_code == 303
    assert "by Ada Byron. Nothing was changed." in words(browser.get(listed))
    copying = browser.get(ada.settings(f"api-keys/new?copy={key.id}"))
    assert (copying.status_code, ticked(copying)) == (200, {"read:data"})
    assert call(other).get(ada.api(f"api-keys/{key.id}")).status_code in (403, 404)
    assert browser.get(ada.settings("api-keys/key_unknown")).status_code == 404
    rival = browse(mallory)
    for path in (ada.settings(f"api-keys/{key.id}"), mallory.settings(f"api-keys/{key.id}")):
        assert rival.get(path).status_code == 404


def test_a_live_key_cannot_be_deleted(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    for answer in (
        browse(ada).get(ada.settings(f"api-keys/{key.id}/delete")),
        browse(ada).post(ada.settings(f"api-keys/{key.id}/delete")),
    ):
        assert answer.status_code == 409
        assert "Only a revoked or expired key can be deleted. Revoke it first." in words(answer)
    assert fresh(key).deleted_at is None


def test_the_history_of_a_deleted_key_stays(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    key.revoke(by=ada.actor)
    browse(ada).post(ada.settings(f"api-keys/{key.id}/delete"))
    actions = [event.action for event in AuditEvent.about(ada.workspace.id, key.id)]
    assert actions == ["api_key.deleted", "api_key.revoked", "api_key.created"]


def test_deleting_asks_the_password_after_a_while(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    key.revoke(by=ada.actor)
    browse(ada)
    let_password_age(ada)
    path = ada.settings(f"api-keys/{key.id}/delete")
    assert browse(ada).post(path).status_code == 403
    assert fresh(key).deleted_at is None
    assert browse(ada).post(path, {"password_again": ada.password}).status_code == 303
