"""Changing and removing people: who may, what holds at the next request, and who stays."""

from collections.abc import Callable
from typing import Any

from models import AuditEvent, Member
from tests.support.cast import Person, joined
from tests.support.clients import Browser
from tests.support.member_pages import GRACE, add, edit, remove

Browse = Callable[[Person], Browser]


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
