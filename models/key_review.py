"""The keys of a workspace that somebody should look at, and doing something about many of them in one go.

What is done is decided anew for each key: one that was changed, used or ended since it was shown is left alone, and the
outcome says why.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from peewee import JOIN

from models import impact, incident, key_advice, key_list, scope
from models.actor import Actor
from models.api_key import ApiKey
from models.audit import AuditEvent
from models.database import now, to_microseconds, transaction
from models.errors import Conflict, DomainError, NotFound
from models.impact import Impact
from models.incident import Incident
from models.key_secret import KeySecret
from models.member import Member
from models.secret import Secret
from models.workspace import Workspace

UNUSED, EXPIRING, ROTATION, LEFT, WIDE, CALLED = SECTIONS = (
    "unused", "expiring", "rotation_due", "left", "wide", "called",
)  # fmt: skip
EXTEND_30, EXTEND_90, NARROW, ROTATE, QUARANTINE, REVOKE = ACTIONS = (
    "extend-30", "extend-90", "narrow", "rotate", "quarantine", "revoke",
)  # fmt: skip
EXTENSIONS = {EXTEND_30: timedelta(days=30), EXTEND_90: timedelta(days=90)}
# What makes sense where.
OFFERED = {
    UNUSED: (QUARANTINE, REVOKE),
    EXPIRING: (EXTEND_30, EXTEND_90, REVOKE),
    ROTATION: (ROTATE, QUARANTINE, REVOKE),
    LEFT: (ROTATE, QUARANTINE, REVOKE),
    WIDE: (NARROW, QUARANTINE, REVOKE),
    CALLED: (QUARANTINE, REVOKE),
}
# Keys of a section that are listed, and keys whose use of scopes is looked at: those that were used last.
MOST, LOOKED_AT = 50, 100
CALLED_WITHIN = timedelta(days=30)
SEEN = re.compile(r"(key_[0-9a-z]{1,40}):([0-9]{1,9}):([0-9]{1,19}):([a-z.+]{0,300})", re.ASCII)


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

    @property
    def seen(self) -> "Seen":
        used = to_microseconds(self.key.last_used_at) if self.key.last_used_at else 0
        return Seen(self.key.id, self.key.version, used, self.keep)


@dataclass(frozen=True, slots=True)
class Seen:
    """A key as it was shown to whoever decided about it."""

    key_id: str
    version: int
    used: int
    keep: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        return f"{self.key_id}:{self.version}:{self.used}:{scope.join(self.keep).replace(':', '.').replace(' ', '+')}"

    @classmethod
    def read(cls, text: str) -> "Seen | None":
        match = SEEN.fullmatch(text)
        if match is None:
            return None
        keep = frozenset(match[4].replace(".", ":").split("+")) - {""}
        return cls(match[1], int(match[2]), int(match[3]), keep)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one key: done, or left alone and why."""

    key_id: str
    name: str
    reason: str = ""
    # Of a key that was rotated: the new one, to be shown once.
    secret: Secret | None = None

    @property
    def done(self) -> bool:
        return not self.reason


def sections(workspace: Workspace, moment: datetime) -> dict[str, list[Candidate]]:
    """Each section with its keys, those that need it most first."""
    return {name: candidates(workspace, name, moment) for name in SECTIONS}


def candidates(workspace: Workspace, section: str, moment: datetime) -> list[Candidate]:
    if section == WIDE:
        return list(_over_privileged(workspace, moment))[:MOST]
    if section == CALLED:
        return list(_still_called(workspace, moment))[:MOST]
    conditions = key_list.conditions_of(workspace.id, moment)
    wanted = {
        UNUSED: conditions["unused"],
        EXPIRING: conditions["expiring"],
        ROTATION: conditions["active"] & key_list.rotation_due(workspace.policy, moment),
        LEFT: conditions["left"],
    }[section]
    order = ApiKey.expires_at if section == EXPIRING else ApiKey.last_used_at.asc(nulls="FIRST")
    keys = list(_keys(workspace.id).where(wanted).order_by(order, ApiKey.name_folded, ApiKey.id).limit(MOST))
    secrets = {row.key_id: row.created_at for row in KeySecret.current([key.id for key in keys])}
    since = {
        UNUSED: lambda key: key.idle_since,
        EXPIRING: lambda key: key.expires_at,
        ROTATION: lambda key: secrets.get(key.id),
        LEFT: _left_at,
    }[section]
    return [Candidate(key, since(key), impact.of_stop(key)) for key in keys]


def act(
    workspace_id: str, section: str, action: str, chosen: Iterable[Seen], *, by: Actor, overlap: str = ""
) -> list[Outcome]:
    """Do it to each key that is still as it was shown. What cannot be done to one stops none of the others."""
    return [_act(workspace_id, section, action, seen, by, overlap) for seen in chosen]


def undo(workspace_id: str, action: str, key_ids: Iterable[str], *, by: Actor) -> list[Outcome]:
    """Wake keys again, or give back what narrowing took."""
    return [_undo(workspace_id, action, key_id, by) for key_id in key_ids]


def _act(workspace_id: str, section: str, action: str, seen: Seen, by: Actor, overlap: str) -> Outcome:
    try:
        with transaction():
            Workspace(id=workspace_id).hold()
            key = ApiKey.find(workspace_id, seen.key_id)
            if reason := _objection(key, section, seen):
                return Outcome(key.id, key.name, reason)
            if action == ROTATE:
                return Outcome(key.id, key.name, secret=key.rotate(by=by, overlap=overlap))
            _do(key, action, seen, by)
            return Outcome(key.id, key.name)
    except NotFound:
        return Outcome(seen.key_id, "A key", "It was deleted in the meantime.")
    except DomainError as problem:
        return Outcome(seen.key_id, key.name, problem.detail)


def _objection(key: ApiKey, section: str, seen: Seen) -> str:
    if not key.is_live(now()):
        return "It was revoked or has expired in the meantime."
    if key.version != seen.version:
        return "It was changed in the meantime."
    used = key.last_used_at
    if section == UNUSED and used is not None and to_microseconds(used) != seen.used:
        return "It was used in the meantime."
    return ""


def _do(key: ApiKey, action: str, seen: Seen, by: Actor) -> None:
    if action in EXTENSIONS:
        if key.expires_at is None:
            raise Conflict("It has no expiration any more.")
        key.edit(replace(key.settings, expires_at=key.expires_at + EXTENSIONS[action]), version=key.version, by=by)
    elif action == NARROW:
        key_advice.narrow(key, seen.keep, version=key.version, by=by)
    elif action == QUARANTINE:
        if key.quarantined_at is not None:
            raise Conflict("It is in quarantine already.")
        key.quarantine(by=by)
    else:
        key.revoke(by=by, reason="unneeded", note="Cleaned up with others.")


def _undo(workspace_id: str, action: str, key_id: str, by: Actor) -> Outcome:
    name = "A key"
    try:
        key = ApiKey.find(workspace_id, key_id)
        name = key.name
        if action == QUARANTINE:
            key.wake(by=by)
        else:
            key_advice.undo(key, by=by)
    except DomainError as problem:
        return Outcome(key_id, name, problem.detail)
    return Outcome(key_id, name)


def _keys(workspace_id: str) -> Any:
    return (
        ApiKey.select(ApiKey, Member)
        .join(Member, JOIN.LEFT_OUTER, on=ApiKey.creator)
        .where(ApiKey.workspace == workspace_id, ApiKey.deleted_at.is_null())
    )


def _over_privileged(workspace: Workspace, moment: datetime) -> Iterator[Candidate]:
    live = key_list.conditions_of(workspace.id, moment)["active"] & ApiKey.last_used_at.is_null(False)
    for key in _keys(workspace.id).where(live).order_by(ApiKey.last_used_at.desc()).limit(LOOKED_AT):
        advice = key_advice.of(key, workspace.plan, moment)
        if advice.keep:
            since = moment - timedelta(days=advice.days)
            yield Candidate(key, since, impact.of_stop(key), advice.keep, tuple(advice.drop))


def _still_called(workspace: Workspace, moment: datetime) -> Iterator[Candidate]:
    counts = incident.still_called(workspace.id, moment - CALLED_WITHIN)
    firsts = {each.key_id: each.first_at for each in Incident.open_in(workspace.id).order_by(Incident.first_at.desc())}
    for key in _keys(workspace.id).where(ApiKey.id.in_(list(counts)[:MOST])).order_by(ApiKey.name_folded):
        yield Candidate(key, firsts.get(key.id), impact.of_stop(key), calls=counts[key.id])


def _left_at(key: ApiKey) -> datetime | None:
    """When the person behind the key left or lost the role, as far as the history goes."""
    events = AuditEvent.in_workspace(key.workspace_id)
    while key.creator_key_id is not None:
        key = ApiKey.get_by_id(key.creator_key_id)
    made = events.where(AuditEvent.subject == key.id, AuditEvent.action == "api_key.created").first()
    if made is None or made.actor_id is None:
        return None
    about = events.where(AuditEvent.subject == made.actor_id).order_by(AuditEvent.at.desc())
    for event in about:
        if event.action == "member.removed" or ("role" in event.facts and event.action == "member.changed"):
            found: datetime = event.at
            return found
    return None
