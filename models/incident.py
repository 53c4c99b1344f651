"""The tripwire: uses of secrets that are dead, one incident for each key and place. People decide what it was.

A stale deployment looks exactly like a thief, so the rest of the key lives on.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from peewee import BigIntegerField, BooleanField, ForeignKeyField, TextField

from models import incident_evidence, key_mail, metrics
from models.actor import SYSTEM, Actor
from models.api_key import ApiKey
from models.audit import AuditEvent
from models.database import UTCDateTimeField, WorkspaceRecord, from_microseconds, id_field, now, transaction
from models.usage_journal import Use
from models.workspace import Workspace

# Places of a key that are kept apart; all others are one incident.
MOST = 50
ELSEWHERE = "*"
ROTATE = "/rotate"


class Sighting(NamedTuple):
    """Uses of one dead secret from one place: how many, when first, and the last of them."""

    requests: int
    first: int
    last: Use


class Incident(WorkspaceRecord):
    """Uses of dead secrets of a key from an address with a client, until somebody has looked into it."""

    id = id_field("inc")
    workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
    workspace_id: str
    key = ForeignKeyField(ApiKey, on_delete="CASCADE", index=False)
    key_id: str
    # The one that was seen last.
    secret_id = TextField()
    address = TextField()
    client = TextField()
    request = TextField()
    count = BigIntegerField()
    first_at = UTCDateTimeField()
    last_at = UTCDateTimeField()
    # It asked for a new secret with a dead one.
    wanted_rotation = BooleanField(default=False)
    resolved_at = UTCDateTimeField(null=True)
    resolved_by = TextField(null=True)

    class Meta:
        table_name = "incident"
        indexes = ((("key", "resolved_at"), False), (("workspace", "last_at"), False))

    @classmethod
    def open_of(cls, key: ApiKey) -> "list[Incident]":
        """What nobody has looked into yet, latest first."""
        query = cls.in_workspace(key.workspace_id).where(cls.key == key.id, cls.resolved_at.is_null())
        return list(query.order_by(cls.last_at.desc(), cls.id))

    @classmethod
    def open_in(cls, workspace_id: str) -> Any:
        """The open incidents of a workspace whose key was not deleted, as a query to refine."""
        listed = ApiKey.in_workspace(workspace_id).select(ApiKey.id)
        return cls.in_workspace(workspace_id).where(cls.resolved_at.is_null(), cls.key.in_(listed))

    @classmethod
    def resolve(cls, key: ApiKey, ids: Iterable[str], *, by: Actor) -> int:
        """Close those incidents of a key that somebody has seen. A later use opens a new one."""
        seen = set(ids)
        with transaction():
            key.workspace.hold()
            open_ones = [each for each in cls.open_of(key) if each.id in seen]
            if open_ones:
                mine = cls.id.in_([each.id for each in open_ones])
                cls.update(resolved_at=now(), resolved_by=by.name).where(mine, cls.resolved_at.is_null()).execute()
                places = [f"{each.address} {each.client}".strip() for each in open_ones]
                AuditEvent.write(
                    "api_key.incident_closed", key.id, workspace=key.workspace_id, by=by, places=places[:10]
                )
        return len(open_ones)


def see(key: ApiKey, sightings: Iterable[Sighting]) -> "list[Incident]":
    """Note uses of dead secrets of a key, in the transaction at hand; returns the incidents that this opened."""
    # Two machines may see the same place at once.
    key.workspace.hold()
    key = ApiKey.get_by_id(key.id)
    open_ones = {(each.address, each.client): each for each in Incident.open_of(key)}
    opened = []
    for count, first, last in sorted(sightings, key=lambda each: each.first):
        place = (last.address, last.client)
        if place not in open_ones and len(open_ones) >= MOST:
            place = (ELSEWHERE, ELSEWHERE)
        if place in open_ones:
            _add(open_ones[place], count, first, last)
        else:
            open_ones[place] = _open(key, place, count, first, last)
            opened.append(open_ones[place])
    return opened


def _add(incident: Incident, count: int, first: int, last: Use) -> None:
    at = from_microseconds(last.moment)
    changes: dict[str, object] = {
        "count": Incident.count + count,
        "first_at": min(incident.first_at, from_microseconds(first)),
        "wanted_rotation": incident.wanted_rotation or _is_rotation(last),
    }
    if at >= incident.last_at:
        changes |= {"last_at": at, "request": last.request, "secret_id": last.secret_id}
    Incident.update(changes).where(Incident.id == incident.id).execute()
    incident.last_at = max(incident.last_at, at)


def _open(key: ApiKey, place: tuple[str, str], count: int, first: int, last: Use) -> Incident:
    address, client = place
    incident = Incident.create(
        workspace=key.workspace_id, key=key.id, secret_id=last.secret_id, address=address, client=client,
        request=last.request, count=count, first_at=from_microseconds(first), last_at=from_microseconds(last.moment),
        wanted_rotation=_is_rotation(last),
    )  # fmt: skip
    [evidence] = incident_evidence.of(key, [(last.secret_id, address, client)])
    AuditEvent.write(
        "api_key.dead_secret_used", key.id, workspace=key.workspace_id, by=SYSTEM,
        address=address, client=client, request=last.request, wanted_rotation=incident.wanted_rotation,
        **evidence.facts,
    )  # fmt: skip
    key_mail.dead_secret_used(key, incident, evidence.facts)
    metrics.INCIDENTS.inc()
    return incident


def _is_rotation(use: Use) -> bool:
    return use.request.endswith(ROTATE)


def still_called(workspace_id: str, since: datetime) -> dict[str, int]:
    """Keys whose dead secrets were used since a moment, and how often since the incident opened."""
    found: dict[str, int] = {}
    for incident in Incident.open_in(workspace_id).where(Incident.last_at >= since):
        found[incident.key_id] = found.get(incident.key_id, 0) + incident.count
    return found
