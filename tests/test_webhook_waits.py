"""A receiver that asks to be left alone is, within bounds, and owners hear of one that is given up."""

from datetime import timedelta
from email.utils import format_datetime

import pytest

from jobs import send_mail
from models import Webhook, database, outbox
from models.database import now
from models.webhook import PATIENCE
from tests.support.cast import Person, make_key
from tests.support.mailbox import Mailbox
from tests.support.receiver import Receiver
from tests.support.webhooks import add, row, run

pytestmark = pytest.mark.usefixtures("sending")


@pytest.mark.parametrize(
    ("status", "asked", "waited"),
    [
        (429, "60", 60), (503, "1800", 1800), (503, "date", 3600),
        # Never earlier than by itself, never later than its longest pause, and only where it means anything.
        (429, "0", 5), (503, "past", 5), (429, "99999999999999999999", 86400), (503, "86401", 86400), (500, "600", 5),
        (429, "soon", 5), (429, "-5", 5), (503, "1.5", 5), (429, "", 5), (503, "Wed, 99 Feb 2030 99:00:00 GMT", 5),
    ],
)  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_receiver_may_ask_for_a_longer_wait(
    ada: Person, receiver: Receiver, status: int, asked: str, waited: int
) -> None:
    hook, _ = add(ada, receiver)
    make_key(ada)
    dates = {"date": now() + timedelta(hours=1), "past": now() - timedelta(days=1)}
    receiver.answers, receiver.retry_after = (
        [status, 200],
        format_datetime(dates[asked], True) if asked in dates else asked,
    )
    began = now()
    assert run() == "1 failed"
    took = (now() - began).total_seconds()
    for due in (row(hook).due_at, Webhook.get_by_id(hook.id).paused_until):
        assert 0.89 * waited - 2 <= (due - began).total_seconds() <= 1.11 * waited + took + 1
    if waited > 100:
        assert run(timedelta(seconds=waited - 60)) == ""
    assert run(timedelta(seconds=1.2 * waited + 5)) == "1 delivered"


@pytest.mark.parametrize("why", ["gone", "failing", "mended"])
def test_owners_hear_of_an_endpoint_that_is_disabled_by_itself(
    ada: Person, olga: Person, receiver: Receiver, mailbox: Mailbox, why: str
) -> None:
    hook, _ = add(ada, receiver)
    with outbox.quiet():
        make_key(ada)
    receiver.answers = [410 if why == "gone" else 500]
    run()
    if why != "gone":
        with outbox.quiet(), database.at(now() + PATIENCE):
            make_key(ada)
        run(PATIENCE + timedelta(minutes=10))
    stored = Webhook.get_by_id(hook.id)
    assert stored.disabled_reason == ("gone" if why == "gone" else "failing")
    if why == "mended":
        stored.enable(by=ada.actor)
    with database.at(now() + PATIENCE + timedelta(hours=1)):
        send_mail.run()
    if why == "mended":
        assert mailbox.arrived == []
        return
    [mail] = mailbox.arrived
    assert mail.to == ("ada@example.com",)
    assert mail.subject.startswith("Webhook “http://127.0.0.1") and mail.subject.endswith("of Fieldstone is disabled")
    assert ("It answered 410" if why == "gone" else "It accepted nothing for five days.") in mail.text
    assert f"/w/{ada.workspace.id}/settings/webhooks/{hook.id}" in mail.text
    assert "source=gravity" not in mail.text, "a query may hold a password"


def test_nobody_hears_of_an_endpoint_that_somebody_disabled(ada: Person, receiver: Receiver, mailbox: Mailbox) -> None:
    hook, _ = add(ada, receiver)
    hook.disable(by=ada.actor)
    send_mail.run()
    assert mailbox.arrived == []
