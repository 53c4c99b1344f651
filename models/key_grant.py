"""No escalation: what a key that acts may give to another key, and to itself.

People and the command line are bound by their role and by the plan. A key is bound by what it holds: see `Grant`.
"""

from models import network, scope
from models.actor import Actor
from models.errors import NotAllowed
from models.key_settings import KeySettings, widens
from models.policy import Policy


def may_create(by: Actor, policy: Policy) -> None:
    """Raise `NotAllowed` where the policy of the workspace lets only its owners create keys."""
    if not policy.lets_create(by.touches):
        raise NotAllowed("Only owners create API keys in this workspace. Ask one of them.")


def may_make(by: Actor, settings: KeySettings) -> None:
    """Raise `NotAllowed` unless whoever acts holds all that a key with these settings would."""
    grant = by.grant
    if grant is None:
        return
    beyond = sorted(name for name in settings.scopes if not scope.covers(grant.scopes, name))
    if beyond:
        raise NotAllowed(f"A key can only give scopes that it has. This one lacks {', '.join(beyond)}.")
    if not network.covers(" ".join(grant.networks), " ".join(settings.networks)):
        raise NotAllowed(f"A key can only give its own addresses. This one has {', '.join(grant.networks)}.")
    if grant.expires_at is not None and (settings.expires_at is None or settings.expires_at > grant.expires_at):
        end = f"{grant.expires_at:%Y-%m-%dT%H:%M:%SZ}"
        raise NotAllowed(f"A key cannot make one that outlives it. This one ends at {end}.")


def may_change(by: Actor, key_id: str, before: KeySettings, after: KeySettings) -> None:
    """Raise `NotAllowed` where a key would give itself more, or another one more than it holds."""
    if by.grant is None or not widens(before, after):
        return
    if by.id == key_id:
        raise NotAllowed("A key can narrow itself, but not give itself more.")
    may_make(by, after)


def may_hand_out(by: Actor, key_id: str, settings: KeySettings) -> None:
    """Raise `NotAllowed` where a key would get the use of one that holds more: by a new secret, or by enabling it."""
    if by.id != key_id:
        may_make(by, settings)
