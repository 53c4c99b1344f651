"""Whether a notice is still true, asked right before it is sent; what is not is dropped with its reason."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from peewee import JOIN

from models import mail_recipients
from models.api_key import ApiKey
from models.database import now, transaction
from models.key_secret import KeySecret
from models.mail import Mail
from models.mail_kinds import CONFIRMATION, KINDS
from models.member import Member
from models.outbox import Notice
from models.webhook import Webhook
from models.workspace import Workspace

BATCH = 500
OTHER_POLICY = "The policy of the workspace was changed meanwhile."


@dataclass(frozen=True, slots=True)
class Told:
    """A notice that is true, with its key as of now."""

    notice: Notice
    workspace: Workspace
    key: Any
    # When its current secret was made.
    rotated_at: datetime | None


# Says why a notice is not true any more, or None.
Check = Callable[[Told], str | None]


def is_live(told: Told) -> str | None:
    key = told.key
    if key is None or key.deleted_at is not None:
        return "The key was deleted meanwhile."
    if key.revoked_at is not None:
        return "The key was revoked meanwhile."
    return None if key.is_live(now()) else "The key has expired meanwhile."


def is_expiring(told: Told) -> str | None:
    if reason := is_live(told) or is_not_rotated(told, told.notice.subject.startswith("sec_")):
        return reason
    if told.key.expires_at is None:
        return "The key has no expiration any more."
    promised = told.notice.facts.get("expires_at")
    if promised and told.key.expires_at > datetime.fromisoformat(promised):
        return "The key was extended meanwhile."
    return None


def is_expired(told: Told) -> str | None:
    key = told.key
    if key is None or key.deleted_at is not None:
        return "The key was deleted meanwhile."
    if key.revoked_at is not None:
        return "The key was revoked meanwhile."
    return "The key was extended meanwhile." if key.is_live(now()) else None


def is_unused(told: Told) -> str | None:
    if reason := is_live(told):
        return reason
    key, policy = told.key, told.workspace.policy
    if told.notice.facts.get("quarantine_at"):
        return "The key was used, woken or kept meanwhile." if key.flagged_at is None else None
    if key.last_used_at and key.last_used_at > told.notice.created_at:
        return "The key was used meanwhile."
    return None if key.is_unused(now(), policy) else OTHER_POLICY


def is_asleep(told: Told) -> str | None:
    return is_live(told) or ("The key was woken meanwhile." if told.key.quarantined_at is None else None)


def is_rotation_due(told: Told) -> str | None:
    if reason := is_live(told) or is_not_rotated(told, True):
        return reason
    made = told.rotated_at or told.key.created_at
    return None if made <= now() - told.workspace.policy.rotation_after else OTHER_POLICY


def is_orphan(told: Told) -> str | None:
    return is_live(told) or (None if told.key.maker_left else "Whoever made the key manages keys again.")


def is_not_rotated(told: Told, matters: bool) -> str | None:
    rotated = told.rotated_at is not None and told.rotated_at > told.notice.created_at
    return "The key was rotated meanwhile." if matters and rotated else None


def is_found_and_works(told: Told) -> str | None:
    """A revoked key that leaked stays news; that the key or the secret works must be true."""
    outcome = told.notice.facts.get("outcome")
    return is_live(told) or is_not_rotated(told, outcome == "told") if outcome in ("told", "dead") else None


def is_still_disabled(told: Told) -> str | None:
    hook = Webhook.get_or_none(Webhook.id == told.notice.subject)
    if hook is None:
        return "The webhook was deleted meanwhile."
    return "The webhook was enabled meanwhile." if hook.disabled_at is None else None


def is_newest_question(told: Told) -> str | None:
    """Only the link of the newest confirmation mail works."""
    same = (Notice.kind == told.notice.kind) & (Notice.subject == told.notice.subject)
    newer = Notice.select().where(same, Notice.created_at > told.notice.created_at).exists()
    return "The address was asked again meanwhile." if newer else None


# Of other kinds the fact lies in the past: it stays true.
CHECKS: dict[str, Check] = {
    "expiring": is_expiring,
    "expired": is_expired,
    "unused": is_unused,
    "quarantined": is_asleep,
    "rotation_due": is_rotation_due,
    "maker_left": is_orphan,
    "key_leaked": is_found_and_works,
    "webhook_disabled": is_still_disabled,
    CONFIRMATION: is_newest_question,
}


def still_true(mail: Mail) -> Iterator[Told]:
    """What of a message is true and wanted as of now, a batch at a time. The rest is dropped on the way."""
    for batch in _judged(mail):
        reasons: dict[str, list[str]] = {}
        for told, reason in batch:
            if reason is not None:
                reasons.setdefault(reason, []).append(told.notice.id)
        _drop(reasons)
        yield from (told for told, reason in batch if reason is None)


def any_true(mail: Mail) -> bool:
    """Whether a message has anything left to say. Nothing is dropped from it."""
    return any(reason is None for batch in _judged(mail) for _, reason in batch)


def _judged(mail: Mail) -> Iterator[list[tuple[Told, str | None]]]:
    objection = lru_cache(maxsize=1_000)(mail_recipients.objection)
    last = ""
    while batch := _batch(mail, last):
        last = batch[-1].notice.id
        yield [
            (told, objection(mail.recipient, told.notice.workspace_id, told.notice.kind, _maker(told)) or _check(told))
            for told in batch
        ]


def _maker(told: Told) -> str | None:
    """Where it matters, so that there are few to ask about."""
    known = KINDS.get(told.notice.kind)
    return told.key.creator_id if told.key and known and known.for_owners else None


def _check(told: Told) -> str | None:
    check = CHECKS.get(told.notice.kind)
    return check(told) if check else None


def _batch(mail: Mail, after: str) -> list[Told]:
    query = Notice.select(Notice, Workspace).join(Workspace)
    query = query.where(Notice.mail == mail.id, Notice.dropped_at.is_null(), Notice.id > after)
    notices = list(query.order_by(Notice.id).limit(BATCH))
    ids = [notice.key_id for notice in notices if notice.key_id]
    keys = ApiKey.select(ApiKey, Member).join(Member, JOIN.LEFT_OUTER).where(ApiKey.id.in_(ids))
    found = {key.id: key for key in keys}
    # Not the newest one: a rotation may have been undone.
    rotated: dict[str | None, datetime] = {each.key_id: each.created_at for each in KeySecret.current(ids)}
    return [Told(notice, notice.workspace, found.get(notice.key_id), rotated.get(notice.key_id)) for notice in notices]


def _drop(reasons: dict[str, list[str]]) -> None:
    for reason, ids in reasons.items():
        with transaction():
            Notice.update(dropped_at=now(), reason=reason).where(Notice.id.in_(ids)).execute()
