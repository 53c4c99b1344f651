"""Whom a policy would affect, told before it is saved: keys that would not fit, people who could not create any."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from models import cleanup, key_list, role, scope
from models.api_key import ApiKey
from models.member import Member
from models.policy import Policy, misfits
from models.workspace import Workspace

MOST_LISTED = 50


@dataclass(slots=True)
class Effect:
    """What a change of the policy does. At most `MOST_LISTED` keys that no longer fit are listed, with the reasons."""

    over: list[tuple[ApiKey, list[str]]] = field(default_factory=list)
    over_count: int = 0
    # How many more keys than now would count as unused, and how many more secrets as due for rotation.
    unused: int = 0
    rotation_due: int = 0
    # The names of those who could not create keys any more, and how many keys could not.
    people: list[str] = field(default_factory=list)
    admin_keys: int = 0

    # Unused keys that the clean-up in stages would begin with, and keys in quarantine that it would go on with: at most
    # those that are listed, and how many.
    flagged: list[ApiKey] = field(default_factory=list)
    flagged_count: int = 0
    aside: list[ApiKey] = field(default_factory=list)
    aside_count: int = 0

    @property
    def anything(self) -> bool:
        more = max(self.unused, self.rotation_due) > 0
        counts = (self.over_count, self.admin_keys, self.flagged_count, self.aside_count)
        return bool(more or self.people or any(counts))


def of(workspace: Workspace, after: Policy, moment: datetime) -> Effect:
    """What would change for the working keys and the people of a workspace. Nothing that works would stop."""
    before, found = workspace.policy, Effect()
    for key in ApiKey.active(workspace.id, moment).order_by(ApiKey.name_folded, ApiKey.id).iterator():
        had = misfits(key, before, moment)
        new = [words for name, words in misfits(key, after, moment).items() if name not in had]
        if new:
            found.over_count += 1
            if len(found.over) < MOST_LISTED:
                found.over.append((key, new))
    found.unused = _unused(workspace, after, moment) - _unused(workspace, before, moment)
    found.rotation_due = _due(workspace, after, moment) - _due(workspace, before, moment)
    if after.staged_cleanup and after != before:
        found.flagged, found.flagged_count = _listed(cleanup.due(workspace, after, moment))
    if after.staged_cleanup and not before.staged_cleanup:
        found.aside, found.aside_count = _listed(cleanup.aside(workspace, moment))
    if after.creators != before.creators:
        found.people = list(_who_loses(workspace, before, after))
        found.admin_keys = _admin_keys(workspace, moment) if not after.lets_create(role.KEY_TOUCHES) else 0
    return found


def _listed(keys: Any) -> tuple[list[ApiKey], int]:
    return list(keys.order_by(ApiKey.name_folded, ApiKey.id).limit(MOST_LISTED)), keys.count()


def _unused(workspace: Workspace, policy: Policy, moment: datetime) -> int:
    return int(ApiKey.active(workspace.id, moment).where(key_list.unused(policy, moment)).count())


def _due(workspace: Workspace, policy: Policy, moment: datetime) -> int:
    return int(ApiKey.active(workspace.id, moment).where(key_list.rotation_due(policy, moment)).count())


def _who_loses(workspace: Workspace, before: Policy, after: Policy) -> Iterator[str]:
    managers = Member.in_workspace(workspace.id).where(Member.role.in_(role.MANAGERS)).order_by(Member.name, Member.id)
    for member in managers:
        touches = role.TOUCHES[member.role]
        if before.lets_create(touches) and not after.lets_create(touches):
            yield member.name


def _admin_keys(workspace: Workspace, moment: datetime) -> int:
    return int(ApiKey.active(workspace.id, moment).where(ApiKey.scopes.contains(scope.ADMIN)).count())
