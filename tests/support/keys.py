"""Small questions about keys."""

from typing import Any

from models import ApiKey, AuditEvent, Workspace, verification
from models.errors import KeyRefused
from models.key_settings import KeySettings
from tests.support.cast import Person


def settings(name: str = "CI", **more: Any) -> KeySettings:
    return KeySettings(name, frozenset({"read:members"}), **more)


def on_plan(person: Person, slug: str) -> Workspace:
    person.workspace.plan_slug = slug
    person.workspace.save()
    return person.workspace


def works(text: str) -> bool:
    try:
        return bool(verification.verify(text))
    except KeyRefused:
        return False


def reread(key: ApiKey) -> ApiKey:
    return ApiKey.get_by_id(key.id)


def actions(key: ApiKey) -> list[str]:
    return [event.action for event in reversed(AuditEvent.about(key.workspace_id, key.id))]
