"""What of the keys people are to be told by the day: which end, ended, lie unused, have old secrets, lost their maker.

Each run promises what is true now, once for each fact: a key that is over got "expired", and no count of days. A run
may be cut off anywhere, repeated, or go beside another one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from peewee import JOIN

from models import apart, key_list, mail_recipients, outbox
from models.api_key import ApiKey
from models.database import now, transaction
from models.key_secret import KeySecret
from models.member import Member
from models.outbox import Notice
from models.workspace import Workspace

DAYS_BEFORE = (1, 7, 14)
# After a longer time without a scheduler nobody needs to hear of it.
EXPIRED_TOLD = timedelta(days=30)
BATCH = 100


@dataclass(frozen=True, slots=True)
class Fact:
    """What makes it another fact is in the threshold, such as an end that was moved."""

    kind: str
    key: ApiKey
    subject: str
    threshold: str
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> tuple[str, str, str]:
        return self.kind, self.subject, self.threshold


def promise_all() -> Counter[str]:
    """Go through all workspaces; returns how many facts of each kind are new."""
    return sum(apart.each(Workspace.each(), _promise_in), Counter())


def _promise_in(workspace: Workspace) -> Counter[str]:
    found: Counter[str] = Counter()
    for keys in _batches(workspace, now()):
        facts = _unpromised(list(_facts(keys, workspace, now())))
        if facts:
            with transaction():
                found.update(fact.kind for fact in _promised(facts, workspace))
    return found


def _batches(workspace: Workspace, moment: datetime) -> Iterator[list[ApiKey]]:
    """The keys that there may be something to tell about, with their makers."""
    policy, last = workspace.policy, ""
    conditions = key_list.conditions_of(workspace.id, moment)
    told = ApiKey.revoked_at.is_null() & ApiKey.expires_at.between(moment - EXPIRED_TOLD, moment)
    due = conditions["active"] & key_list.rotation_due(policy, moment)
    wanted = told | conditions["expiring"] | conditions["unused"] | conditions["left"] | due
    while True:
        query = ApiKey.select(ApiKey, Member).join(Member, JOIN.LEFT_OUTER, on=ApiKey.creator)
        query = query.where(ApiKey.workspace == workspace.id, ApiKey.deleted_at.is_null(), ApiKey.id > last, wanted)
        keys = list(query.order_by(ApiKey.id).limit(BATCH))
        if keys:
            yield keys
        if len(keys) < BATCH:
            return
        last = keys[-1].id


def _facts(keys: list[ApiKey], workspace: Workspace, moment: datetime) -> Iterator[Fact]:
    policy = workspace.policy
    secrets = {row.key_id: row for row in KeySecret.current([key.id for key in keys])}
    for key in keys:
        if not key.is_live(moment):
            yield _ending("expired", key, "expired")
            continue
        if (days := _days_left(key, moment)) is not None:
            yield _ending("expiring", key, f"{days}d")
        # The clean-up in stages tells of those itself, with the day on which they are put aside.
        if key.is_unused(moment, policy) and not policy.staged_cleanup:
            yield Fact("unused", key, key.id, f"{key.idle_since.isoformat()}/")
        if (secret := secrets.get(key.id)) and secret.created_at <= moment - policy.rotation_after:
            yield Fact("rotation_due", key, secret.id, "")
        if key.maker_left:
            yield Fact("maker_left", key, key.id, _loss(key))


def _ending(kind: str, key: ApiKey, threshold: str) -> Fact:
    end = key.expires_at.isoformat()
    return Fact(kind, key, key.id, f"{end}/{threshold}", {"expires_at": end})


def _loss(key: ApiKey) -> str:
    """Whoever is a manager again and loses the role once more is another loss."""
    since = key.creator and key.creator.managed_until
    return f"{key.creator_id or ''}/{since.isoformat()}" if since else key.creator_id or ""


def _days_left(key: ApiKey, moment: datetime) -> int | None:
    """The one threshold that holds: of a key that ends tomorrow nobody needs to hear that it ends in 14 days."""
    if key.expires_at is None:
        return None
    return next((days for days in DAYS_BEFORE if key.expires_at <= moment + timedelta(days=days)), None)


def _unpromised(facts: list[Fact]) -> list[Fact]:
    """Without those that somebody was promised: all recipients of a fact are promised it together.

    What was dropped for everybody and is true now comes again: an undone rotation, a new owner.
    """
    subjects = {fact.subject for fact in facts}
    query = Notice.select(Notice.kind, Notice.subject, Notice.threshold).where(Notice.subject.in_(subjects))
    # By the start of the index, which begins with the kind.
    query = query.where(Notice.kind.in_({fact.kind for fact in facts}), Notice.dropped_at.is_null())
    known = set(query.tuples()) if facts else set()
    return [fact for fact in facts if fact.name not in known]


def _promised(facts: Iterable[Fact], workspace: Workspace) -> Iterator[Fact]:
    recipients: dict[str, list[mail_recipients.Recipient]] = {}
    for fact in facts:
        if fact.kind not in recipients:
            recipients[fact.kind] = mail_recipients.of(workspace.id, fact.kind)
        to = recipients[fact.kind]
        if outbox.promise(fact.kind, workspace.id, fact.subject, fact.threshold, to=to, key=fact.key, facts=fact.facts):
            yield fact
