"""The people of a workspace on their page: who sees them, who changes them, and how a new one gets in."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from models import AuditEvent, Invitation, Member, User
from models.actor import COMMAND_LINE
from tests.support import ledger
from tests.support.cast import Person, joined
from tests.support.clients import Browser

Browse = Callable[[Person], Browser]

LINK = re.compile(r'<output id="secret"[^>]*>(http://localhost/set-password\?token=([\w-]+))</output>')
GRACE = {"name": "Grace Hopper", "email": "grace@example.com", "role": "member", "title": "Rear admiral"}


def add(browser: Browser, person: Person, **changed: str) -> TestResponse:
    return browser.post(person.settings("members/new"), GRACE | changed)


def edit(browser: Browser, person: Person, member: Member, **changed: Any) -> TestResponse:
    form = {"name": member.name, "email": member.email, "role": member.role, "title": member.title} | changed
    return browser.post(person.settings(f"members/{member.id}/edit"), form)


def remove(browser: Browser, person: Person, member: Member) -> TestResponse:
    return browser.post(person.settings(f"members/{member.id}/remove"))


def grace() -> Member:
    return Member.get(Member.email == GRACE["email"])


def token_in(answer: TestResponse) -> str:
    found = LINK.search(answer.text)
    assert found, answer.text
    return ledger.note(found[2], "invitation")


def opened(app: Flask, token: str) -> tuple[Browser, TestResponse]:
    browser = Browser(app)
    return browser, browser.get(f"/set-password?token={token}")


def set_password(browser: Browser, token: str, password: str) -> TestResponse:
    return browser.post("/set-password", {"token": token, "password": password})


# The list


def test_everyone_in_the_workspace_sees_the_people(ada: Person, bob: Person, carla: Person, browse: Browse) -> None:
    for person in (ada, bob):
        shown = browse(person).get(person.settings("members")).text
        assert all(each.member.email in shown for each in (ada, bob, carla))


def test_members_get_no_controls(ada: Person, bob: Person, browse: Browse) -> None:
    shown = browse(bob).get(bob.settings("members")).text
    assert "Owners and admins add and change people." in shown
    for control in ("Add person", "Edit…", "Remove…", "New link…"):
        assert control not in shown


def test_admins_get_no_controls_at_owners(ada: Person, olga: Person, bob: Person, browse: Browse) -> None:
    shown = browse(olga).get(olga.settings("members")).text
    assert f"{bob.member.id}/edit" in shown
    assert f"{ada.member.id}/edit" not in shown


def test_the_search_finds_a_part_of_name_or_address(ada: Person, bob: Person, carla: Person, browse: Browse) -> None:
    def found(search: str) -> set[str]:
        shown = browse(ada).get(ada.settings("members"), query_string={"q": search}).text
        return {each.member.name for each in (ada, bob, carla) if each.member.email in shown.partition("</nav>")[2]}

    assert found("kahn") == {"Bob Kahn"}
    assert found("CARLA@") == {"Carla Mora"}
    assert found(" example.com ") == {"Ada Byron", "Bob Kahn", "Carla Mora"}
    assert found("%") == found("_") == set()
    assert found("\0kahn") == {"Bob Kahn"}


def test_a_search_without_a_match_says_so_and_escapes_it(ada: Person, browse: Browse) -> None:
    shown = browse(ada).get(ada.settings("members"), query_string={"q": "<script>alert(1)"}).text
    assert "No one matches “&lt;script&gt;alert(1)”." in shown
    assert "<script>alert" not in shown


def test_a_long_list_comes_in_pages(ada: Person, browse: Browse) -> None:
    for number in range(60):
        name = f"P{number:02d} Person"
        Member.add(ada.workspace, name=name, email=f"p{number}@example.com", role="contact", by=COMMAND_LINE)

    def shown(**query: str) -> list[str]:
        text = browse(ada).get(ada.settings("members"), query_string=query).text
        return re.findall(r"P\d\d Person(?=</span>)", text)

    assert len(shown()) == 49
    assert len(shown(page="2")) == 11
    assert shown(page="2") == shown(page="9" * 30) == shown(page="1" + "0" * 18)
    assert shown() == shown(page="-1") == shown(page="x") == shown(page="9" * 5000) == shown(page="\0")
    assert len(shown(q="P1")) == 11


def test_a_part_of_the_page_is_enough_for_htmx(ada: Person, browse: Browse) -> None:
    part = browse(ada).htmx_get(ada.settings("members"))
    assert "<html" not in part.text
    assert part.text.index("<title>Members</title>") < part.text.index('id="members-panel"')
    assert part.headers["HX-Retarget"] == "#main"


# Adding


def test_a_new_person_gets_a_link_that_is_shown_once(ada: Person, browse: Browse) -> None:
    answer = add(browse(ada), ada)
    token = token_in(answer)
    assert answer.status_code == 201
    assert "works once, and ends in 7 days" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert grace().status == "invited"
    for page in ("members", f"members/{grace().id}/edit"):
        assert token not in browse(ada).get(ada.settings(page)).text


def test_the_link_names_our_own_address_whatever_the_host_header_says(ada: Person, browse: Browse) -> None:
    browser = browse(ada)
    browser.token()
    kept = browser.client.get_cookie("gravity")
    assert kept
    browser.client.set_cookie("gravity", kept.value, domain="127.0.0.1")
    answer = browser.post(
        ada.settings("members/new"), GRACE, base_url="http://127.0.0.1", headers={"X-Forwarded-Host": "evil.example"}
    )
    assert token_in(answer)


def test_a_contact_needs_no_link(ada: Person, browse: Browse) -> None:
    answer = add(browse(ada), ada, role="contact")
    assert answer.location == ada.settings("members")
    assert "Grace Hopper is on record." in browse(ada).get(ada.settings("members")).text
    assert not Invitation.select().exists()


def test_the_dialog_is_a_page_without_htmx(ada: Person, browse: Browse) -> None:
    path = ada.settings("members/new")
    whole, part = browse(ada).get(path).text, browse(ada).htmx_get(path)
    assert '<h1 id="dlg-h">Add person</h1>' in whole
    assert '<h2 id="dlg-h">Add person</h2>' in part.text
    assert part.headers["HX-Retarget"] == "#dlg"


def test_someone_who_is_here_already_is_not_added_twice(ada: Person, bob: Person, browse: Browse) -> None:
    answer = add(browse(ada), ada, email="BOB@example.com ")
    assert answer.status_code == 409
    assert "bob@example.com is in this workspace already." in answer.text
    assert 'value="Grace Hopper"' in answer.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "x" * 10_000), ("name", "a\0b"), ("name", "a\r\nBcc: b"), ("name", "\u202eabc"),
        ("email", ""), ("email", "no address"), ("email", "a\0@example.com"), ("email", "x" * 10_000 + "@example.com"),
        ("role", ""), ("role", "superuser"), ("role", "\0"), ("title", "x" * 121), ("title", "a\0b"),
    ],
)  # fmt: skip
def test_what_cannot_be_comes_back_at_its_field(ada: Person, browse: Browse, field: str, value: str) -> None:
    answer = add(browse(ada), ada, **{field: value})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert "<title>Error: Add person" in answer.text
    assert Member.select().count() == 1


def test_only_the_fields_of_the_form_are_taken(ada: Person, mallory: Person, browse: Browse) -> None:
    assert ada.user
    more = {"id": "mem_mine", "workspace": mallory.workspace.id, "workspace_id": mallory.workspace.id}
    add(browse(ada), ada, **more, user=ada.user.id, user_id=ada.user.id, created_at="0", status="active")
    made = grace()
    assert made.workspace_id == ada.workspace.id
    assert made.id != "mem_mine"
    assert made.user_id is None


def test_markup_in_a_name_is_text(ada: Person, browse: Browse) -> None:
    name = '"><svg/onload=alert(1)>{{7*7}}'
    shown = add(browse(ada), ada, name=name).text + browse(ada).get(ada.settings("members")).text
    assert "<svg/onload" not in shown
    assert "&lt;svg/onload=alert(1)&gt;{{7*7}}" in shown


def test_members_cannot_add_anybody(bob: Person, browse: Browse) -> None:
    assert browse(bob).get(bob.settings("members/new")).status_code == 403
    answer = add(browse(bob), bob)
    assert answer.status_code == 403
    assert "People are managed by owners and admins." in answer.text


def test_admins_cannot_make_owners(olga: Person, browse: Browse) -> None:
    assert 'value="owner"' not in browse(olga).get(olga.settings("members/new")).text
    assert add(browse(olga), olga, role="owner").status_code == 403
    assert not Member.select().where(Member.email == GRACE["email"]).exists()


# The link


def test_a_link_lets_a_new_person_in_once(ada: Person, browse: Browse, app: Flask) -> None:
    token = token_in(add(browse(ada), ada))
    hers, page = opened(app, token)
    assert "Join Fieldstone" in page.text
    assert "grace@example.com" in page.text
    answer = set_password(hers, token, ledger.fresh("password"))
    assert answer.status_code == 303
    assert answer.location == ada.settings("members")
    assert "You are in Fieldstone now." in hers.get(answer.location).text
    assert grace().status == "active"
    events = [event.action for event in AuditEvent.about(ada.workspace.id, grace().id)]
    assert events == ["member.joined", "member.invited", "member.added"]
    late = Browser(app)
    late.get("/login")
    again = set_password(late, token, ledger.fresh("password"))
    assert again.status_code == 404
    assert "This link was used already" in again.text


def test_a_link_ends_after_seven_days(ada: Person, browse: Browse, app: Flask) -> None:
    token = token_in(add(browse(ada), ada))
    with time_machine.travel(datetime.now(UTC) + timedelta(days=7, minutes=1)):
        assert opened(app, token)[1].status_code == 404
        browser = Browser(app)
        browser.get("/login")
        assert set_password(browser, token, ledger.fresh("password")).status_code == 404


def test_a_new_link_replaces_the_old_one(ada: Person, browse: Browse, app: Flask) -> None:
    old = token_in(add(browse(ada), ada))
    answer = browse(ada).post(ada.settings(f"members/{grace().id}/link"))
    new = token_in(answer)
    assert answer.status_code == 201
    assert opened(app, old)[1].status_code == 404
    assert opened(app, new)[1].status_code == 200


def test_who_is_in_already_needs_no_link(ada: Person, bob: Person, carla: Person, browse: Browse) -> None:
    for person in (bob, carla):
        assert browse(ada).post(ada.settings(f"members/{person.member.id}/link")).status_code == 409


def test_a_link_ends_when_its_person_is_removed_or_kept_as_a_contact(ada: Person, browse: Browse, app: Flask) -> None:
    first = token_in(add(browse(ada), ada))
    edit(browse(ada), ada, grace(), role="contact")
    assert opened(app, first)[1].status_code == 404
    edit(browse(ada), ada, grace(), role="member")
    second = token_in(browse(ada).post(ada.settings(f"members/{grace().id}/link")))
    remove(browse(ada), ada, grace())
    assert opened(app, second)[1].status_code == 404


def test_a_link_ends_when_the_address_is_corrected(ada: Person, browse: Browse, app: Flask) -> None:
    token = token_in(add(browse(ada), ada, email="grcae@example.com"))
    wrong = Member.get(Member.email == "grcae@example.com")
    assert edit(browse(ada), ada, wrong, email="grace@example.com").status_code == 303
    assert opened(app, token)[1].status_code == 404


@pytest.mark.parametrize("token", ["", "nope", "\0", "x" * 10_000, "%ED%A0%80", "ä"])
def test_a_bad_link_says_what_to_do(ada: Person, app: Flask, token: str) -> None:
    browser, page = opened(app, token)
    assert page.status_code == 404
    assert "Ask for a new one." in page.text
    browser.get("/login")
    assert set_password(browser, token, "x" * 20).status_code == 404


def test_a_weak_password_is_refused_and_the_link_stays(ada: Person, browse: Browse, app: Flask) -> None:
    token = token_in(add(browse(ada), ada))
    hers = opened(app, token)[0]
    for _ in range(7):
        answer = set_password(hers, token, "short")
        assert answer.status_code == 422
        assert "Use at least 12 characters." in answer.text
    assert opened(app, token)[1].status_code == 200


def test_who_has_an_account_proves_its_password(ada: Person, mallory: Person, browse: Browse, app: Flask) -> None:
    token = token_in(add(browse(ada), ada, email="mallory@example.com", name="Mallory Vane"))
    hers, page = opened(app, token)
    assert "Enter the password of your account" in page.text
    wrong = set_password(hers, token, "not her password")
    assert wrong.status_code == 422
    assert "That is not the password of your account." in wrong.text
    assert set_password(hers, token, mallory.password).location == ada.settings("members")
    assert User.select().where(User.email == "mallory@example.com").count() == 1
    shown = hers.get("/account").text
    assert "Fieldstone" in shown
    assert "Rival" in shown


def test_a_link_is_no_way_to_guess_the_password_of_an_account(
    ada: Person, mallory: Person, browse: Browse, app: Flask
) -> None:
    """Whoever invites an address gets the link, so it must be no better for guessing than the sign-in."""
    token = token_in(add(browse(mallory), mallory, email="ada@example.com", name="Ada"))
    browser = opened(app, token)[0]
    with time_machine.travel(datetime.now(UTC), tick=False):
        assert [set_password(browser, token, "guess").status_code for _ in range(5)] == [422] * 5
        answer = set_password(browser, token, ada.password)
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "1"
        sign_in = {"email": "ada@example.com", "password": ada.password}
        assert browser.post("/login", sign_in).status_code == 429


def test_joining_ends_the_session_of_whoever_was_signed_in_there(
    ada: Person, mallory: Person, browse: Browse, app: Flask
) -> None:
    token = token_in(add(browse(ada), ada))
    browser = browse(mallory)
    kept = browser.client.get_cookie("gravity")
    browser.get(f"/set-password?token={token}")
    assert set_password(browser, token, ledger.fresh("password")).status_code == 303
    assert "grace@example.com" in browser.get("/account").text
    assert kept
    replay = Browser(app)
    replay.client.set_cookie("gravity", kept.value)
    assert replay.get("/account").status_code == 302


# Changing


def test_name_title_and_role_can_be_changed(ada: Person, bob: Person, browse: Browse) -> None:
    assert edit(browse(ada), ada, bob.member, name="Robert Kahn", title="Networks", role="admin").status_code == 303
    assert "Robert Kahn is saved." in browse(ada).get(ada.settings("members")).text
    saved = Member.get_by_id(bob.member.id)
    assert (saved.name, saved.title, saved.role) == ("Robert Kahn", "Networks", "admin")
    event = AuditEvent.about(ada.workspace.id, bob.member.id)[0]
    assert event.facts["role"] == ["member", "admin"]


def test_the_address_that_someone_signs_in_with_is_theirs(ada: Person, bob: Person, browse: Browse) -> None:
    assert 'name="email"' not in browse(ada).get(ada.settings(f"members/{bob.member.id}/edit")).text
    edit(browse(ada), ada, bob.member, email="mine@example.com", title="x")
    assert Member.get_by_id(bob.member.id).email == "bob@example.com"


def test_a_new_role_holds_at_the_next_request(ada: Person, olga: Person, browse: Browse) -> None:
    hers = browse(olga)
    assert hers.get(olga.settings("api-keys")).status_code == 200
    edit(browse(ada), ada, olga.member, role="member")
    assert hers.get(olga.settings("api-keys")).status_code == 403
    assert hers.get(olga.settings("members/new")).status_code == 403
    assert hers.get(olga.settings("members")).status_code == 200
    edit(browse(ada), ada, olga.member, role="contact")
    assert hers.get(olga.settings("members")).status_code == 302


def test_nobody_raises_themselves(ada: Person, olga: Person, bob: Person, browse: Browse) -> None:
    assert edit(browse(bob), bob, bob.member, role="admin").status_code == 403
    assert edit(browse(olga), olga, olga.member, role="owner").status_code == 403
    roles = {each.name: each.role for each in Member.select()}
    assert roles == {"Ada Byron": "owner", "Olga Ladyzhenskaya": "admin", "Bob Kahn": "member"}


def test_admins_cannot_touch_owners(ada: Person, olga: Person, browse: Browse) -> None:
    for action in ("edit", "remove"):
        path = olga.settings(f"members/{ada.member.id}/{action}")
        assert browse(olga).get(path).status_code == 403
        answer = browse(olga).post(path, {"name": "x", "role": "member", "title": ""})
        assert answer.status_code == 403
        assert "Owners are managed by owners." in answer.text
    assert Member.get_by_id(ada.member.id).role == "owner"


def test_the_last_owner_stays(ada: Person, olga: Person, browse: Browse) -> None:
    for answer in (edit(browse(ada), ada, ada.member, role="admin"), remove(browse(ada), ada, ada.member)):
        assert answer.status_code == 409
        assert "A workspace keeps at least one owner." in answer.text
        assert 'id="dlg-h"' in answer.text, "said in the dialog"
    assert Member.get_by_id(ada.member.id).role == "owner"


def test_an_owner_may_go_when_another_one_stays(ada: Person, browse: Browse) -> None:
    joined(ada.workspace, "Emmy Noether", "owner")
    assert "You are signed out at once" in browse(ada).get(ada.settings(f"members/{ada.member.id}/remove")).text
    assert remove(browse(ada), ada, ada.member).status_code == 303
    assert browse(ada).get(ada.settings("members")).status_code == 302


# Removing


def test_who_is_removed_is_out_at_the_next_request(ada: Person, bob: Person, browse: Browse) -> None:
    his = browse(bob)
    assert his.get(bob.settings("members")).status_code == 200
    assert remove(browse(ada), ada, bob.member).status_code == 303
    assert "Bob Kahn is removed." in browse(ada).get(ada.settings("members")).text
    assert his.get(bob.settings("members")).status_code == 302
    again = Browser(his.client.application).sign_in(bob)
    assert again.get(bob.settings("members")).status_code == 404


def test_the_dialog_counts_the_keys_that_stay(
    ada: Person, olga: Person, browse: Browse, make_key: Callable[..., Any]
) -> None:
    path = ada.settings(f"members/{olga.member.id}/remove")
    assert "created" not in browse(ada).get(path).text
    make_key(olga)
    assert "1 key they created keeps working and is flagged" in browse(ada).get(path).text
    key, _ = make_key(olga)
    make_key(olga)
    make_key(ada)
    key.revoke(by=ada.actor)
    assert "2 keys they created keep working and are flagged" in browse(ada).get(path).text


def test_a_person_has_no_page_of_their_own(ada: Person, bob: Person, browse: Browse) -> None:
    assert browse(ada).get(ada.settings(f"members/{bob.member.id}")).location == ada.settings("members")


def test_strangers_reach_nobody(ada: Person, bob: Person, mallory: Person, browse: Browse) -> None:
    hers = browse(mallory)
    for person in (ada, mallory):
        for member_id in (bob.member.id, "mem_0000000000000000", "%00", "..%2fx", "x" * 5000):
            for action in ("edit", "remove"):
                path = person.settings(f"members/{member_id}/{action}")
                assert hers.get(path).status_code == 404
                assert hers.post(path, GRACE).status_code == 404
            assert hers.post(person.settings(f"members/{member_id}/link")).status_code == 404
    for page in ("members", "members/new"):
        assert hers.get(ada.settings(page)).status_code == 404
    assert add(hers, ada).status_code == 404
    assert Member.select().count() == 3


def test_the_other_workspace_stays_out_of_the_list(ada: Person, mallory: Person, browse: Browse) -> None:
    for search in ("", "example.com", "mallory"):
        shown = browse(ada).get(ada.settings("members"), query_string={"q": search}).text
        assert "mallory@example.com" not in shown
