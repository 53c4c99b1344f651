"""What is told by mail about a key, promised by the verbs of `ApiKey` in their own transaction."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from models import outbox
from models.actor import Actor


def created(key: Any, by: Actor) -> None:
    """To the owners and to whoever made it: a key that nobody knows of is how an intruder stays."""
    outbox.promise("key_created", key.workspace_id, key.id, key=key, maker=key.creator_id, facts=_facts(key, by))


def revoked(key: Any, by: Actor, reason: str, note: str) -> None:
    """A leak concerns everybody who manages keys."""
    if reason == "leaked":
        outbox.promise_each("key_leaked", key.workspace_id, [_leak(key, by, "revoked", "revoked", note=note)])


def found(workspace_id: str, secrets: Iterable[tuple[Any, Any, str, str]], by: Actor, at: datetime) -> None:
    """Secrets were found in public: each one is told of once, and once more if its key is revoked for it.

    Each is given with its key, where it was found and what was done.
    """
    about = [
        _leak(key, by, outcome, f"{secret.id}/{outcome}", where=where, hint=secret.hint)
        for key, secret, where, outcome in secrets
    ]
    outbox.promise_each("key_leaked", workspace_id, about, at=at)


def dead_secret_used(key: Any, incident: Any, evidence: dict[str, str]) -> None:
    """Somebody calls with a secret that has ended, from a place that no open incident tells of."""
    facts = {
        "name": key.name,
        "hint": key.hint,
        "address": incident.address,
        "client": incident.client,
        "request": incident.request,
        "wanted_rotation": incident.wanted_rotation,
        "evidence": evidence,
    }
    outbox.promise("dead_secret", key.workspace_id, incident.id, key=key, facts=facts)


def _leak(key: Any, by: Actor, outcome: str, threshold: str, **facts: str) -> outbox.Fact:
    return outbox.Fact(key.id, threshold, key, {**_facts(key, by), "outcome": outcome, **facts})


def _facts(key: Any, by: Actor) -> dict[str, Any]:
    return {
        "name": key.name,
        "hint": key.hint,
        "scopes": key.scopes.split(),
        "networks": key.networks.split(),
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        "by": by.name,
        "by_kind": by.kind,
        "address": by.address,
    }
