"""Least privilege: which of its scopes a key uses, narrowing it to those, and the way back for a week."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from peewee import Case, fn

from models import scope, usage
from models.actor import Actor
from models.api_key import ApiKey
from models.audit import AuditEvent
from models.database import now, transaction
from models.errors import Conflict
from models.plan import Plan
from models.usage import CLIENT_ERROR, SERVER_ERROR, SUCCEEDED, KeyNetwork, UsageDay
from models.workspace import Workspace

# Days looked at, and days of use without which nothing is proposed.
LOOK, LEAST = 90, 30
UNDO = timedelta(days=7)
# How calls end that were not refused.
LET_IN = (SUCCEEDED, CLIENT_ERROR, SERVER_ERROR)
NARROWED, RESTORED = "api_key.narrowed", "api_key.restored"
GIVING = ("api_key.widened", "api_key.edited", RESTORED)

# Why nothing is proposed.
HISTORY, YOUNG, EARLY, UNUSED, IDLE, FITS = "history", "young", "early", "unused", "idle", "fits"

CHANGED = "What this key uses has changed since the page was opened. Nothing was changed: look at the advice again."
TOO_LATE = "There is nothing to undo: it was undone before, or longer than 7 days ago."
EDITED_SINCE = "The scopes of this key were changed since it was narrowed. Edit the key to give it what it needs."


# Scope → calls within 30 days, within all that are looked at, and the last day.
Counts = dict[str, tuple[int, int, datetime | None]]


@dataclass(frozen=True, slots=True)
class ScopeUse:
    """How much a scope was used. `last` is the beginning of a day of UTC; `given` when it was added lately."""

    name: str
    recent: int
    calls: int
    last: datetime | None
    given: datetime | None
    # False for what calls asked for that `admin:workspace` covers.
    is_held: bool


@dataclass(frozen=True, slots=True)
class Advice:
    """`days` is how far back it looks. `keep` is what the key should be narrowed to; empty with the reason `why`."""

    days: int
    uses: list[ScopeUse]
    keep: frozenset[str]
    why: str
    # Days that the key was used, or is old.
    waited: int

    @property
    def drop(self) -> list[str]:
        return [use.name for use in self.uses if use.is_held and use.name not in self.keep] if self.keep else []


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What the last narrowing took, while that can be undone."""

    at: datetime
    who: str
    before: frozenset[str]
    after: frozenset[str]

    @property
    def until(self) -> datetime:
        return self.at + UNDO

    @property
    def removed(self) -> list[str]:
        return scope.join(self.before - self.after).split()


def of(key: ApiKey, plan: Plan, moment: datetime) -> Advice:
    """What a key uses of its scopes, and what to do about the rest. Days are those of UTC, today included."""
    return of_each([key], plan, moment)[key.id]


def of_each(keys: Sequence[ApiKey], plan: Plan, moment: datetime) -> dict[str, Advice]:
    """The same for many keys of a workspace, by their ids, with as many statements as for one."""
    ids, days = [key.id for key in keys], min(LOOK, plan.history.days)
    counted, given = _counted(ids, days, moment), _given_lately(keys, moment)
    firsts = KeyNetwork.firsts_of(ids)
    return {
        key.id: _advice(key, days, counted[key.id], given[key.id], *_too_early(key, plan, moment, firsts.get(key.id)))
        for key in keys
    }


def _advice(key: ApiKey, days: int, counted: Counts, given: dict[str, datetime], why: str, waited: int) -> Advice:
    held, asked = scope.parse(key.scopes), frozenset(name for name in counted if name)
    shown = held | (asked if scope.ADMIN in held else frozenset())
    uses = []
    for name in scope.join(shown).split():
        recent, calls, last = counted.get(name, (0, 0, None))
        uses.append(ScopeUse(name, recent, calls, last, given.get(name), name in held))
    keep = _keep(held, asked, frozenset(given)) if not why else frozenset()
    if not why and keep == held:
        why, keep = FITS, frozenset()
    elif not why and not asked:
        why, keep = IDLE, frozenset()
    return Advice(days, uses, keep, why, waited)


def narrow(key: ApiKey, keep: frozenset[str], *, version: int, by: Actor) -> None:
    """Take from a key what it does not use. `keep` is what the advice said that the caller saw."""
    with transaction():
        key.workspace.hold()
        current = ApiKey.find(key.workspace_id, key.id)
        advice = of(current, Workspace.known(key.workspace_id).plan, now())
        if not advice.keep or advice.keep != keep:
            raise Conflict(CHANGED)
        current.edit(replace(current.settings, scopes=keep), version=version, by=by, action=NARROWED)


def narrowing(key: ApiKey, moment: datetime) -> Narrowing | None:
    """The narrowing that can still be undone: of the last 7 days, and the scopes are as it left them."""
    found = _last_narrowing(key, moment)
    return found if found and found.after == scope.parse(key.scopes) else None


def undo(key: ApiKey, *, by: Actor) -> None:
    """Give back exactly what the last narrowing took. Whoever does it must be one who may give that."""
    with transaction():
        key.workspace.hold()
        current = ApiKey.find(key.workspace_id, key.id)
        found = _last_narrowing(current, now())
        if found is None:
            raise Conflict(TOO_LATE)
        if found.after != scope.parse(current.scopes):
            raise Conflict(EDITED_SINCE)
        settings = replace(current.settings, scopes=found.before)
        current.edit(settings, version=current.version, by=by, action=RESTORED)


def _too_early(key: ApiKey, plan: Plan, moment: datetime, first: datetime | None) -> tuple[str, int]:
    """Why there is too little to go by, and for how many days there is something."""
    if plan.history.days < LEAST:
        return HISTORY, 0
    age = (moment - max(key.created_at, key.starts_at or key.created_at)).days
    if first is None:
        return (YOUNG, max(0, age)) if age < LEAST else (UNUSED, age)
    used = (moment - first).days
    return (EARLY, max(0, used)) if used < LEAST else ("", used)


def _keep(held: frozenset[str], asked: frozenset[str], given: frozenset[str]) -> frozenset[str]:
    """What of the scopes is used or too new to tell. In place of administration: what its calls asked for."""
    if scope.ADMIN not in held:
        return held & (asked | given)
    return held if scope.ADMIN in asked | given else asked | (held & given)


def _counted(key_ids: list[str], days: int, moment: datetime) -> dict[str, Counts]:
    """Scope → calls that were let in within 30 days, within all days, and the last day. By the ids of the keys."""
    today, found = usage.day_of(moment), {key_id: Counts() for key_id in key_ids}
    for key_id, name, recent, calls, last in query(key_ids, today - days + 1, today - LEAST + 1).tuples():
        found[key_id][name] = int(recent), int(calls), usage.start_of_day(last)
    return found


def query(key_ids: list[str], first_day: int, recent_day: int) -> Any:
    """By the day, which holds a few rows where the networks and routes of the same calls hold thousands."""
    row = UsageDay
    recent = Case(None, [(row.day >= recent_day, row.count)], 0)
    return (
        row.select(row.key_id, row.scope, fn.SUM(recent), fn.SUM(row.count), fn.MAX(row.day))
        .where(row.key_id.in_(key_ids), row.day >= first_day, row.outcome.in_(LET_IN))
        .group_by(row.key_id, row.scope)
    )


def _given_lately(keys: Sequence[ApiKey], moment: datetime) -> dict[str, dict[str, datetime]]:
    """The scopes that keys got within the days without which nothing is proposed, and when. By their ids."""
    given: dict[str, dict[str, datetime]] = {key.id: {} for key in keys}
    events = AuditEvent.select().where(
        AuditEvent.workspace.in_({key.workspace_id for key in keys}), AuditEvent.subject.in_(list(given)),
        AuditEvent.action.in_(GIVING), AuditEvent.at > moment - timedelta(days=LEAST),
    )  # fmt: skip
    for event in events.order_by(AuditEvent.at):
        before, after = event.facts.get("scopes", ((), ()))
        given[event.subject] |= dict.fromkeys(set(after) - set(before), event.at)
    return given


def _last_narrowing(key: ApiKey, moment: datetime) -> Narrowing | None:
    """The last one of 7 days, unless it was undone."""
    events = AuditEvent.in_workspace(key.workspace_id).where(
        AuditEvent.subject == key.id, AuditEvent.action.in_((NARROWED, RESTORED)), AuditEvent.at > moment - UNDO
    )
    last = events.order_by(AuditEvent.at.desc(), AuditEvent.id.desc()).first()
    if last is None or last.action != NARROWED:
        return None
    before, after = last.facts["scopes"]
    return Narrowing(last.at, last.actor_name, frozenset(before), frozenset(after))
