"""What webhooks are told: a row for each event and endpoint, written in the transaction of the event.

    webhook_delivery.emit(workspace_id, "api_key.expiring", {"key_id": …}, unique="key_…/2026-12-01/7d")

tells every endpoint of the workspace that wants this event, and each of them once for a `unique` name. What is in the
audit trail is told by itself. `jobs/send_webhooks.py` sends.
"""

import json
import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from peewee import ForeignKeyField, IntegerField, TextField, chunked, fn

from models.actor import Actor
from models.audit import AuditEvent, at_write
from models.database import (
    ROWS,
    UTCDateTimeField,
    WorkspaceRecord,
    id_field,
    is_sqlite,
    new_id,
    now,
    random_text,
    transaction,
)
from models.errors import Conflict, NotFound
from models.webhook import GONE, Webhook
from models.webhook_events import EVENTS, NOUNS, TEST
from models.workspace import Workspace

PENDING, DELIVERED, FAILED = "pending", "delivered", "failed"
# After each attempt that failed, as Standard Webhooks has it: a little more than three days in all.
PAUSES = (
    *(timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30)),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
# Longer than any attempt may take (jobs/webhook_post.py), with the look-up of the name.
LEASE = timedelta(minutes=2)
KEPT = timedelta(days=30)
MOST_SHOWN = 50


class WebhookDelivery(WorkspaceRecord):
    """One event for one endpoint. Its id is the `webhook-id`, the same at each attempt."""

    id = id_field("msg")
    workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
    workspace_id: str
    webhook = ForeignKeyField(Webhook, on_delete="CASCADE", index=False)
    webhook_id: str
    event = TextField()
    # An endpoint is told of a fact once.
    fact = TextField()
    body = TextField()
    status = TextField(default=PENDING)
    created_at = UTCDateTimeField(default=now)
    due_at = UTCDateTimeField(default=now)
    attempts = IntegerField(default=0)
    tried_at = UTCDateTimeField(null=True)
    # Of the latest attempt: the status of the answer, how long it took, and what went wrong.
    answer = IntegerField(null=True)
    ms = IntegerField(null=True)
    error = TextField(default="")

    class Meta:
        table_name = "webhook_delivery"
        indexes = (
            (("webhook", "fact"), True),
            (("webhook", "created_at"), False),
            (("status", "due_at"), False),
            (("workspace",), False),
            (("created_at",), False),
        )

    @classmethod
    def log_of(cls, hook: Webhook) -> "list[WebhookDelivery]":
        """The newest ones of an endpoint, newest first."""
        query = cls.in_workspace(hook.workspace_id).where(cls.webhook == hook.id)
        return list(query.order_by(cls.created_at.desc(), cls.id).limit(MOST_SHOWN))

    @classmethod
    def any_due(cls) -> bool:
        return bool(_ready().exists())

    @classmethod
    def next_of(cls, hook: Webhook) -> "WebhookDelivery | None":
        query = cls.select().where(cls.webhook == hook.id, cls.status == PENDING, cls.due_at <= now())
        found: WebhookDelivery | None = query.order_by(cls.due_at, cls.created_at, cls.id).first()
        return found

    def begin(self, hook: Webhook) -> bool:
        """Note an attempt before it is made. False when the endpoint is not the caller's to call any more."""
        with transaction():
            mine = (Webhook.id == hook.id, Webhook.lease == hook.lease, Webhook.disabled_at.is_null())
            if not Webhook.update(lease_until=now() + LEASE).where(*mine).execute():
                return False
            tried = {"attempts": WebhookDelivery.attempts + 1, "tried_at": now()}
            self.attempts += 1
            return bool(self._update_pending(**tried))

    def delivered(self, hook: Webhook, answer: int, ms: int) -> None:
        with transaction():
            hook.workspace.hold()
            self._update_pending(status=DELIVERED, answer=answer, ms=ms, error="")
            hook.note_success()

    def failed(self, hook: Webhook, answer: int | None, ms: int, error: str, *, wait: timedelta = timedelta(0)) -> None:
        """Try again later, unless the endpoint is gone or this was the last try.

        A receiver may ask for a longer wait than ours, up to our longest, and never for a shorter one.
        """
        with transaction():
            hook.workspace.hold()
            result: dict[str, Any] = {"answer": answer, "ms": ms, "error": error}
            if answer == 410:
                self._update_pending(status=FAILED, **result)
                hook.disable(reason=GONE)
                return
            if self.attempts > len(PAUSES):
                self._update_pending(status=FAILED, **result)
            else:
                pause = PAUSES[max(self.attempts, 1) - 1] * random.uniform(0.9, 1.1)  # noqa: S311 no secret
                self._update_pending(due_at=now() + max(pause, min(wait, PAUSES[-1])), **result)
            hook.note_failure(wait=min(wait, PAUSES[-1]))

    @classmethod
    def find_of(cls, hook: Webhook, delivery_id: str) -> "WebhookDelivery":
        found: WebhookDelivery = cls.find(hook.workspace_id, delivery_id)
        if found.webhook_id != hook.id:
            raise NotFound
        return found

    def redeliver(self, *, by: Actor) -> None:
        """Send it once more, as the same message, with all the tries of a new one."""
        with transaction():
            self.workspace.hold()
            if self.webhook.disabled_at is not None:
                raise Conflict("This webhook is disabled. Enable it first.")
            again = {"status": PENDING, "attempts": 0, "due_at": now(), "error": ""}
            WebhookDelivery.update(**again).where(WebhookDelivery.id == self.id).execute()
            # Somebody mended it: do not wait for the end of its pause.
            Webhook.update(paused_until=None).where(Webhook.id == self.webhook_id).execute()
            AuditEvent.write(
                "webhook.redelivered", self.webhook_id, workspace=self.workspace_id, by=by, message=self.id
            )

    @classmethod
    def purge(cls) -> int:
        return cls.delete().where(cls.created_at < now() - KEPT).execute()

    def _update_pending(self, **columns: Any) -> int:
        mine = (WebhookDelivery.id == self.id, WebhookDelivery.status == PENDING)
        return WebhookDelivery.update(**columns).where(*mine).execute()


def claim() -> Webhook | None:
    """An endpoint for which something is due, leased to the caller."""
    with transaction():
        query = _ready().order_by(Webhook.tried_at, fn.RANDOM()).limit(1)
        hook: Webhook | None = (query if is_sqlite() else query.for_update("FOR UPDATE SKIP LOCKED")).first()
        if hook is None:
            return None
        lease = random_text(16)
        taken = {"lease": lease, "lease_until": now() + LEASE, "tried_at": now()}
        Webhook.update(**taken).where(Webhook.id == hook.id).execute()
        hook.lease = lease
        return hook


def release(hook: Webhook) -> None:
    Webhook.update(lease=None, lease_until=None).where(Webhook.id == hook.id, Webhook.lease == hook.lease).execute()


def _ready() -> Any:
    """The endpoints that may be called now and have something due."""
    moment = now()
    due = WebhookDelivery.select(WebhookDelivery.webhook).where(
        WebhookDelivery.status == PENDING, WebhookDelivery.due_at <= moment
    )
    return Webhook.select().where(
        Webhook.id.in_(due),
        Webhook.disabled_at.is_null(),
        Webhook.lease_until.is_null() | (Webhook.lease_until <= moment),
        Webhook.paused_until.is_null() | (Webhook.paused_until <= moment),
    )


def emit(workspace: str, event: str, data: dict[str, Any], *, unique: str | None = None) -> int:
    """Tell every endpoint that wants this event, in the transaction at hand. Returns how many had not been told."""
    return _write(Webhook.listening(workspace, event), event, [(data, unique)])


def test(hook: Webhook) -> None:
    """An event that says nothing, for one endpoint."""
    with transaction():
        hook.workspace.hold()
        if Webhook.find(hook.workspace_id, hook.id).disabled_at is not None:
            raise Conflict("This webhook is disabled. Enable it first.")
        _write([hook], TEST, [({"webhook_id": hook.id, "workspace_id": hook.workspace_id}, None)])
        Webhook.update(paused_until=None).where(Webhook.id == hook.id).execute()


def _write(hooks: list[Webhook], event: str, facts: Iterable[tuple[dict[str, Any], str | None]]) -> int:
    if not hooks:
        return 0
    moment = now()
    bodies = (
        (unique or new_id("fact"), {"type": event, "timestamp": moment.isoformat(), "data": data})
        for data, unique in facts
    )
    common = {"event": event, "created_at": moment, "due_at": moment}
    texts = ((fact, json.dumps(body, ensure_ascii=False, default=str)) for fact, body in bodies)
    rows = (
        {**common, "fact": fact, "body": text, "id": new_id("msg"), "workspace": each.workspace_id, "webhook": each.id}
        for fact, text in texts
        for each in hooks
    )
    told = (WebhookDelivery.insert_many(some).on_conflict_ignore().as_rowcount() for some in chunked(rows, ROWS))
    return sum(int(each.execute()) for each in told)


@at_write
def _tell(events: list[AuditEvent]) -> None:
    """What the audit trail says, without the address of whoever acted."""
    for action in dict.fromkeys(event.action for event in events):
        if action in EVENTS or action.startswith(NOUNS):
            same = [event for event in events if event.action == action]
            _write(Webhook.listening(same[0].workspace_id, action), action, map(_told, same))


def _told(event: AuditEvent) -> tuple[dict[str, Any], str]:
    data = {
        "id": event.id,
        "workspace_id": event.workspace_id,
        "subject": event.subject,
        "actor": {"kind": event.actor_kind, "id": event.actor_id, "name": event.actor_name},
        "details": event.facts,
    }
    return data, event.id
