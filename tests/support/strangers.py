"""What is asked for where a stranger asks: the form of each id, ids that are none, and bodies that are fine."""

from typing import Any

from models import (
    ApiKey,
    AuditEvent,
    Chat,
    Collection,
    DataRecord,
    KeySecret,
    Member,
    Message,
    Notice,
    TeamAddress,
    Webhook,
    WebhookDelivery,
)

PREFIXES = {
    "workspace_id": "ws",
    "key_id": "key",
    "member_id": "mem",
    "session_id": "ses",
    "chat_id": "chat",
    "collection": "col",
    "record_id": "rec",
    "workflow_id": "wfl",
    "run_id": "run",
    "webhook_id": "whk",
    "delivery_id": "msg",
    "team_id": "team",
    "mail_id": "mail",
}
MALFORMED = (
    "..", "%2e%2e", ".", "x", "0", "-1", "9" * 40, "key_" + "a" * 5000, "%00", "key_%00aaaaaaaaaaaaaaa", "%F0%9F%94%91",
    "key_%D9%A0%D9%A1", "%FF", "'", "%22%3E%3Cb%3E", "key_0000000000000000%0A", "%20", "None", "null", "*", "{key_id}",
    "1e99", "00000000-0000-0000-0000-000000000000",
)  # fmt: skip
# Valid for whatever takes it, so that a refusal is about the id.
FORM = {
    "name": "Renamed",
    "email": "x@example.com",
    "role": "contact",
    "reason": "unneeded",
    "confirm": "x",
    "version": "1",
}
JSON: dict[str, Any] = {"name": "Renamed"}
# By address, where an asterisk stands for each id.
JSON_FOR: dict[str, dict[str, Any]] = {
    "api-keys/*/rotate": {"overlap": "24h"},
    "api-keys/*/extend-rotation": {"overlap": "24h"},
    "chats": {"title": "Renamed"},
    "chats/*/messages": {"text": "Hello"},
    "data": {"name": "renamed", "title": "Renamed", "schema": {}},
    "data/*": {"title": "Renamed"},
    "data/*/records": {"values": {}},
    "data/*/records/*": {"values": {}},
    "workflows": {"name": "Renamed", "steps": [{"action": "wait", "seconds": 1}]},
    "workflows/*/runs": {},
    "api-keys": {"name": "Renamed", "scopes": ["read:members"]},
    "api-keys/*/revoke": {"reason": "unneeded"},
}


def rows() -> list[Any]:
    tables = (
        ApiKey,
        KeySecret,
        Member,
        AuditEvent,
        Chat,
        Message,
        Collection,
        DataRecord,
        TeamAddress,
        Notice,
        Webhook,
        WebhookDelivery,
    )
    return [sorted(map(repr, table.select().dicts())) for table in tables]
