"""Endpoints of a workspace that are told of its events by signed requests. `models/webhook_delivery.py` has those.

See docs/decisions/0019-webhooks.md.
"""

import contextlib
from datetime import timedelta
from typing import Any

from peewee import BlobField, ForeignKeyField, TextField

from models import outbox, outside, sealed, text
from models.actor import SYSTEM, Actor
from models.audit import AuditEvent
from models.database import UTCDateTimeField, WorkspaceRecord, id_field, now, transaction
from models.errors import Conflict, Invalid
from models.webhook_events import EVENTS, EVERYTHING, wants
from models.webhook_signature import SigningSecret
from models.workspace import Workspace

MOST = 20
# How long a secret that was replaced still signs beside the new one.
OVERLAP = timedelta(hours=24)
# An endpoint that has accepted nothing for so long is not tried any more.
PATIENCE = timedelta(days=5)
GONE, FAILING = "gone", "failing"


class Webhook(WorkspaceRecord):
    """One address, the events it is told of, and the secret that signs them."""

    id = id_field("whk")
    workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=True)
    workspace_id: str
    url = TextField()
    description = TextField(default="")
    event_names = TextField()
    # Sealed (models/sealed.py), since it must be read again to sign.
    secret = BlobField()
    secret_at = UTCDateTimeField(default=now)
    old_secret = BlobField(null=True)
    old_until = UTCDateTimeField(null=True)
    created_at = UTCDateTimeField(default=now)
    disabled_at = UTCDateTimeField(null=True)
    # Why it was disabled by itself: gone or failing.
    disabled_reason = TextField(default="")
    # Since when each attempt failed.
    failing_since = UTCDateTimeField(null=True)
    paused_until = UTCDateTimeField(null=True)
    tried_at = UTCDateTimeField(default=now)
    # Of the sender that is at it: messages to one endpoint go out one after the other.
    lease = TextField(null=True)
    lease_until = UTCDateTimeField(null=True)

    class Meta:
        table_name = "webhook"

    @property
    def events(self) -> list[str]:
        return self.event_names.split()

    @property
    def shown_url(self) -> str:
        """Without its query, which may hold a password of the receiver."""
        return shown(self.url)

    @property
    def everything(self) -> bool:
        return self.event_names == EVERYTHING

    @classmethod
    def listed(cls, workspace_id: str) -> "list[Webhook]":
        return list(cls.in_workspace(workspace_id).order_by(cls.created_at, cls.id))

    @classmethod
    def listening(cls, workspace_id: str, event: str) -> "list[Webhook]":
        """Those that are told of an event."""
        enabled = cls.in_workspace(workspace_id).where(cls.disabled_at.is_null())
        return [each for each in enabled if wants(each.event_names, event)]

    @classmethod
    def add(
        cls, workspace: Workspace, *, url: str, events: list[str], description: str = "", by: Actor
    ) -> "tuple[Webhook, SigningSecret]":
        """A new endpoint and its secret, which is shown once."""
        values = checked(url, events, description)
        made = SigningSecret.generate()
        with transaction():
            workspace.hold()
            if cls.in_workspace(workspace.id).count() >= MOST:
                raise Conflict(f"A workspace has at most {MOST} webhooks. Delete one that is not needed.")
            hook: Webhook = cls.create(workspace=workspace.id, secret=sealed.seal(made.reveal()), **values)
            hook._record("webhook.created", by, url=shown(hook.url), events=hook.events)
        return hook, made

    def change(self, *, url: str, events: list[str], description: str, by: Actor) -> None:
        values = checked(url, events, description)
        with transaction():
            current = self._current()
            fresh = {name: value for name, value in values.items() if value != getattr(current, name)}
            if fresh:
                self._update(**fresh)
                self._record("webhook.edited", by, changed=sorted(fresh), url=shown(self.url))

    def rotate(self, *, by: Actor) -> SigningSecret:
        """A new secret. For `OVERLAP` the one before signs as well, so that no receiver refuses anything."""
        made = SigningSecret.generate()
        with transaction():
            current, moment = self._current(), now()
            self._update(
                secret=sealed.seal(made.reveal()),
                secret_at=moment,
                old_secret=current.secret,
                old_until=moment + OVERLAP,
            )
            self._record("webhook.secret_rotated", by, old_until=(moment + OVERLAP).isoformat())
        return made

    def enable(self, *, by: Actor) -> None:
        with transaction():
            if self._current().disabled_at is not None:
                fresh = {"disabled_reason": "", "failing_since": None, "paused_until": None}
                self._update(disabled_at=None, **fresh)
                self._record("webhook.enabled", by)

    def disable(self, *, by: Actor = SYSTEM, reason: str = "") -> None:
        """Tell it nothing more. What it was not told yet waits until it is enabled."""
        with transaction():
            if self._current().disabled_at is None:
                self._update(disabled_at=now(), disabled_reason=reason)
                self._record("webhook.disabled", by, **({"reason": reason} if reason else {}))
                if reason:
                    facts = {"name": self.shown_url, "reason": reason, "failing_since": self.failing_since}
                    at = now().isoformat()
                    outbox.promise("webhook_disabled", self.workspace_id, self.id, at, facts=facts)

    def remove(self, *, by: Actor) -> None:
        """Delete it with its deliveries. The audit trail keeps its history."""
        with transaction():
            current = self._current()
            current.delete_instance()
            self._record("webhook.deleted", by, url=shown(current.url))

    def signing(self) -> list[SigningSecret]:
        """The secrets that sign at this moment, the newest first."""
        both = [self.secret]
        if self.old_secret is not None and self.old_until and self.old_until > now():
            both.append(self.old_secret)
        return [SigningSecret(sealed.unseal(each)) for each in both]

    @classmethod
    def reseal(cls) -> None:
        """Seal every secret under the newest key, and forget those whose overlap is over."""
        over = cls.old_until.is_null(False) & (cls.old_until <= now())
        cls.update(old_secret=None, old_until=None).where(over).execute()
        for hook in list(cls.select(cls.id, cls.secret, cls.old_secret)):
            for field in (cls.secret, cls.old_secret):
                before = getattr(hook, field.name)
                # What no key opens stays: that endpoint needs another secret, as its log says.
                with contextlib.suppress(sealed.Unreadable):
                    if before is not None:
                        same = (cls.id == hook.id) & (field == before)
                        cls.update({field: sealed.resealed(before)}).where(same).execute()

    def note_success(self) -> None:
        self._update(failing_since=None, paused_until=None)

    def note_failure(self, *, wait: timedelta = timedelta(0)) -> None:
        """Leave it alone for a while, the longer the longer it fails, or as it asks; and for good after `PATIENCE`."""
        moment = now()
        since = self.failing_since or moment
        pause = min(max(timedelta(seconds=5), (moment - since) / 10), timedelta(minutes=5))
        self._update(failing_since=since, paused_until=moment + max(pause, wait))
        if moment - since >= PATIENCE:
            self.disable(reason=FAILING)

    def _current(self) -> "Webhook":
        """The row as it is, inside the transaction, held against others."""
        self.workspace.hold()
        current: Webhook = Webhook.find(self.workspace_id, self.id)
        return current

    def _update(self, **columns: Any) -> None:
        Webhook.update(**columns).where(Webhook.id == self.id).execute()
        for column, value in columns.items():
            setattr(self, column, value)

    def _record(self, action: str, by: Actor, **details: object) -> None:
        AuditEvent.write(action, self.id, workspace=self.workspace_id, by=by, **details)


def checked(url: str, events: list[str], description: str) -> dict[str, str]:
    """The settings as columns; `Invalid` says what is wrong with which."""
    errors: dict[str, str] = {}
    try:
        outside.checked(url)
    except Invalid as problem:
        errors |= problem.errors
    chosen = [EVERYTHING] if EVERYTHING in events else [each for each in EVENTS if each in events]
    if not chosen:
        errors["events"] = "Choose at least one event."
    try:
        description = text.line(description, what="a description", longest=120, required=False)
    except text.BadText as problem:
        errors["description"] = str(problem)
    if errors:
        raise Invalid(errors)
    return {"url": url, "event_names": " ".join(chosen), "description": description}


def shown(url: str) -> str:
    return url.partition("?")[0]
