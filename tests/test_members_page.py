"""The people of a workspace on their page: who sees them, and who adds someone."""

import re
from collections.abc import Callable

import pytest

from models import Invitation, Member
from models.actor import COMMAND_LINE
from tests.support.cast import Person
from tests.support.clients import Browser
from tests.support.member_pages import GRACE, add, grace, token_in

Browse = Callable[[Person], Browser]


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
    assert part.text.index("<title>Members") < part.text.index('id="members-panel"')
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
