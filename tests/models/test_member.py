"""Who may add, change and remove whom, and what happens to those who go."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from models import ApiKey, AuditEvent, BrowserSession, Invitation, Member, User, role
from models.actor import COMMAND_LINE, Actor
from models.errors import Conflict, Invalid, NotAllowed, NotFound
from tests.support.cast import Person, joined
from tests.support.threads import at_once

KEY = Actor("key", "CI", "key_x", role.KEY_TOUCHES)


def session_of(person: Person) -> str:
    assert person.user
    return BrowserSession.start(person.user, address="192.0.2.1", client="Firefox")[1]


def events(person: Person) -> list[str]:
    return [event.action for event in AuditEvent.about(person.workspace.id, person.member.id)]


def test_an_owner_touches_everyone_and_an_admin_no_owner(ada: Person, olga: Person, bob: Person) -> None:
    bob.member.change({"title": "Analyst"}, by=olga.actor)
    with pytest.raises(NotAllowed, match="an owner"):
        ada.member.change({"title": "Founder"}, by=olga.actor)
    with pytest.raises(NotAllowed):
        bob.member.change({"role": "owner"}, by=olga.actor)
    bob.member.change({"role": "owner"}, by=ada.actor)


@pytest.mark.parametrize("to", ["owner", "admin"])
def test_a_key_never_makes_someone_who_manages_keys(ada: Person, bob: Person, to: str) -> None:
    with pytest.raises(NotAllowed, match="A key cannot"):
        bob.member.change({"role": to}, by=KEY)
    with pytest.raises(NotAllowed):
        Member.add(ada.workspace, name="Eve", email="eve@example.com", role=to, by=KEY)
    assert Member.find(ada.workspace.id, bob.member.id).role == "member"


def test_a_key_never_touches_those_who_manage_keys(ada: Person, olga: Person) -> None:
    for person in (ada, olga):
        with pytest.raises(NotAllowed):
            person.member.change({"name": "Renamed"}, by=KEY)
        with pytest.raises(NotAllowed):
            person.member.remove(by=KEY)


def test_a_plain_member_touches_no_one(bob: Person, carla: Person) -> None:
    for act in (lambda: carla.member.remove(by=bob.actor), lambda: bob.member.change({"role": "owner"}, by=bob.actor)):
        with pytest.raises(NotAllowed):
            act()


def test_the_last_owner_stays(ada: Person) -> None:
    for act in (lambda: ada.member.remove(by=ada.actor), lambda: ada.member.change({"role": "admin"}, by=ada.actor)):
        with pytest.raises(Conflict, match="at least one owner"):
            act()


def test_an_owner_who_never_signed_in_does_not_count_as_one(ada: Person) -> None:
    Member.add(ada.workspace, name="Eve", email="eve@example.com", role="owner", by=ada.actor)
    with pytest.raises(Conflict):
        ada.member.remove(by=ada.actor)


def test_of_two_owners_who_remove_each_other_one_stays(ada: Person) -> None:
    eve = joined(ada.workspace, "Eve Curie", "owner")
    pairs = [(ada, eve), (eve, ada)]
    at_once(2, lambda place: pairs[place][0].member.remove(by=pairs[place][1].actor))
    assert Member.in_workspace(ada.workspace.id).where(Member.role == "owner").count() == 1


def test_of_two_owners_who_step_down_at_once_one_stays(ada: Person) -> None:
    eve = joined(ada.workspace, "Eve Curie", "owner")
    people = [ada, eve]
    at_once(2, lambda place: people[place].member.change({"role": "admin"}, by=people[place].actor))
    assert Member.in_workspace(ada.workspace.id).where(Member.role == "owner").count() == 1


def test_the_sessions_of_someone_removed_end_at_once(ada: Person, bob: Person) -> None:
    token = session_of(bob)
    bob.member.remove(by=ada.actor)
    assert BrowserSession.resume(token) is None
    with pytest.raises(NotFound):
        Member.of_user(bob.user, ada.workspace.id)
    assert events(bob)[0] == "member.removed"


def test_keys_of_someone_removed_stay_and_are_flagged(
    ada: Person, olga: Person, make_key: Callable[..., tuple[ApiKey, str]]
) -> None:
    key, _ = make_key(olga)
    assert not ApiKey.get_by_id(key.id).maker_left
    olga.member.remove(by=ada.actor)
    assert ApiKey.get_by_id(key.id).maker_left
    assert ApiKey.get_by_id(key.id).creator_name == olga.member.name


def test_someone_made_a_contact_can_no_longer_sign_in(ada: Person, bob: Person) -> None:
    token = session_of(bob)
    bob.member.change({"role": "contact"}, by=ada.actor)
    assert BrowserSession.resume(token) is None
    with pytest.raises(NotFound):
        Member.of_user(bob.user, ada.workspace.id)


def test_an_address_is_in_a_workspace_once_whatever_its_case(ada: Person, bob: Person, mallory: Person) -> None:
    with pytest.raises(Conflict, match="already"):
        Member.add(ada.workspace, name="Bob", email="BOB@Example.com", role="contact", by=ada.actor)
    Member.add(mallory.workspace, name="Bob", email="bob@example.com", role="contact", by=mallory.actor)


def test_every_mistake_is_named_and_nothing_changes(ada: Person, carla: Person) -> None:
    with pytest.raises(Invalid) as refusal:
        carla.member.change({"name": "", "email": "nobody", "role": "god", "title": "x" * 121}, by=ada.actor)
    assert set(refusal.value.errors) == {"name", "email", "role", "title"}
    assert Member.find(ada.workspace.id, carla.member.id).name == carla.member.name


def test_the_address_that_someone_signs_in_with_is_theirs(ada: Person, bob: Person, carla: Person) -> None:
    with pytest.raises(Invalid):
        bob.member.change({"email": "eve@example.com"}, by=ada.actor)
    carla.member.change({"email": "eve@example.com"}, by=ada.actor)


def test_a_change_says_what_was_and_what_is(ada: Person, carla: Person) -> None:
    carla.member.change({"title": "Buyer", "name": carla.member.name}, by=ada.actor)
    event = AuditEvent.about(ada.workspace.id, carla.member.id)[0]
    assert (event.action, event.actor_name, event.facts) == ("member.changed", "Ada Byron", {"title": ["", "Buyer"]})


def invited(ada: Person, name: str = "Eve Curie", email: str = "eve@example.com") -> tuple[Member, str]:
    member = Member.add(ada.workspace, name=name, email=email, role="member", by=ada.actor)
    return member, member.invite(by=ada.actor)


def test_an_invitation_makes_someone_who_signs_in(ada: Person) -> None:
    member, token = invited(ada)
    assert member.status == "invited"
    user = Invitation.behind(token).accept("a password of her own")
    assert User.with_password("eve@example.com", "a password of her own") == user
    assert Member.of_user(user, ada.workspace.id).status == "active"


def test_an_invitation_works_once(ada: Person) -> None:
    _, token = invited(ada)
    Invitation.behind(token).accept("a password of her own")
    with pytest.raises(NotFound):
        Invitation.behind(token)


def test_of_two_who_accept_at_once_one_does(ada: Person) -> None:
    _, token = invited(ada)
    links = [Invitation.behind(token), Invitation.behind(token)]
    done = at_once(2, lambda place: links[place].accept(f"password number {place}"))
    assert sorted(isinstance(each, User) for each in done) == [False, True]


def test_a_new_link_replaces_the_old_one(ada: Person) -> None:
    member, old = invited(ada)
    new = member.invite(by=ada.actor)
    with pytest.raises(NotFound):
        Invitation.behind(old)
    assert Invitation.behind(new)


def test_an_invitation_ends_after_a_week(ada: Person) -> None:
    _, token = invited(ada)
    invitation = Invitation.behind(token)
    with time_machine.travel(invitation.expires_at + timedelta(seconds=1)), pytest.raises(NotFound):
        Invitation.behind(token)


def test_an_invitation_does_not_give_away_an_account_that_exists(ada: Person, mallory: Person) -> None:
    _, token = invited(ada, "Mallory Vane", "mallory@example.com")
    with pytest.raises(Invalid):
        Invitation.behind(token).accept("a password of her own")
    assert Invitation.behind(token).accept(mallory.password) == mallory.user
    assert {each.workspace.name for each in Member.all_of(mallory.user)} == {"Fieldstone", "Rival"}


def test_contacts_and_those_who_joined_need_no_link(ada: Person, bob: Person, carla: Person) -> None:
    for person in (bob, carla):
        with pytest.raises(Conflict):
            person.member.invite(by=COMMAND_LINE)
