"""Delete what nobody can use any more."""

from models import (
    AuditEvent,
    BrowserSession,
    IdempotentAnswer,
    Invitation,
    Notice,
    Refusal,
    Throttle,
    WebhookDelivery,
    WorkflowRun,
    apart,
    usage_purge,
)

# In the order in which they are told of.
OVER = {
    "sessions": BrowserSession.purge,
    "invitations": Invitation.purge,
    "counters": Throttle.purge,
    "kept answers": IdempotentAnswer.purge,
    "runs": WorkflowRun.purge,
    "audit events": AuditEvent.purge,
    "refusals": Refusal.purge,
    "sums of use": usage_purge.purge,
    "notices": Notice.purge,
    "webhook deliveries": WebhookDelivery.purge,
}


def run() -> str:
    return "deleted " + ", ".join(apart.each(OVER, lambda what: f"{OVER[what]()} {what}"))
