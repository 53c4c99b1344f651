"""The workspace itself: its name, its id, its plan."""

from collections.abc import Callable

import pytest

from models import AuditEvent, Workspace
from tests.support.cast import Person
from tests.support.clients import Browser

Browse = Callable[[Person], Browser]


def rename(browser: Browser, person: Person, name: str) -> int:
    return browser.post(person.settings("general"), {"name": name}).status_code


def name_of(person: Person) -> str:
    return str(Workspace.get_by_id(person.workspace.id).name)


def test_the_page_shows_name_and_id_and_leads_to_the_plan(ada: Person, browse: Browse) -> None:
    shown = browse(ada).get(ada.settings("general")).text
    assert 'value="Fieldstone"' in shown
    assert f">{ada.workspace.id}</code>" in shown
    assert "Team plan" in shown
    assert f'href="{ada.settings("plan")}"' in shown


@pytest.mark.parametrize("who", ["ada", "olga"])
def test_owners_and_admins_rename_the_workspace(who: str, request: pytest.FixtureRequest, browse: Browse) -> None:
    person = request.getfixturevalue(who)
    assert rename(browse(person), person, "  Granite ") == 303
    shown = browse(person).get(person.settings("general")).text
    assert "The workspace has its new name." in shown
    assert name_of(person) == "Granite"
    event = AuditEvent.about(person.workspace.id, person.workspace.id)[0]
    assert (event.action, event.facts["name"]) == ("workspace.renamed", ["Fieldstone", "Granite"])
    assert event.actor_name == person.member.name


def test_the_same_name_again_changes_nothing(ada: Person, browse: Browse) -> None:
    assert rename(browse(ada), ada, "Fieldstone") == 303
    actions = [event.action for event in AuditEvent.about(ada.workspace.id, ada.workspace.id)]
    assert "workspace.renamed" not in actions


def test_members_read_the_name_and_cannot_change_it(ada: Person, bob: Person, browse: Browse) -> None:
    shown = browse(bob).get(bob.settings("general")).text
    assert "Owners and admins can rename the workspace." in shown
    assert "Save name" not in shown
    answer = browse(bob).post(bob.settings("general"), {"name": "Bobland"})
    assert answer.status_code == 403
    assert "Ask one of them." in answer.text
    assert name_of(bob) == "Fieldstone"


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "x" * 10_000, "a\nb", "a\0b", "a\u202eb", "\u200b"])
def test_a_name_that_is_none_comes_back_with_what_to_do(ada: Person, browse: Browse, name: str) -> None:
    answer = browse(ada).post(ada.settings("general"), {"name": name})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert "<title>Error: General" in answer.text
    assert name_of(ada) == "Fieldstone"


def test_markup_in_a_name_is_text(ada: Person, browse: Browse) -> None:
    name = "<img src=x onerror=alert(1)>{{7*7}}"
    assert rename(browse(ada), ada, name) == 303
    shown = browse(ada).get(ada.settings("general")).text
    assert "<img" not in shown
    assert "alert(1)&gt;{{7*7}}" in shown


def test_only_the_name_is_taken(ada: Person, mallory: Person, browse: Browse) -> None:
    form = {
        "name": "Granite",
        "plan_slug": "enterprise",
        "id": mallory.workspace.id,
        "workspace_id": mallory.workspace.id,
    }
    assert browse(ada).post(ada.settings("general"), form).status_code == 303
    assert (name_of(ada), name_of(mallory)) == ("Granite", "Rival")
    assert Workspace.get_by_id(ada.workspace.id).plan_slug == "team"


def test_strangers_see_nothing(ada: Person, mallory: Person, browse: Browse) -> None:
    theirs = browse(mallory).get(ada.settings("general"))
    none = browse(mallory).get("/w/ws_0000000000000000/settings/general")
    assert theirs.status_code == none.status_code == 404
    assert "Fieldstone" not in theirs.text
    assert rename(browse(mallory), ada, "Mine") == 404
    assert name_of(ada) == "Fieldstone"
