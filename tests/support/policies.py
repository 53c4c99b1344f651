"""The policy of a workspace in the tests."""

from dataclasses import replace
from typing import Any

from models import Workspace
from models.policy import Policy
from models.tenancy import choose_policy
from tests.support.cast import Person
from tests.support.clients import Browser


def rule(person: Person, **chosen: Any) -> None:
    """Have the owner choose this, besides what was chosen before."""
    stored = Workspace.get_by_id(person.workspace.id)
    choose_policy(stored, replace(stored.policy, **chosen), by=person.actor)


def policy_of(person: Person) -> Policy:
    stored: Workspace = Workspace.get_by_id(person.workspace.id)
    return stored.policy


def save(browser: Browser, person: Person, **chosen: Any) -> Any:
    """The form of the page as it opens for a new workspace, with some fields changed."""
    form = {"longest_life_days": "", "unused_days": "90", "rotation_days": "90", "creators": "managers"} | chosen
    form.setdefault("seen", policy_of(person).tag)
    return browser.post(person.settings("policy"), form)
