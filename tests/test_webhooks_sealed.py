"""Secrets of webhooks: sealed, rotated with an overlap; and facts that are told once each."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from jobs import announce_expiry, send_webhooks
from models import Webhook, WebhookDelivery, database, sealed, webhook_delivery
from models.database import now
from models.settings import Settings
from models.webhook_signature import SigningSecret
from tests.support import ledger
from tests.support.cast import Person, make_key
from tests.support.receiver import Receiver
from tests.support.threads import at_once
from tests.support.webhooks import add, row, run

pytestmark = pytest.mark.usefixtures("sending")


def test_a_rotated_secret_signs_beside_the_new_one_for_a_day(ada: Person, receiver: Receiver) -> None:
    hook, old = add(ada, receiver)
    new = hook.rotate(by=ada.actor).reveal()
    make_key(ada)
    run()
    [got] = receiver.got
    assert got.verified(old) == got.verified(new)
    assert len(got.headers["webhook-signature"].split()) == 2
    with database.at(now() + timedelta(hours=25)):
        assert [each.reveal() for each in Webhook.get_by_id(hook.id).signing()] == [new]
        announce_expiry.run()
    assert Webhook.get_by_id(hook.id).old_secret is None


def test_secrets_are_sealed_and_follow_the_setting(ada: Person, receiver: Receiver, settings: Settings) -> None:
    hook, secret = add(ada, receiver)
    assert secret.encode() not in bytes(Webhook.get_by_id(hook.id).secret)
    fresh = ledger.fresh("signing key")
    send_webhooks.use(replace(settings, secret_keys=(fresh, *settings.secret_keys)))
    make_key(ada)
    run()
    assert receiver.got[0].verified(secret)
    announce_expiry.run()
    send_webhooks.use(replace(settings, secret_keys=(fresh,)))
    make_key(ada)
    run()
    assert receiver.got[1].verified(secret)
    send_webhooks.use(settings)
    with pytest.raises(sealed.Unreadable):
        Webhook.get_by_id(hook.id).signing()
    make_key(ada)
    assert run() == "1 failed"
    assert "Rotate the secret" in row(hook).error
    hook.rotate(by=ada.actor)


def test_a_fact_with_a_name_is_told_once(ada: Person, receiver: Receiver) -> None:
    add(ada, receiver)

    def tell(_: int) -> int:
        data = {"key_id": "key_1"}
        return webhook_delivery.emit(ada.workspace.id, "api_key.expiring", data, unique="key_1/7d")

    assert sorted(at_once(4, tell), key=str) == [0, 0, 0, 1]
    assert webhook_delivery.emit(ada.workspace.id, "api_key.expiring", {}, unique="key_1/1d") == 1


def test_ends_are_told_of_at_fourteen_seven_and_one_day_and_when_they_come(ada: Person, receiver: Receiver) -> None:
    hook, _ = add(ada, receiver, "api_key.expiring", "api_key.expired")
    begun = now()
    make_key(ada, name="Ends", expires_at=begun + timedelta(days=30))
    make_key(ada, name="Short", expires_at=begun + timedelta(days=10))
    for hours in range(0, 24 * 32, 12):
        with database.at(begun + timedelta(hours=hours)):
            announce_expiry.run()
            announce_expiry.run()
    bodies = [json.loads(each.body) for each in reversed(WebhookDelivery.log_of(hook))]
    told = [(body["data"]["name"], body["type"], body["data"].get("days")) for body in bodies]
    expiring, expired = "api_key.expiring", "api_key.expired"
    assert [each[1:] for each in told if each[0] == "Ends"] == [
        *((expiring, days) for days in (14, 7, 1)),
        (expired, None),
    ]
    assert [each[1:] for each in told if each[0] == "Short"] == [
        *((expiring, days) for days in (7, 1)),
        (expired, None),
    ]
    assert run(timedelta(days=40)) == "7 delivered"


def test_a_secret_masks_itself() -> None:
    made = SigningSecret.generate()
    assert made.reveal() not in f"{made} {made!r}"
    assert made.reveal().startswith("whsec_")
