"""Mail over days: what goes out first, what dies, what is sent again, and what stays with its sender."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobs import send_mail
from models import ApiKey, Mail, database, mail_gather, outbox
from models.database import now
from models.mail_settings import Smtp
from models.settings import Settings
from tests.support.cast import Person, make_key
from tests.support.keys import aged
from tests.support.mailbox import Mailbox

START = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
EIGHT = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def expiring(mailbox: Mailbox, ada: Person) -> ApiKey:
    """A key that a digest tells of at eight."""
    with database.at(START), outbox.quiet():
        key = aged(make_key(ada, name="CRM sync", expires_at=START + timedelta(days=7))[0])
    with database.at(START):
        outbox.promise("expiring", key.workspace_id, key.id, "7d", key=key)
    return key


def run_at(moment: datetime) -> str:
    with database.at(moment):
        return send_mail.run()


def run_later(**delta: float) -> str:
    send_mail._state.quiet_until = 0.0
    with database.at(now() + timedelta(**delta)):
        return send_mail.run()


def statuses(key: ApiKey) -> dict[str, str]:
    return {notice.address: notice.status for notice in outbox.notices_of(key)}


def test_a_dead_letter_that_is_sent_again_has_the_short_waits_of_a_new_one(mailbox: Mailbox, ada: Person) -> None:
    make_key(ada)
    mailbox.everything = "450"
    for hours in range(0, 90, 5):
        run_later(hours=hours)
    [dead] = Mail.select().where(Mail.status == "dead")
    with database.at(now() + timedelta(days=4)):
        assert dead.try_again()
    assert run_later(days=4) == "1 refused"
    mailbox.everything = ""
    assert run_later(days=4, minutes=2) == "1 sent"


def test_a_server_that_is_away_for_more_than_three_days_leaves_dead_letters(
    mailbox: Mailbox, settings: Settings, ada: Person
) -> None:
    send_mail.use(replace(mailbox.settings(settings), smtp=Smtp("127.0.0.1", 1, "none", timeout=1)))
    key, _ = make_key(ada)
    for hours in (0, 71):
        assert run_later(hours=hours) == "1 waiting"
        assert statuses(key) == {"ada@example.com": "failed"}
    run_later(hours=73)
    assert statuses(key) == {"ada@example.com": "dead"}
    assert outbox.notices_of(key)[0].why.startswith("Given up after three days: The mail server cannot be reached")
    send_mail.use(mailbox.settings(settings))
    assert run_later(hours=74) == ""
    [dead] = Mail.select()
    with database.at(now() + timedelta(hours=75)):
        assert dead.try_again()
        assert send_mail.run() == "1 sent"


def test_a_message_is_its_senders_for_as_long_as_an_attempt_may_take(mailbox: Mailbox, ada: Person) -> None:
    """To get a connection may have taken most of the lease that it was claimed with."""
    begun = now()
    make_key(ada)
    mail_gather.gather()
    mail = Mail.claim()
    assert mail
    with database.at(begun + timedelta(minutes=4)):
        assert mail.keep(b"Subject: x\r\n\r\n")
    with database.at(begun + timedelta(minutes=8)):
        assert Mail.claim() is None
    with database.at(begun + timedelta(minutes=10)):
        assert Mail.claim() == mail


def test_security_goes_out_before_digests_that_wait_longer(mailbox: Mailbox, ada: Person, expiring: ApiKey) -> None:
    with database.at(EIGHT + timedelta(hours=1)):
        make_key(ada, name="Fresh")
    assert run_at(EIGHT + timedelta(hours=2)) == "2 sent"
    assert [mail.subject.split(" of ")[0] for mail in mailbox.arrived] == [
        "New API key “Fresh” in Fieldstone", "API key “CRM sync”",
    ]  # fmt: skip


def test_what_comes_due_while_a_digest_is_in_doubt_is_in_another_one(
    mailbox: Mailbox, ada: Person, expiring: ApiKey
) -> None:
    """The first may have arrived, and goes out once more word for word: it tells nothing else."""
    mailbox.plans["ada@example.com"] = ["cut"]
    assert run_at(EIGHT) == "1 unanswered"
    with database.at(EIGHT + timedelta(hours=1)):
        outbox.promise("rotation_due", expiring.workspace_id, expiring.id, "90d", key=expiring)
    assert run_at(EIGHT + timedelta(days=1)) == "2 sent"
    first, again, other = mailbox.arrived
    assert first.raw == again.raw
    assert "old." not in again.text and "old." in other.text
