"""What happens reaches a real server, signed, in order, and again until it is accepted."""

from datetime import timedelta
from itertools import pairwise

import pytest

from jobs import purge, send_webhooks, webhook_post
from models import AuditEvent, Webhook, WebhookDelivery, database, webhook_delivery
from models.database import now
from models.webhook import PATIENCE
from models.webhook_delivery import PAUSES
from tests.support.cast import Person, make_key
from tests.support.receiver import Receiver, receiving
from tests.support.threads import at_once
from tests.support.webhooks import add, row, run

pytestmark = pytest.mark.usefixtures("sending")


def test_a_new_key_is_told_of_signed_and_without_its_secret(ada: Person, receiver: Receiver) -> None:
    hook, secret = add(ada, receiver)
    key, text = make_key(ada, name="Nightly report")
    assert run() == "1 delivered"
    [got] = receiver.got
    event = got.verified(secret)
    assert set(event) == {"type", "timestamp", "data"}
    assert event["type"] == "api_key.created"
    assert event["data"]["subject"] == key.id
    assert event["data"]["workspace_id"] == ada.workspace.id
    assert event["data"]["actor"] == {"kind": "user", "id": ada.member.id, "name": ada.member.name}
    assert event["data"]["details"]["name"] == "Nightly report"
    assert got.path == "/hooks?source=gravity"
    assert got.headers["content-type"] == "application/json"
    assert text not in got.body.decode()
    assert secret not in got.body.decode() + str(got.headers)
    assert (row(hook).status, row(hook).answer, row(hook).attempts) == ("delivered", 200, 1)
    assert run(timedelta(hours=1)) == ""


def test_only_what_was_chosen_and_only_of_the_own_workspace(ada: Person, mallory: Person, receiver: Receiver) -> None:
    hook, _ = add(ada, receiver, "api_key.revoked")
    make_key(mallory)[0].revoke(by=mallory.actor)
    key, _ = make_key(ada)
    key.revoke(by=ada.actor, reason="leaked")
    assert run() == "1 delivered"
    assert [each.event for each in WebhookDelivery.select()] == ["api_key.revoked"]
    assert row(hook).webhook_id == hook.id


def test_what_is_rolled_back_is_not_told(ada: Person, receiver: Receiver) -> None:
    add(ada, receiver)
    with pytest.raises(RuntimeError), database.transaction():
        make_key(ada)
        raise RuntimeError
    assert run() == ""


def test_an_error_is_tried_again_under_the_same_id(ada: Person, receiver: Receiver) -> None:
    hook, secret = add(ada, receiver)
    receiver.answers = [500, 503, 200]
    make_key(ada)
    assert run() == "1 failed"
    assert row(hook).error == "Answered 500."
    assert run() == "", "not before its time"
    assert run(timedelta(seconds=10)) == "1 failed"
    assert run(timedelta(minutes=6)) == "1 delivered"
    assert len({got.id for got in receiver.got}) == 1
    assert len({got.body for got in receiver.got}) == 1
    assert [got.verified(secret)["type"] for got in receiver.got[:1]] == ["api_key.created"]
    assert row(hook).attempts == 3
    assert Webhook.get_by_id(hook.id).failing_since is None


def test_the_tries_are_spread_over_about_three_days_and_end(ada: Person, receiver: Receiver) -> None:
    hook, _ = add(ada, receiver)
    receiver.answers = [500]
    make_key(ada)
    begun, moments = now(), []
    while row(hook).status == "pending":
        due = max(row(hook).due_at, Webhook.get_by_id(hook.id).paused_until or begun)
        with database.at(due):
            assert send_webhooks.run() == "1 failed"
        moments.append(due)
    assert len(moments) == len(PAUSES) + 1 == 10
    assert timedelta(days=2.7) < moments[-1] - begun < timedelta(days=3.6)
    gaps = [after - before for before, after in pairwise(moments)]
    assert gaps == sorted(gaps)
    assert all(0.89 * pause < gap < 1.2 * pause for pause, gap in zip(PAUSES[1:], gaps[1:], strict=True))
    assert row(hook).status == "failed"
    receiver.answers = [200]
    row(hook).redeliver(by=ada.actor)
    assert run(timedelta(days=4)) == "1 delivered"
    assert len({got.id for got in receiver.got}) == 1


def test_gone_disables_the_endpoint(ada: Person, receiver: Receiver) -> None:
    hook, _ = add(ada, receiver)
    receiver.answers = [410]
    make_key(ada)
    make_key(ada)
    assert run() == "1 failed"
    stored = Webhook.get_by_id(hook.id)
    assert stored.disabled_reason == "gone"
    assert run(timedelta(days=1)) == ""
    [event] = [each for each in AuditEvent.about(ada.workspace.id, hook.id) if each.action == "webhook.disabled"]
    assert (event.actor_kind, event.facts) == ("system", {"reason": "gone"})
    receiver.answers = [200]
    stored.enable(by=ada.actor)
    assert run(timedelta(days=1)) == "1 delivered", "what was waiting goes on"


def test_an_endpoint_that_fails_for_five_days_is_disabled(ada: Person, receiver: Receiver) -> None:
    hook, _ = add(ada, receiver)
    receiver.answers = [500]
    begun = now()
    for days in (0, 2, 4, 5.1):
        with database.at(begun + timedelta(days=days)):
            make_key(ada)
            assert Webhook.get_by_id(hook.id).disabled_at is None
            send_webhooks.run()
    stored = Webhook.get_by_id(hook.id)
    assert stored.disabled_reason == "failing"
    assert stored.disabled_at - stored.failing_since >= PATIENCE
    assert AuditEvent.about(ada.workspace.id, hook.id)[0].facts == {"reason": "failing"}
    make_key(ada)
    assert WebhookDelivery.select().count() == 4, "nothing is kept for what is disabled"


def test_a_redirect_is_not_followed(ada: Person, receiver: Receiver) -> None:
    hook, _ = add(ada, receiver)
    with receiving() as elsewhere:
        receiver.location, receiver.answers = elsewhere.url, [302, 307, 308]
        make_key(ada)
        for minutes in (0, 1, 30):
            assert run(timedelta(minutes=minutes)) == "1 failed"
        assert elsewhere.got == []
    assert "Redirects are not followed" in row(hook).error
    assert {got.path for got in receiver.got} == {"/hooks?source=gravity"}


@pytest.mark.parametrize("way", ["hang", "drip", "close"])
def test_a_server_that_does_not_answer_is_given_up_in_bounded_time(
    ada: Person, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    hook, _ = add(ada, receiver)
    receiver.answers = [way, 200]
    make_key(ada)
    with monkeypatch.context() as patched:
        patched.setattr(webhook_post, "READ", 0.5)
        patched.setattr(webhook_post, "WHOLE", 1.5)
        assert run() == "1 failed"
    assert row(hook).answer is None
    assert row(hook).error in (
        "It did not answer in time.", "The connection failed.", "What it answered is not HTTP.",
    )  # fmt: skip
    assert run(timedelta(minutes=1)) == "1 delivered"


def test_a_hanging_endpoint_does_not_keep_the_others_waiting(
    ada: Person, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Enough for those that answer, on any machine.
    monkeypatch.setattr(webhook_post, "READ", 3.0)
    with receiving() as slow:
        slow.answers = ["hang"]
        add(ada, slow)
        add(ada, receiver)
        for _ in range(5):
            make_key(ada)
        assert run() == "5 delivered, 1 failed"
        assert len(slow.got) == 1, "one try for all that waits"


def test_nothing_listens_there(ada: Person) -> None:
    with receiving() as gone:
        pass
    hook, _ = add(ada, gone)
    make_key(ada)
    assert run() == "1 failed"
    assert row(hook).error == "It refused the connection."


def test_two_senders_at_once_send_each_message_once(ada: Person, receiver: Receiver) -> None:
    with receiving() as other:
        add(ada, receiver)
        add(ada, other)
        for _ in range(10):
            make_key(ada)
        said = at_once(3, lambda _: send_webhooks.run())
        assert not [each for each in said if isinstance(each, Exception)]
        run()
        for each in (receiver, other):
            assert len(each.got) == len({got.id for got in each.got}) == 10


def test_old_deliveries_are_purged(ada: Person, receiver: Receiver) -> None:
    add(ada, receiver)
    make_key(ada)
    run()
    with database.at(now() + timedelta(days=29)):
        make_key(ada)
        purge.run()
    assert WebhookDelivery.select().count() == 2
    with database.at(now() + timedelta(days=31)):
        purge.run()
    assert WebhookDelivery.select().count() == 1


def test_an_endpoint_that_is_deleted_meanwhile_is_no_error(ada: Person, receiver: Receiver) -> None:
    hook, _ = add(ada, receiver)
    make_key(ada)
    claimed = webhook_delivery.claim()
    assert claimed is not None
    delivery = WebhookDelivery.next_of(claimed)
    assert delivery is not None
    hook.remove(by=ada.actor)
    assert send_webhooks.send(delivery, claimed) == "left to another sender"
    assert run() == ""
    assert receiver.got == []


def test_who_lost_the_lease_of_an_endpoint_sends_nothing(ada: Person, receiver: Receiver) -> None:
    hook, _ = Webhook.add(ada.workspace, url=receiver.url, events=["*"], by=ada.actor)
    make_key(ada)
    first = webhook_delivery.claim()
    assert first and first.id == hook.id
    Webhook.update(lease="of another one").where(Webhook.id == hook.id).execute()
    [delivery] = WebhookDelivery.log_of(hook)
    assert send_webhooks.send(delivery, first) == "left to another sender"
    assert receiver.got == []
