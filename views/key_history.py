"""The history of a key in words: what the audit trail holds of it, as a page tells it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models import leak
from models.audit import AuditEvent
from models.key_settings import REASONS
from views import format

# Action → icon, sentence after the name of whoever did it.
ACTIONS = {
    "api_key.created": ("plus", "created the key"),
    "api_key.edited": ("pencil", "edited the key"),
    "api_key.widened": ("shield", "gave the key more"),
    "api_key.disabled": ("pause", "disabled the key"),
    "api_key.enabled": ("play", "enabled the key"),
    "api_key.rotated": ("rotate-cw", "rotated the key"),
    "api_key.revoked": ("ban", "revoked the key"),
    "api_key.deleted": ("trash-2", "deleted the key"),
    "api_key.leaked": ("triangle-alert", "reported that the key was found in public"),
    "api_key.dead_secret_used": ("triangle-alert", "refused a dead secret"),
    "api_key.incident_closed": ("check", "looked into the use of dead secrets"),
}
FIELDS = {
    "name": "Name",
    "note": "Kept in",
    "scopes": "Scopes",
    "networks": "IP allowlist",
    "starts_at": "Starts",
    "expires_at": "Expires",
}


LEAKED = {
    leak.REVOKED: "It was revoked at once",
    leak.TOLD: "It was left working, as the workspace wants it",
    leak.DEAD: "This secret did not work any more",
}


@dataclass(frozen=True, slots=True)
class Detail:
    """A line below the sentence: words, or words and the scopes that they are about."""

    words: str
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Happening:
    at: datetime
    icon: str
    who: str
    did: str
    details: list[Detail]


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that two people see differently."""

    field: str
    stored: str
    mine: str


def told(events: Iterable[AuditEvent]) -> list[Happening]:
    return [_happening(event) for event in events]


def differences(changes: dict[str, list[Any]]) -> list[Difference]:
    """What is stored beside what was entered, from `key_settings.changes`."""
    return [
        Difference(FIELDS[field], in_words(field, old), in_words(field, new)) for field, (old, new) in changes.items()
    ]


def in_words(field: str, value: Any) -> str:
    """A value of the audit trail, or of `KeySettings.facts`, as people read it."""
    if field == "networks":
        return ", ".join(map(str, value)) if value else "any address"
    if field == "scopes":
        return ", ".join(map(str, value)) if value else "none"
    if field == "expires_at":
        return _moment(value) if value else "no expiration"
    if field == "starts_at":
        return _moment(value) if value else "at once"
    return f"“{value}”" if value else "nothing"


def _happening(event: AuditEvent) -> Happening:
    # What a later version records is told by its name.
    unknown = ("info", event.action.partition(".")[2].replace("_", " ") or event.action)
    icon, did = ACTIONS.get(event.action, unknown)
    who = f"Key {event.actor_name}" if event.actor_kind == "key" else event.actor_name
    return Happening(event.at, icon, who, did, list(_details(event.action, event.facts)))


def _details(action: str, facts: dict[str, Any]) -> Iterator[Detail]:
    if action == "api_key.created":
        yield from _as_created(facts)
    elif action in ("api_key.edited", "api_key.widened"):
        for field, values in facts.items():
            yield from _change(field, *values)
    elif action == "api_key.dead_secret_used":
        yield from _dead_secret(facts)
    elif action == "api_key.rotated":
        yield Detail(f"The old secret, gr_{facts.get('old', '…')}, stopped working at once")
    elif action == "api_key.leaked":
        yield from _as_leaked(facts)
    elif action == "api_key.revoked":
        yield Detail(f"Reason: {REASONS.get(facts.get('reason', ''), 'not given')}")
        if facts.get("note"):
            yield Detail(in_words("note", facts["note"]))


def _as_leaked(facts: dict[str, Any]) -> Iterator[Detail]:
    if facts.get("url"):
        yield Detail(f"At {facts['url']}")
    yield Detail(LEAKED.get(facts.get("outcome", ""), ""))


def _dead_secret(facts: dict[str, Any]) -> Iterator[Detail]:
    place = "many places" if facts.get("address") == "*" else facts.get("address", "")
    yield Detail(f"From {place}{', ' + facts['client'] if facts.get('client', '*') not in ('', '*') else ''}")
    if facts.get("wanted_rotation"):
        yield Detail("It asked for a new secret")


def _as_created(facts: dict[str, Any]) -> Iterator[Detail]:
    yield Detail("With", tuple(facts.get("scopes", ())))
    if facts.get("networks"):
        yield Detail(f"Only from {in_words('networks', facts['networks'])}")
    if facts.get("starts_at"):
        yield Detail(f"Starts {in_words('starts_at', facts['starts_at'])}")
    end = in_words("expires_at", facts.get("expires_at"))
    yield Detail(f"Expires {end}" if facts.get("expires_at") else end.capitalize())


def _change(field: str, old: Any, new: Any) -> Iterator[Detail]:
    if field != "scopes":
        yield Detail(f"{FIELDS.get(field, field)}: {in_words(field, old)} → {in_words(field, new)}")
        return
    if added := tuple(each for each in new if each not in old):
        yield Detail("Added", added)
    if removed := tuple(each for each in old if each not in new):
        yield Detail("Removed", removed)


def _moment(text: str) -> str:
    return format.day_time(datetime.fromisoformat(text))
