"""The one answer that shows a key, and what happens when its form is sent again."""

import re
from collections.abc import Callable

import pytest

from models import ApiKey, KeySecret
from models.database import random_text
from tests.support.cast import Person
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import create, filled, found, hidden, keys_of, shown_secret, words

Browse = Callable[[Person], Browser]
Call = Callable[..., ApiClient]


def test_a_new_key_is_shown_once_and_works(ada: Person, browse: Browse, call: Call) -> None:
    answer = create(browse(ada), ada, name="Nightly report")
    secret = shown_secret(answer)
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert call(secret).get(ada.api("members")).status_code == 200


def test_the_key_is_in_no_other_answer(ada: Person, browse: Browse) -> None:
    browser = browse(ada)
    secret = shown_secret(create(browser, ada))
    key = keys_of(ada)[0]
    for path in (
        "api-keys",
        "api-keys/new",
        *(f"api-keys/{key.id}{verb}" for verb in ("", "/edit", "/rotate", "/revoke")),
    ):
        assert secret not in browser.get(ada.settings(path)).text
    with browser.client.session_transaction() as session:
        assert "gr_" not in str(dict(session))


def test_the_key_stands_in_text_and_never_in_an_attribute(ada: Person, browse: Browse) -> None:
    answer = create(browse(ada), ada)
    secret = shown_secret(answer)
    # The key itself is broken up by its marks; the command and the line of the file hold it whole.
    assert answer.text.count(secret) == 2
    assert not [tag for tag in re.findall(r"<[^>]*>", answer.text) if "gr_" in tag]
    assert "gr_" not in found(r"<title>(.*?)</title>", answer.text)
    assert not [value for value in answer.headers.values() if "gr_" in value]


def test_the_reveal_marks_what_the_list_shows(ada: Person, browse: Browse) -> None:
    answer = create(browse(ada), ada)
    key = keys_of(ada)[0]
    assert f"gr_<mark>{key.hint_start}</mark>" in answer.text
    assert f"<mark>{key.hint_end}</mark></output>" in answer.text


@pytest.mark.parametrize(
    ("scopes", "path"),
    [(["read:members"], "members"), (["admin:workspace"], "members"), (["write:members"], None), (["read:data"], None)],
)
def test_the_command_asks_for_what_the_key_may_read(
    ada: Person, browse: Browse, scopes: list[str], path: str | None
) -> None:
    answer = create(browse(ada), ada, scopes=scopes)
    url = f"http://localhost{ada.api(path)}" if path else "http://localhost/api/v2/key"
    assert f"{url} \\" in words(answer)


def test_the_reveal_states_what_was_granted(ada: Person, browse: Browse) -> None:
    told = words(
        create(browse(ada), ada, name="CRM", note="1Password", scopes=["write:data"], networks="203.0.113.0/28")
    )
    for each in ("CRM", "1Password", "write:data", "203.0.113.0/28", "GRAVITY_API_KEY=gr_", "I have stored it"):
        assert each in told
    assert "not on the allowlist" not in told
    assert "You are at 127.0.0.1 now, which is not." in told


def test_without_scripts_the_reveal_warns_of_going_back(ada: Person, browse: Browse) -> None:
    answer = create(browse(ada), ada)
    assert "Close this tab when done" in found(r"<noscript>(.*?)</noscript>", answer.text)


def test_the_same_form_sent_twice_makes_one_key(ada: Person, browse: Browse) -> None:
    browser = browse(ada)
    form = filled(browser, ada, name="Once")
    first = browser.post(ada.settings("api-keys/new"), form)
    second = browser.post(ada.settings("api-keys/new"), form)
    assert (first.status_code, second.status_code) == (201, 409)
    assert "This key was already created. If you did not copy it, rotate it." in words(second)
    assert shown_secret(first) not in second.text
    key = keys_of(ada)[0]
    assert len(keys_of(ada)) == KeySecret.select().count() == 1
    assert ada.settings(f"api-keys/{key.id}/rotate") in second.text


def test_a_form_with_a_number_of_its_own_making_is_just_a_form(ada: Person, browse: Browse) -> None:
    for number in ("", "x" * 5000, "\0", "' OR 1=1"):
        assert create(browse(ada), ada, name=f"Key {len(number)} {number[:1]!r}", form_id=number).status_code == 201


def test_every_form_has_a_number_of_its_own_and_keeps_it_after_a_mistake(ada: Person, browse: Browse) -> None:
    browser = browse(ada)
    form = filled(browser, ada, name="")
    again = browser.post(ada.settings("api-keys/new"), form)
    assert again.status_code == 422
    assert hidden(again, "form_id") == form["form_id"]
    assert hidden(browser.get(ada.settings("api-keys/new")), "form_id") != form["form_id"]


def test_a_number_used_in_another_workspace_reveals_nothing_of_it(ada: Person, mallory: Person, browse: Browse) -> None:
    number = random_text(26)
    create(browse(ada), ada, form_id=number)
    answer = create(browse(mallory), mallory, form_id=number)
    assert answer.status_code == 404
    assert ApiKey.in_workspace(mallory.workspace.id).count() == 0


def test_the_dialog_with_the_key_is_locked(ada: Person, browse: Browse) -> None:
    answer = browse(ada).htmx_post(ada.settings("api-keys/new"), filled(browse(ada), ada))
    assert "data-locked" in answer.text
    assert "data-stored-link" in answer.text
    assert answer.text.count("data-secret") == 3
