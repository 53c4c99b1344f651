"""Which endpoint has its turn, with which message, and what does not wait for it."""

import json
from datetime import timedelta

import pytest

from jobs import send_webhooks, webhook_post
from models import Webhook, WebhookDelivery, database, webhook_delivery
from models.database import now
from models.webhook_delivery import LEASE
from tests.support.cast import Person, make_key
from tests.support.processes import WAIT
from tests.support.receiver import Receiver, receiving
from tests.support.threads import at_once
from tests.support.webhooks import add, row, run

pytestmark = pytest.mark.usefixtures("sending")


def test_an_endpoint_is_told_in_the_order_of_what_happened(ada: Person, receiver: Receiver) -> None:
    add(ada, receiver)
    for name in ("First", "Second", "Third"):
        make_key(ada, name=name)
    assert run() == "3 delivered"
    assert [json.loads(got.body)["data"]["details"]["name"] for got in receiver.got] == ["First", "Second", "Third"]


def test_endpoints_take_turns(ada: Person, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send_webhooks, "THREADS", 1)
    monkeypatch.setattr(send_webhooks, "AT_A_TIME", 2)
    for path in ("/a", "/b"):
        Webhook.add(ada.workspace, url=receiver.url.replace("/hooks", path), events=["*"], by=ada.actor)
    for _ in range(4):
        make_key(ada)
    assert send_webhooks.run() == "8 delivered"
    paths = [got.path[1] for got in receiver.got]
    assert paths in (list("aabbaabb"), list("bbaabbaa"))


def test_the_lease_of_a_sender_that_died_ends(ada: Person, receiver: Receiver) -> None:
    hook, _ = add(ada, receiver)
    make_key(ada)
    assert webhook_delivery.claim() == hook
    with database.at(now() + LEASE - timedelta(seconds=5)):
        assert webhook_delivery.claim() is None
    with database.at(now() + LEASE):
        assert webhook_delivery.claim() == hook


def test_an_endpoint_that_is_disabled_meanwhile_is_not_called(ada: Person, receiver: Receiver) -> None:
    add(ada, receiver)
    make_key(ada)
    claimed = webhook_delivery.claim()
    assert claimed
    delivery = WebhookDelivery.next_of(claimed)
    assert delivery
    Webhook.get_by_id(claimed.id).disable(by=ada.actor)
    assert send_webhooks.send(delivery, claimed) == "left to another sender"
    assert receiver.got == []


@pytest.mark.parametrize("asks", ["redeliver", "test"])
def test_what_somebody_asks_for_does_not_wait_for_the_end_of_a_pause(
    ada: Person, receiver: Receiver, asks: str
) -> None:
    hook, _ = add(ada, receiver)
    receiver.answers, receiver.retry_after = [503, 200], "7200"
    make_key(ada)
    assert run() == "1 failed"
    assert run(timedelta(hours=1)) == ""
    if asks == "test":
        webhook_delivery.test(hook)
    else:
        row(hook).redeliver(by=ada.actor)
    assert run(timedelta(hours=1)) == "1 delivered"


def test_what_is_delivered_again_has_all_the_tries_of_a_new_message(ada: Person, receiver: Receiver) -> None:
    hook, _ = add(ada, receiver)
    receiver.answers = [500, 200]
    make_key(ada)
    WebhookDelivery.update(status="failed", attempts=10).execute()
    row(hook).redeliver(by=ada.actor)
    assert run() == "1 failed"
    assert run(timedelta(seconds=10)) == "1 delivered"
    assert len({got.id for got in receiver.got}) == 1


def test_what_happens_while_one_endpoint_hangs_reaches_the_others_at_once(
    ada: Person, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It hangs for longer than the others can take.
    monkeypatch.setattr(webhook_post, "READ", 120.0)
    monkeypatch.setattr(webhook_post, "WHOLE", 120.0)
    with receiving() as slow:
        slow.answers = ["hang"]
        add(ada, slow, "api_key.created")
        add(ada, receiver, "api_key.revoked")
        key, _ = make_key(ada)

        def revoke_meanwhile() -> bool:
            assert slow.arrived.wait(WAIT)
            key.revoke(by=ada.actor)
            was_told = receiver.arrived.wait(WAIT - 10)
            slow.released.set()
            return was_told

        said = at_once(2, lambda which: revoke_meanwhile() if which else send_webhooks.run())
        assert said == ["1 delivered, 1 failed", True]
