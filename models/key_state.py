"""What a key's row tells about it at a moment: its state, and whether somebody should look at it."""

from datetime import datetime, timedelta
from typing import Any

from models import network, role, secret
from models.actor import Actor
from models.policy import Policy

EXPIRING = timedelta(days=14)
UNUSED_NEW = timedelta(days=30)
USUAL = Policy()


def never_used_after(policy: Policy) -> timedelta:
    return min(UNUSED_NEW, policy.unused_after)


class KeyState:
    """The knowing half of `ApiKey`; every rule about time takes the moment, so that a page agrees with itself."""

    created_at: Any
    starts_at: Any
    expires_at: Any
    disabled_at: Any
    revoked_at: Any
    last_used_at: Any
    woken_at: Any
    quarantined_at: Any
    networks: Any
    creator_kind: Any
    creator_name: Any
    creator: Any
    behind_name: Any
    hint_start: Any
    hint_end: Any
    get_by_id: Any

    def is_live(self, moment: datetime) -> bool:
        """Neither revoked nor expired; a key ends at the very instant of `expires_at`."""
        return self.revoked_at is None and (self.expires_at is None or moment < self.expires_at)

    @classmethod
    def live(cls, moment: datetime) -> Any:
        """The condition for `is_live`."""
        return cls.revoked_at.is_null() & (cls.expires_at.is_null() | (cls.expires_at > moment))

    def state(self, moment: datetime) -> str:
        """revoked, expired, disabled, scheduled, quarantined or active: in the order in which a request is refused."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and moment >= self.expires_at:
            return "expired"
        if self.disabled_at is not None:
            return "disabled"
        if self.starts_at is not None and moment < self.starts_at:
            return "scheduled"
        return "active" if self.quarantined_at is None else "quarantined"

    def is_expiring(self, moment: datetime) -> bool:
        return self.is_live(moment) and self.expires_at is not None and self.expires_at <= moment + EXPIRING

    def is_unused(self, moment: datetime, policy: Policy = USUAL) -> bool:
        """Live, and not used for as long as the policy says, or never in 30 days since it was made."""
        return self.is_live(moment) and moment >= self.unused_from(policy)

    def unused_from(self, policy: Policy) -> datetime:
        """When the key counts as unused, if nobody uses it until then or says that it is needed."""
        return self.idle_since + (never_used_after(policy) if self.last_used_at is None else policy.unused_after)

    @property
    def idle_since(self) -> datetime:
        """The last use, or what the wait for a first one began with; or when somebody said that the key is needed."""
        since = self.last_used_at or max(self.created_at, self.starts_at or self.created_at)
        found: datetime = max(since, self.woken_at or since)
        return found

    @property
    def hint(self) -> str:
        """The visible characters of its newest secret."""
        return secret.hint(self.hint_start, self.hint_end)

    @property
    def maker_name(self) -> str | None:
        """The person who made it, or who is behind the key that did; None where no person is."""
        name: str | None = self.creator_name if self.creator_kind == "user" else self.behind_name
        return name

    @property
    def maker_left(self) -> bool:
        """The person behind it is no longer in the workspace, or no longer manages keys."""
        if self.maker_name is None:
            return False
        return self.creator is None or self.creator.role not in role.MANAGERS

    @classmethod
    def _maker(cls, by: Actor) -> dict[str, Any]:
        """What a key keeps of whoever makes it. Behind a key that was made by a key is whoever is behind that one."""
        made = {"creator_kind": by.kind, "creator_name": by.name}
        if by.kind == "user":
            return {**made, "creator": by.id}
        if by.kind != "key":
            return {**made}
        key = cls.get_by_id(by.id)
        return {**made, "creator": key.creator_id, "creator_key_id": key.id, "behind_name": key.maker_name}

    def allows(self, address: str) -> bool:
        return network.allows(self.networks, address)
