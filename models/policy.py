"""What the owners of a workspace ask of its keys. Forms, the API and the command line hold keys to it alike.

See docs/decisions/0018-policy.md.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Protocol

from models import network, role, scope
from models.errors import Invalid
from models.plan import Plan

MANAGERS, OWNERS = CREATORS = ("managers", "owners")
FEWEST_DAYS, MOST_DAYS = 1, 3650
DAYS = f"Enter a number of days from {FEWEST_DAYS} to {MOST_DAYS:,}"


@dataclass(frozen=True, slots=True)
class Policy:
    """The defaults are what a workspace has until an owner chooses otherwise."""

    longest_life_days: int | None = None
    expiry_required: bool = False
    admin_allowlist: bool = False
    unused_days: int = 90
    rotation_days: int = 90
    staged_cleanup: bool = False
    creators: str = MANAGERS

    @classmethod
    def read(cls, text: str) -> "Policy":
        """From the text of the table. What a later version stored besides is left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in json.loads(text).items() if name in known})

    @property
    def text(self) -> str:
        return json.dumps(asdict(self))

    @property
    def tag(self) -> str:
        """Tells this policy from any other one: a form that was made for another is out of date."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    @property
    def longest_life(self) -> timedelta | None:
        return None if self.longest_life_days is None else timedelta(days=self.longest_life_days)

    @property
    def unused_after(self) -> timedelta:
        return timedelta(days=self.unused_days)

    @property
    def rotation_after(self) -> timedelta:
        return timedelta(days=self.rotation_days)

    def lets_create(self, touches: Iterable[str]) -> bool:
        """Whether whoever may change people in these roles may create keys: only owners may change owners."""
        return self.creators == MANAGERS or role.OWNER in touches

    def differs_from(self, before: "Policy") -> dict[str, list[object]]:
        """What differs, as field → [before, after], for the audit trail."""
        old, new = asdict(before), asdict(self)
        return {field: [old[field], new[field]] for field in new if old[field] != new[field]}


class Wanted(Protocol):
    """What the policy looks at, of a key or of what is to become one."""

    @property
    def scopes(self) -> Any: ...
    @property
    def networks(self) -> Any: ...
    @property
    def expires_at(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """The plan and the policy of a workspace: of two limits the tighter holds."""

    plan: Plan
    policy: Policy

    @property
    def longest_life(self) -> timedelta | None:
        both = [life for life in (self.plan.longest_life, self.policy.longest_life) if life is not None]
        return min(both, default=None)

    @property
    def must_end(self) -> bool:
        return self.policy.expiry_required or self.longest_life is not None

    @property
    def about_end(self) -> str:
        """What the form of a key says beside its expiration; empty without a limit."""
        life = self.longest_life
        if life is not None and life != self.policy.longest_life:
            return f"Keys on the {self.plan.title} plan live at most {life.days} days."
        return about_life(self.policy) if life is not None else MUST_END if self.policy.expiry_required else ""


MUST_END = "Keys in this workspace must expire."
NEEDS_ALLOWLIST = f"Keys with {scope.ADMIN} need an IP allowlist in this workspace."
LETS_ALL_IN = "This one lets half of all addresses in, or more."


def about_life(policy: Policy) -> str:
    days = policy.longest_life_days
    return f"Keys in this workspace live at most {days} day{'s' * (days != 1)}."


def misfits(key: Wanted, policy: Policy, moment: datetime) -> dict[str, str]:
    """What of a key the policy would not let be made now: field → the rule in a sentence."""
    found, life, end = {}, policy.longest_life, key.expires_at
    if life is not None and (end is None or end > moment + life):
        found["expires_at"] = about_life(policy)
    elif policy.expiry_required and end is None:
        found["expires_at"] = MUST_END
    scopes, networks = (each.split() if isinstance(each, str) else each for each in (key.scopes, key.networks))
    if policy.admin_allowlist and scope.ADMIN in scopes and network.is_open(networks):
        found["networks"] = f"{NEEDS_ALLOWLIST} {LETS_ALL_IN}" if networks else NEEDS_ALLOWLIST
    return found


def known(policy: Policy) -> Policy:
    """The policy, if its values can be; `Invalid` names every mistake."""
    errors = {}
    if policy.longest_life_days is not None and not _is_days(policy.longest_life_days):
        errors["longest_life_days"] = f"{DAYS}, or leave it empty."
    for field in ("unused_days", "rotation_days"):
        if not _is_days(getattr(policy, field)):
            errors[field] = f"{DAYS}."
    if policy.creators not in CREATORS:
        errors["creators"] = "Choose who may create keys."
    if errors:
        raise Invalid(errors)
    return policy


def _is_days(number: int) -> bool:
    return FEWEST_DAYS <= number <= MOST_DAYS
