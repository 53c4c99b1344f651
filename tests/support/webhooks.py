"""What the tests of webhooks share: a receiver, an endpoint that names it, and a run of the job."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from jobs import send_webhooks
from models import Webhook, WebhookDelivery, database
from models.database import now
from models.settings import Settings
from tests.support.cast import Person
from tests.support.receiver import Receiver, receiving


@pytest.fixture
def sending(connected: str, settings: Settings) -> None:
    """The base URL of the tests is this machine itself, so it may be called."""
    send_webhooks.use(settings)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def add(ada: Person, receiver: Receiver, *events: str) -> tuple[Webhook, str]:
    hook, secret = Webhook.add(ada.workspace, url=receiver.url, events=list(events or ["*"]), by=ada.actor)
    return hook, secret.reveal()


def run(after: timedelta = timedelta(0)) -> str:
    with database.at(now() + after):
        return send_webhooks.run()


def row(hook: Webhook) -> WebhookDelivery:
    return WebhookDelivery.log_of(hook)[0]
