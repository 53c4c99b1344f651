"""Tell webhooks of keys that are about to end, and keep their secrets sealed under the newest key."""

from models import webhook_expiry
from models.webhook import Webhook


def run() -> str:
    Webhook.reseal()
    told = webhook_expiry.announce()
    return f"{told} announced" if told else ""
