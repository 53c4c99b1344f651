"""The keys of a workspace that somebody should look at: why, since when, and what would break without them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import JOIN

from models import impact, incident, key_advice, key_list, scope
from models.api_key import ApiKey
from models.audit import AuditEvent
from models.impact import Impact
from models.incident import Incident
from models.key_secret import KeySecret
from models.member import Member
from models.workspace import Workspace

UNUSED, EXPIRING, ROTATION, LEFT, WIDE, CALLED = SECTIONS = (
    "unused", "expiring", "rotation_due", "left", "wide", "called",
)  # fmt: skip
# Keys of a section that are listed, and keys whose use of scopes is looked at: those that were used last.
MOST, LOOKED_AT = 50, 100
CALLED_WITHIN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A key in a section: since when it is there, and what would break if it stopped."""

    key: ApiKey
    since: datetime | None
    breaks: Impact
    # Of an over-privileged key: what it would keep, and what it would lose.
    keep: frozenset[str] = frozenset()
    drop: tuple[str, ...] = ()
    # Calls with a dead secret.
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """The keys of a section that are listed, those that need it most first, and how many there are."""

    name: str
    listed: list[Candidate]
    found: int

    def taken_by_all(self, moment: datetime) -> list[Candidate]:
        """What is meant by all of them: not what has ended, nor what somebody wants kept though nobody uses it."""
        return [
            each
            for each in self.listed
            if each.key.is_live(moment) and not (self.name == UNUSED and each.key.exempt_reason is not None)
        ]


def sections(workspace: Workspace, moment: datetime) -> list[Section]:
    return [section(workspace, name, moment) for name in SECTIONS]


def section(workspace: Workspace, name: str, moment: datetime) -> Section:
    if name == WIDE:
        return _over_privileged(workspace, moment)
    if name == CALLED:
        return _still_called(workspace, moment)
    conditions = key_list.conditions_of(workspace.id, moment)
    wanted = {
        UNUSED: conditions["unused"],
        EXPIRING: conditions["expiring"],
        ROTATION: conditions["active"] & key_list.rotation_due(workspace.policy, moment),
        LEFT: conditions["left"],
    }[name]
    # What somebody has decided about does not stand in front of what waits for a decision.
    decided = (ApiKey.exempt_reason.is_null(False), ApiKey.quarantined_at.is_null(False))
    urgent = ApiKey.expires_at if name == EXPIRING else ApiKey.last_used_at.asc(nulls="FIRST")
    rows = _keys(workspace.id).where(wanted)
    keys = list(rows.order_by(*decided, urgent, ApiKey.name_folded, ApiKey.id).limit(MOST))
    since, breaks = _since(workspace.id, name, keys), impact.of_stops(workspace, keys)
    listed = [Candidate(key, since.get(key.id), breaks[key.id]) for key in keys]
    return Section(name, listed, len(keys) if len(keys) < MOST else rows.count())


def _keys(workspace_id: str) -> Any:
    return (
        ApiKey.select(ApiKey, Member)
        .join(Member, JOIN.LEFT_OUTER, on=ApiKey.creator)
        .where(ApiKey.workspace == workspace_id, ApiKey.deleted_at.is_null())
    )


def _since(workspace_id: str, name: str, keys: list[ApiKey]) -> dict[str, datetime]:
    """Since when each key is in a section, as far as that is known."""
    if name == LEFT:
        return _left_at(workspace_id, keys)
    if name == ROTATION:
        return {row.key_id: row.created_at for row in KeySecret.current([key.id for key in keys])}
    return {key.id: key.idle_since if name == UNUSED else key.expires_at for key in keys}


def _over_privileged(workspace: Workspace, moment: datetime) -> Section:
    live = key_list.conditions_of(workspace.id, moment)["active"] & ApiKey.last_used_at.is_null(False)
    # With one scope there is nothing to take away, and before it is old enough nothing is known.
    several = ApiKey.scopes.contains(" ") | (ApiKey.scopes == scope.ADMIN)
    old = ApiKey.created_at <= moment - timedelta(days=key_advice.LEAST)
    keys = list(_keys(workspace.id).where(live, several, old).order_by(ApiKey.last_used_at.desc()).limit(LOOKED_AT))
    advice = key_advice.of_each(keys, workspace.plan, moment)
    advised = [(key, advice[key.id]) for key in keys if advice[key.id].keep]
    breaks = impact.of_stops(workspace, [key for key, _ in advised[:MOST]])
    listed = []
    for key, its in advised[:MOST]:
        since = max(moment - timedelta(days=its.days), key.created_at)
        listed.append(Candidate(key, since, breaks[key.id], its.keep, tuple(its.drop)))
    return Section(WIDE, listed, len(advised))


def _still_called(workspace: Workspace, moment: datetime) -> Section:
    counts = incident.still_called(workspace.id, moment - CALLED_WITHIN)
    most = sorted(counts, key=lambda key_id: -counts[key_id])[:MOST]
    firsts = {each.key_id: each.first_at for each in Incident.open_in(workspace.id).order_by(Incident.first_at.desc())}
    keys = list(_keys(workspace.id).where(ApiKey.id.in_(most)).order_by(ApiKey.name_folded))
    breaks = impact.of_stops(workspace, keys)
    listed = [Candidate(key, firsts.get(key.id), breaks[key.id], calls=counts[key.id]) for key in keys]
    return Section(CALLED, listed, len(counts))


def _left_at(workspace_id: str, keys: Iterable[ApiKey]) -> dict[str, datetime]:
    """When the people behind keys left or lost the role, as far as the history goes."""
    made = _first(keys)
    events = AuditEvent.in_workspace(workspace_id)
    created = events.where(AuditEvent.subject.in_(list(made.values())), AuditEvent.action == "api_key.created")
    makers = {event.subject: event.actor_id for event in created if event.actor_id}
    gone = dict(_gone(workspace_id, set(makers.values())))
    return {key_id: gone[makers[first]] for key_id, first in made.items() if makers.get(first) in gone}


def _first(keys: Iterable[ApiKey]) -> dict[str, str]:
    """The key that a person made, of each key, where keys made keys. A statement for each generation."""
    made = {key.id: key.id for key in keys}
    makers = {key.id: key.creator_key_id for key in keys}
    while wanted := {makers.get(first) for first in made.values()} - {None}:
        unknown = [key_id for key_id in wanted if key_id not in makers]
        makers |= {key.id: key.creator_key_id for key in ApiKey.select().where(ApiKey.id.in_(unknown))}
        made = {key_id: makers.get(first) or first for key_id, first in made.items()}
    return made


def _gone(workspace_id: str, people: set[str]) -> Iterator[tuple[str, datetime]]:
    about = AuditEvent.in_workspace(workspace_id).where(AuditEvent.subject.in_(list(people)))
    # The last one of each stays.
    for event in about.order_by(AuditEvent.at):
        if event.action == "member.removed" or ("role" in event.facts and event.action == "member.changed"):
            yield event.subject, event.at
