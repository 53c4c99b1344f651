"""What was deleted, for those who follow an old link to it: its name, when that was, and who did it."""

from dataclasses import dataclass
from datetime import datetime

from models.api_key import ApiKey
from models.audit import AuditEvent


@dataclass(frozen=True, slots=True)
class Gone:
    name: str
    at: datetime
    by: str


def key(workspace_id: str, key_id: str) -> ApiKey | None:
    """The row of a key that was deleted: it stays, and so can be copied."""
    row: ApiKey | None = ApiKey.get_or_none(
        ApiKey.workspace == workspace_id, ApiKey.id == key_id, ApiKey.deleted_at.is_null(False)
    )
    return row


def key_told(workspace_id: str, key_id: str) -> Gone | None:
    row = key(workspace_id, key_id)
    if row is None or row.deleted_at is None:
        return None
    event = _deletion(workspace_id, key_id)
    return Gone(row.name, row.deleted_at, event.actor_name if event else "")


def webhook_told(workspace_id: str, webhook_id: str) -> Gone | None:
    """As long as the history of the plan goes back."""
    event = _deletion(workspace_id, webhook_id)
    return Gone(str(event.facts.get("url", "")), event.at, event.actor_name) if event else None


def _deletion(workspace_id: str, subject: str) -> AuditEvent | None:
    return next((event for event in AuditEvent.about(workspace_id, subject) if event.action.endswith(".deleted")), None)
