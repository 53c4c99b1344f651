"""A report that secrets were found in public: noted, told by mail, and their keys ended, many in one transaction."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from peewee import chunked

from models import key_mail, metrics
from models.actor import Actor
from models.api_key import ApiKey
from models.audit import AuditEvent
from models.database import new_id, now, transaction
from models.key_secret import KeySecret
from models.leak import DEAD, REVOKED, TOLD, Known, Leak, Place, works
from models.workspace import REVOKE, Workspace

# Places that are kept of one secret.
MOST = 20
# Reports of one transaction: others who write wait for no more than these.
AT_ONCE = 200
# Mail about more than these waits so long for each, so that one message tells all of them.
EACH = timedelta(milliseconds=1)
LONGEST = timedelta(seconds=30)


def report(found: Known, place: Place, *, by: Actor) -> str:
    """Note where a secret was found, and end its key if it still works and the workspace wants that.

    The same report again changes nothing. Returns the outcome.
    """
    [outcome] = report_all([(found, place)], by=by)
    return outcome


def report_all(found: Iterable[tuple[Known, Place]], *, by: Actor) -> list[str]:
    """Take many reports, those of a workspace in their order. Returns the outcomes, workspace by workspace."""
    by_workspace: dict[str, list[tuple[str, Place]]] = {}
    for known, place in found:
        by_workspace.setdefault(known.workspace_id, []).append((known.secret_id, place.cleaned()))
    count = sum(map(len, by_workspace.values()))
    mail_at = now() + (min(count * EACH, LONGEST) if count > AT_ONCE else timedelta(0))
    return [
        outcome
        for workspace_id, reports in by_workspace.items()
        for some in chunked(reports, AT_ONCE)
        for outcome in _take(workspace_id, some, by, mail_at)
    ]


def _take(workspace_id: str, reports: list[tuple[str, Place]], by: Actor, mail_at: datetime) -> list[str]:
    with transaction():
        Workspace(id=workspace_id).hold()
        batch = _read(workspace_id, {secret_id for secret_id, _ in reports}, by)
        outcomes = [batch.take(secret_id, place) for secret_id, place in reports]
        batch.write(mail_at)
    for (_, place), outcome in zip(reports, outcomes, strict=True):
        metrics.LEAKS.labels(place.reporter, outcome).inc()
    return outcomes


def _read(workspace_id: str, secret_ids: set[str], by: Actor) -> "_Batch":
    """The secrets as they are, each with its key, and where they were found before."""
    rows = list(KeySecret.select(KeySecret, ApiKey).join(ApiKey).where(KeySecret.id.in_(secret_ids)))
    # Secrets of one key share it, so that the first one that ends it ends it for the others.
    keys = {row.key_id: row.key for row in rows}
    for row in rows:
        row.key = keys[row.key_id]
    batch = _Batch(Workspace.get_by_id(workspace_id), by, now(), {row.id: row for row in rows})
    for leak in Leak.in_workspace(workspace_id).where(Leak.secret.in_(secret_ids)):
        batch.before[leak.secret_id][leak.reporter, leak.url] = leak.id
    return batch


@dataclass(slots=True)
class _Batch:
    """Reports of one workspace, decided one after the other and written together."""

    workspace: Workspace
    by: Actor
    moment: datetime
    secrets: dict[str, KeySecret]
    # Where each secret was found before: reporter and address, with the id of the row.
    before: dict[str, dict[tuple[str, str], str]] = field(init=False)
    rows: list[dict[str, Any]] = field(default_factory=list)
    revised: list[str] = field(default_factory=list)
    events: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    mails: list[tuple[ApiKey, KeySecret, str, str]] = field(default_factory=list)
    ended: list[ApiKey] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.before = {secret_id: {} for secret_id in self.secrets}

    def take(self, secret_id: str, place: Place) -> str:
        secret, before = self.secrets[secret_id], self.before[secret_id]
        policy = self.workspace.leak_policy
        outcome = DEAD if not works(secret, self.moment) else REVOKED if policy == REVOKE else TOLD
        same = before.get((place.reporter, place.url))
        if outcome != REVOKED and (same or len(before) >= MOST):
            return outcome
        first = not before
        self._note(secret, place, outcome, same)
        if outcome == REVOKED or first:
            self._act(secret, place, outcome)
        return outcome

    def _note(self, secret: KeySecret, place: Place, outcome: str, same: str | None) -> None:
        if same:
            # Reported before, when people were only told.
            self.revised.append(same)
            return
        row = {
            "id": new_id("leak"), "workspace": self.workspace.id, "key": secret.key_id, "secret": secret.id,
            "at": self.moment, "reporter": place.reporter, "url": place.url, "source": place.source,
            "type": place.type, "outcome": outcome,
        }  # fmt: skip
        self.rows.append(row)
        self.before[secret.id][place.reporter, place.url] = row["id"]

    def _act(self, secret: KeySecret, place: Place, outcome: str) -> None:
        key = secret.key
        facts = {"reporter": place.reporter, "url": place.url, "source": place.source, "outcome": outcome}
        self.events.append(("api_key.leaked", key.id, facts))
        if outcome != DEAD or key.is_live(self.moment):
            self.mails.append((key, secret, place.url or place.source, outcome))
        if outcome == REVOKED:
            key.revoked_at = self.moment
            self.ended.append(key)
            self.events.append(("api_key.revoked", key.id, {"reason": "leaked", "note": ""}))

    def write(self, mail_at: datetime) -> None:
        if self.rows:
            Leak.insert_many(self.rows).execute()
        if self.revised:
            Leak.update(outcome=REVOKED).where(Leak.id.in_(self.revised)).execute()
        if self.ended:
            end = {"revoked_at": self.moment, "revoked_by": self.by.name, "revoke_reason": "leaked"}
            these = ApiKey.id.in_([key.id for key in self.ended])
            ApiKey.update(version=ApiKey.version + 1, **end).where(these).execute()
        if self.events:
            AuditEvent.write_all(self.events, workspace=self.workspace.id, by=self.by)
        if self.mails:
            key_mail.found(self.workspace.id, self.mails, self.by, mail_at)
