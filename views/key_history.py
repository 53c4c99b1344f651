"""The history of a key in words: what the audit trail holds of it, as a page tells it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from models import ApiKey, KeyNetwork, leak, usage_sums
from models.audit import AuditEvent
from models.database import now
from models.key_settings import REASONS
from views import format

# Action → icon, sentence after the name of whoever did it.
ACTIONS = {
    "api_key.created": ("plus", "created the key"),
    "api_key.edited": ("pencil", "edited the key"),
    "api_key.widened": ("shield", "gave the key more"),
    "api_key.narrowed": ("shield", "narrowed the key to what it uses"),
    "api_key.restored": ("shield", "undid the narrowing"),
    "api_key.disabled": ("pause", "disabled the key"),
    "api_key.enabled": ("play", "enabled the key"),
    "api_key.rotated": ("rotate-cw", "rotated the key"),
    "api_key.rotation_finished": ("check", "stopped the old key"),
    "api_key.rotation_extended": ("clock", "gave the old key more time"),
    "api_key.rotation_undone": ("x", "undid the rotation"),
    "api_key.overlap_ended": ("check", "ended the overlap"),
    "api_key.flagged": ("clock", "found the key unused"),
    "api_key.unflagged": ("check", "saw the key in use again"),
    "api_key.quarantined": ("pause", "put the key in quarantine"),
    "api_key.woken": ("play", "woke the key"),
    "api_key.exempted": ("shield", "spared the key from the clean-up"),
    "api_key.exemption_ended": ("clock", "let the clean-up see the key again"),
    "api_key.revoked": ("ban", "revoked the key"),
    "api_key.deleted": ("trash-2", "deleted the key"),
    "api_key.leaked": ("triangle-alert", "reported that the key was found in public"),
    "api_key.dead_secret_used": ("triangle-alert", "refused a dead secret"),
    "api_key.incident_closed": ("check", "looked into the use of dead secrets"),
}
CHANGING = ("api_key.edited", "api_key.widened", "api_key.narrowed", "api_key.restored")
NEW_NETWORK = "api_key.new_network"
FIELDS = {
    "name": "Name",
    "note": "Kept in",
    "scopes": "Scopes",
    "networks": "IP allowlist",
    "starts_at": "Starts",
    "expires_at": "Expires",
}

# Entries of a page, how many events are read for them, and networks of a day that their one entry names.
MOST, READ, NAMED = 50, 50 + usage_sums.NETWORKS, 5

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


def of(key: ApiKey) -> list[Happening]:
    """The newest entries in the history of a key, newest first."""
    first = KeyNetwork.first_of(key.id)
    found = told(AuditEvent.about(key.workspace_id, key.id, READ), first.network if first else None)
    if ended := _expiry(key):
        found.insert(next((place for place, each in enumerate(found) if each.at <= ended.at), len(found)), ended)
    return found[:MOST]


def told(events: Iterable[AuditEvent], first_network: str | None = None) -> list[Happening]:
    """Events in words. Those of new networks are told by the day, where the newest of them stands."""
    groups: list[list[AuditEvent]] = []
    days: dict[tuple[date, bool], list[AuditEvent]] = {}
    for event in events:
        group = [event]
        if event.action == NEW_NETWORK:
            is_first = event.facts.get("network") == first_network
            group = days.setdefault((event.at.astimezone(format.zone()).date(), is_first), [])
            group.append(event)
        if len(group) == 1:
            groups.append(group)
    return [
        _new_networks(group, first_network) if group[0].action == NEW_NETWORK else _happening(group[0])
        for group in groups
    ]


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


def _expiry(key: ApiKey) -> Happening | None:
    """That the key expired, which nobody does: the audit trail has no event of it."""
    end, moment = key.expires_at, now()
    is_told = end and moment - key.workspace.plan.history <= end <= moment and not key.revoked_at
    return Happening(end, "clock", "The key", "expired", []) if is_told else None


def _happening(event: AuditEvent) -> Happening:
    # What a later version records is told by its name.
    unknown = ("info", event.action.partition(".")[2].replace("_", " ") or event.action)
    icon, did = ACTIONS.get(event.action, unknown)
    who = f"Key {event.actor_name}" if event.actor_kind == "key" else event.actor_name
    return Happening(event.at, icon, who, did, list(_details(event.action, event.facts)))


def _new_networks(events: list[AuditEvent], first_network: str | None) -> Happening:
    newest = events[0]
    facts = newest.facts
    names = [event.facts.get("network") or "an unknown address" for event in events]
    if len(names) > 1:
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return Happening(
            newest.at, "network", f"{len(names)} new networks", "", [Detail(", ".join(names[:NAMED]) + more)]
        )
    client = f", {facts['client']}" if facts.get("client") else ""
    details = [Detail(f"By {newest.address or 'an unknown address'}{client}")]
    if facts.get("request"):
        details.append(Detail(format.route(facts["request"])))
    if facts.get("network") == first_network:
        return Happening(newest.at, "network", "First used,", f"from {names[0]}", details)
    return Happening(newest.at, "network", "New network,", names[0], details)


def _details(action: str, facts: dict[str, Any]) -> Iterator[Detail]:
    if action == "api_key.created":
        yield from _as_created(facts)
    elif action in CHANGING:
        for field, values in facts.items():
            yield from _change(field, *values)
    elif action == "api_key.dead_secret_used":
        yield from _dead_secret(facts)
    elif action == "api_key.leaked":
        yield from _as_leaked(facts)
    elif action.startswith("api_key.rotat"):
        yield from _of_rotation(action, facts)
    elif action == "api_key.overlap_ended":
        yield from _overlap_ended(facts)
    elif action == "api_key.flagged":
        yield Detail(f"It will be put in quarantine on {in_words('expires_at', facts.get('quarantine_at'))}")
    elif action == "api_key.exempted":
        yield Detail(in_words("note", facts.get("reason")))
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
    if facts.get("secret"):
        yield Detail(f"With {facts['secret']}")
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


def _of_rotation(action: str, facts: dict[str, Any]) -> Iterator[Detail]:
    old = f"The old key, {facts.get('old', 'gr_…')}"
    if action == "api_key.rotation_undone":
        yield Detail(f"The new key, {facts['stopped']}, stopped working at once, and {facts['old']} works on")
    elif action == "api_key.rotation_extended":
        yield Detail(f"{old}: {_moment(facts['before'])} → {_moment(facts['ends_at'])}")
    elif facts.get("ends_at"):
        yield Detail(f"{old}, works until {_moment(facts['ends_at'])} at most")
    else:
        yield Detail(f"{old}, stopped working at once")
    if facts.get("also_stopped"):
        yield Detail(f"So did the one before it, {facts['also_stopped']}")


def _overlap_ended(facts: dict[str, Any]) -> Iterator[Detail]:
    yield Detail(f"The old key, {facts['old']}, stopped working on {_moment(facts['ends_at'])}")
    if not facts.get("used_at"):
        yield Detail("Nothing had used it since the rotation")
        return
    client = facts["used_by"] or "an unnamed client"
    yield Detail(f"It was last used on {_moment(facts['used_at'])} from {facts['used_from']}, {client}")


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
