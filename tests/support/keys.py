"""Small questions about keys."""

from datetime import timedelta
from typing import Any

from models import ApiKey, AuditEvent, KeySecret, Workspace, verification
from models.database import now
from models.errors import KeyRefused
from models.key_settings import KeySettings
from tests.support.cast import Person


def settings(name: str = "CI", **more: Any) -> KeySettings:
    return KeySettings(name, frozenset({"read:members"}), **more)


def on_plan(person: Person, slug: str) -> Workspace:
    person.workspace.plan_slug = slug
    person.workspace.save()
    return person.workspace


def refusal(text: str) -> str:
    """The code with which a secret is refused; empty when it works."""
    try:
        verification.verify(text)
    except KeyRefused as refused:
        return refused.code
    return ""


def works(text: str) -> bool:
    return refusal(text) == ""


def reread(key: ApiKey) -> ApiKey:
    return ApiKey.get_by_id(key.id)


def aged(key: ApiKey, days: int = 100) -> ApiKey:
    """The key as if it had been made so long ago: its secret is old, and it lies unused."""
    for row, mine in ((ApiKey, ApiKey.id == key.id), (KeySecret, KeySecret.key == key.id)):
        row.update(created_at=key.created_at - timedelta(days=days)).where(mine).execute()
    return reread(key)


def actions(key: ApiKey) -> list[str]:
    return [event.action for event in reversed(AuditEvent.about(key.workspace_id, key.id))]


def rotated(key: ApiKey, person: Person, overlap: str = "24h") -> str:
    return key.rotate(by=person.actor, overlap=overlap).reveal()


def retiring(key: ApiKey) -> KeySecret:
    found = KeySecret.retiring_of(key.id, now())
    assert found
    return found
