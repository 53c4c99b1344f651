"""What is told by mail about a key, promised by the verbs of `ApiKey` in their own transaction."""

from typing import Any

from models import outbox
from models.actor import Actor


def created(key: Any, by: Actor) -> None:
    """To the owners and to whoever made it: a key that nobody knows of is how an intruder stays."""
    outbox.promise("key_created", key.workspace_id, key.id, key=key, maker=key.creator_id, facts=_facts(key, by))


def revoked(key: Any, by: Actor, reason: str, note: str) -> None:
    """A leak concerns everybody who manages keys."""
    if reason == "leaked":
        _leaked(key, by, "revoked", "revoked", note=note)


def found(key: Any, by: Actor, where: str, outcome: str, secret_id: str) -> None:
    """A secret was found in public: each one is told of once, and once more if its key is revoked for it."""
    _leaked(key, by, outcome, f"{secret_id}/{outcome}", where=where)


def dead_secret_used(key: Any, incident: Any) -> None:
    """Somebody calls with a secret that has ended, from a place that was not known."""
    facts = {
        "name": key.name,
        "hint": f"gr_{key.hint_start}…{key.hint_end}",
        "address": incident.address,
        "client": incident.client,
        "request": incident.request,
        "wanted_rotation": incident.wanted_rotation,
    }
    outbox.promise("dead_secret", key.workspace_id, incident.id, key=key, facts=facts)


def _leaked(key: Any, by: Actor, outcome: str, threshold: str, **facts: str) -> None:
    facts = {**_facts(key, by), "outcome": outcome, **facts}
    outbox.promise("key_leaked", key.workspace_id, key.id, threshold, key=key, facts=facts)


def _facts(key: Any, by: Actor) -> dict[str, Any]:
    return {
        "name": key.name,
        "hint": f"gr_{key.hint_start}…{key.hint_end}",
        "scopes": key.scopes.split(),
        "networks": key.networks.split(),
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        "by": by.name,
        "by_kind": by.kind,
        "address": by.address,
    }
