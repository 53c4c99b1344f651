"""Doing something about many keys in one go, and taking it back.

What is done is decided anew for each key: one that was changed, used or ended since it was shown is left alone, and the
outcome says why. Each key is a transaction of its own, so whatever stops the rest leaves whole keys behind.
"""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from peewee import PeeweeException

from models import key_advice, key_settings, scope
from models.actor import Actor
from models.api_key import ApiKey
from models.database import now, to_microseconds, transaction
from models.errors import Conflict, DomainError, NotFound
from models.key_review import CALLED, EXPIRING, LEFT, ROTATION, UNUSED, WIDE, Candidate
from models.secret import Secret
from models.workspace import Workspace

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
UNDOABLE = (QUARANTINE, NARROW, EXTEND_30, EXTEND_90)
ASLEEP = "It is in quarantine already."
CHANGED = "It was changed in the meantime."
GONE = "It was deleted in the meantime."
UNSURE = "The database did not say that this was saved. Look at the key before you try again."
SEEN = re.compile(r"(key_[0-9a-z]{1,40}):([0-9]{1,9}):([0-9]{1,19}):([a-z.+]{0,300})", re.ASCII)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """A key as it was shown to whoever decided about it."""

    key_id: str
    version: int
    used: int = 0
    keep: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        return f"{self.key_id}:{self.version}:{self.used}:{scope.join(self.keep).replace(':', '.').replace(' ', '+')}"

    @classmethod
    def of(cls, each: Candidate) -> "Seen":
        used = to_microseconds(each.key.last_used_at) if each.key.last_used_at else 0
        return cls(each.key.id, each.key.version, used, each.keep)

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
    is_there: bool = True
    # The key as it is since, where something was done.
    key: ApiKey | None = None
    # Of a key that was rotated: the new one, to be shown once.
    secret: Secret | None = None

    @property
    def done(self) -> bool:
        return not self.reason

    @property
    def seen(self) -> Seen:
        return Seen(self.key_id, self.key.version if self.key else 0)


def extended(key: ApiKey, action: str) -> datetime | None:
    """When a key would end after it was extended."""
    found: datetime | None = key.expires_at and key.expires_at + EXTENSIONS[action]
    return found


def objection_to(key: ApiKey, workspace: Workspace, action: str, moment: datetime) -> str:
    """Why an action would leave this key alone as it is now, where that is known beforehand."""
    if action == QUARANTINE and key.quarantined_at is not None:
        return ASLEEP
    if action in EXTENSIONS and key.expires_at is not None:
        wanted = replace(key.settings, expires_at=extended(key, action))
        try:
            key_settings.checked(wanted, workspace.plan, moment, key.settings, workspace.policy)
        except DomainError as problem:
            return problem.detail
    return ""


def act(
    workspace_id: str, section: str, action: str, chosen: Iterable[Seen], *, by: Actor, overlap: str = ""
) -> list[Outcome]:
    """Do it to each key that is still as it was shown. What cannot be done to one stops none of the others.

    New secrets are told of by this answer alone, so it comes even when the database fails in the middle.
    """
    return [_act(workspace_id, section, action, seen, by, overlap) for seen in chosen]


def undo(workspace_id: str, action: str, chosen: Iterable[Seen], *, by: Actor) -> list[Outcome]:
    """Wake keys again, give back what narrowing took, or move their ends back."""
    return [_undo(workspace_id, action, seen, by) for seen in chosen]


def _act(workspace_id: str, section: str, action: str, seen: Seen, by: Actor, overlap: str) -> Outcome:
    name = "A key"
    try:
        with transaction():
            Workspace(id=workspace_id).hold()
            key = ApiKey.find(workspace_id, seen.key_id)
            name = key.name
            if reason := _objection(key, section, action, seen):
                return Outcome(key.id, key.name, reason)
            if action == ROTATE:
                return Outcome(key.id, key.name, key=key, secret=key.rotate(by=by, overlap=overlap))
            _do(key, action, seen, by)
            return Outcome(key.id, key.name, key=ApiKey.find(workspace_id, key.id))
    except NotFound:
        return Outcome(seen.key_id, name, GONE, is_there=False)
    except DomainError as problem:
        return Outcome(seen.key_id, name, problem.detail)
    except PeeweeException:
        log.exception("one of many keys could not be saved")
        return Outcome(seen.key_id, name, UNSURE)


def _objection(key: ApiKey, section: str, action: str, seen: Seen) -> str:
    if not key.is_live(now()):
        return "It was revoked or has expired in the meantime."
    if action == QUARANTINE and key.quarantined_at is not None:
        return ASLEEP
    if key.version != seen.version:
        return CHANGED
    used = key.last_used_at
    if section == UNUSED and used is not None and to_microseconds(used) != seen.used:
        return "It was used in the meantime."
    return ""


def _do(key: ApiKey, action: str, seen: Seen, by: Actor) -> None:
    if action in EXTENSIONS:
        if key.expires_at is None:
            raise Conflict("It has no expiration any more.")
        key.edit(replace(key.settings, expires_at=extended(key, action)), version=key.version, by=by)
    elif action == NARROW:
        key_advice.narrow(key, seen.keep, version=key.version, by=by)
    elif action == QUARANTINE:
        key.quarantine(by=by)
    else:
        key.revoke(by=by, reason="unneeded", note="Cleaned up with others.")


def _undo(workspace_id: str, action: str, seen: Seen, by: Actor) -> Outcome:
    try:
        key = ApiKey.find(workspace_id, seen.key_id)
        if action in EXTENSIONS:
            _shorten(key, EXTENSIONS[action], seen, by)
        elif action == NARROW:
            key_advice.undo(key, by=by)
        else:
            key.wake(by=by)
    except NotFound:
        return Outcome(seen.key_id, "A key", GONE, is_there=False)
    except DomainError as problem:
        return Outcome(key.id, key.name, problem.detail)
    return Outcome(key.id, key.name)


def _shorten(key: ApiKey, by_how_much: timedelta, seen: Seen, by: Actor) -> None:
    """Only what is as the extension left it: what somebody chose since is theirs."""
    if key.version != seen.version or key.expires_at is None:
        raise Conflict(CHANGED)
    key.edit(replace(key.settings, expires_at=key.expires_at - by_how_much), version=seen.version, by=by)
