"""The working keys that one person made, or that a key of theirs made: how many, which, and ending them together."""

from datetime import datetime

from peewee import fn

from models.actor import Actor
from models.api_key import ApiKey
from models.database import now, transaction
from models.member import Member


def counts(workspace_id: str, moment: datetime) -> dict[str, int]:
    """How many working keys each person of a workspace made, by their id."""
    rows = ApiKey.active(workspace_id, moment).where(ApiKey.creator.is_null(False))
    counted = rows.select(ApiKey.creator, fn.COUNT(ApiKey.id)).group_by(ApiKey.creator).tuples()
    return {member_id: int(count) for member_id, count in counted}


def made_by(member: Member, moment: datetime) -> list[ApiKey]:
    """The working keys that a person made, and those that these made in turn; those used last first."""
    query = ApiKey.active(member.workspace_id, moment).where(ApiKey.creator == member.id)
    return list(query.order_by(ApiKey.last_used_at.desc(nulls="LAST"), ApiKey.name_folded, ApiKey.id))


def revoke_made_by(member: Member, *, by: Actor, reason: str, note: str = "", remove: bool = False) -> int:
    """Revoke every working key that a person made, and take the person out if that is asked for: all or nothing.

    Returns how many keys were revoked.
    """
    with transaction():
        member.workspace.hold()
        found = made_by(member, now())
        for key in found:
            key.revoke(by=by, reason=reason, note=note)
        if remove:
            member.remove(by=by)
    return len(found)
