"""The week that is over comes with the digest, once, in figures."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from jobs import send_mail, weekly_summary
from models import ApiKey, Member, Notice, database, outbox, weekly
from tests.support.cast import Person
from tests.support.mailbox import Mailbox
from tests.support.usage import used

MakeKey = Callable[..., tuple[ApiKey, str]]
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
NEXT = MONDAY + timedelta(days=7)


@pytest.fixture
def a_week(ada: Person, make_key: MakeKey) -> ApiKey:
    """A key with a week of requests, and half as many in the week before."""
    with database.at(MONDAY - timedelta(days=20)):
        key, text = make_key(ada, name="Customer sync")
    for at, times, status in (
        (MONDAY - timedelta(days=3), 100, 200),
        (MONDAY, 150, 200),
        (NEXT - timedelta(seconds=1), 50, 500),
        (NEXT, 999, 200),
    ):
        used(text, at=at, times=times, status=status)
    with database.at(MONDAY + timedelta(days=2)):
        make_key(ada, name="Made that week")
    return key


@pytest.mark.parametrize(
    ("moment", "monday"),
    [
        (NEXT, MONDAY),
        (NEXT - timedelta(microseconds=1), MONDAY - timedelta(days=7)),
        (NEXT + timedelta(days=6, hours=23), MONDAY),
        (datetime(2027, 1, 1, tzinfo=UTC), datetime(2026, 12, 21, tzinfo=UTC)),
    ],
)
def test_a_week_is_one_of_the_calendar(moment: datetime, monday: datetime) -> None:
    assert weekly.last_monday(moment) == monday


def test_its_figures_are_those_of_the_week_alone(ada: Person, a_week: ApiKey) -> None:
    assert weekly.figures(ada.workspace, MONDAY) == {
        "monday": MONDAY.isoformat(), "requests": 200, "failed": 50, "before": 100, "busiest": "Customer sync",
        "created": 1, "revoked": 0, "incidents": 0,
    }  # fmt: skip


def test_it_comes_once_with_the_digest(mailbox: Mailbox, ada: Person, a_week: ApiKey) -> None:
    send_mail.run()
    Notice.delete().execute()
    del mailbox.arrived[:]
    with time_machine.travel(NEXT + timedelta(hours=1), tick=False):
        assert weekly_summary.run() == "workspaces summed up: 1"
        assert weekly_summary.run() == ""
    with time_machine.travel(NEXT + timedelta(days=1, hours=12), tick=False):
        assert weekly_summary.run() == ""
        send_mail.run()
        send_mail.run()
    [mail] = mailbox.to("ada@example.com")
    assert mail.subject == "Last week in Fieldstone"
    for said in (mail.text, mail.html):
        assert "Nov 16 to Nov 22" in said
        told = " ".join(re.sub(r"<[^>]*>", " ", said).replace(":", "").split())
        assert "Requests 200, 100 % more than the week before Failed 50, 25.0 % Busiest Customer sync" in told
        assert "Keys 1 created" in told
        assert f"{ada.workspace.id}/settings/plan" in said
    assert "List-Unsubscribe" in mail.message


def test_a_week_in_which_nothing_happened_is_not_told(ada: Person) -> None:
    with time_machine.travel(NEXT + timedelta(days=40), tick=False):
        assert weekly_summary.run() == ""


def test_after_weeks_without_a_scheduler_only_the_last_one_is_told(ada: Person, a_week: ApiKey) -> None:
    with time_machine.travel(NEXT + timedelta(days=8), tick=False):
        assert weekly_summary.run() == "workspaces summed up: 1"
    assert {notice.threshold for notice in Notice.select().where(Notice.kind == "weekly")} == {"2026-W48"}


def test_two_weeks_that_come_together_are_both_told(mailbox: Mailbox, ada: Person, a_week: ApiKey) -> None:
    send_mail.run()
    Notice.delete().execute()
    del mailbox.arrived[:]
    for weeks in (0, 1):
        with time_machine.travel(NEXT + timedelta(days=7 * weeks, hours=1), tick=False):
            assert weekly_summary.run() == "workspaces summed up: 1"
    with time_machine.travel(NEXT + timedelta(days=8), tick=False):
        send_mail.run()
    [mail] = mailbox.to("ada@example.com")
    assert mail.subject == "Last weeks in Fieldstone"
    for said in (mail.text, mail.html):
        assert 0 < said.index("Nov 16 to Nov 22") < said.index("Nov 23 to Nov 29")
        assert "999" in said
    assert mail.text.startswith("The weeks in figures")


def test_the_summary_of_another_workspace_is_not_in_what_is_said_of_a_key(
    mailbox: Mailbox, ada: Person, mallory: Person, a_week: ApiKey, make_key: MakeKey
) -> None:
    send_mail.run()
    Notice.delete().execute()
    del mailbox.arrived[:]
    Member.update(user=ada.user).where(Member.id == mallory.member.id).execute()
    with database.at(NEXT), outbox.quiet():
        key, _ = make_key(mallory, name="Rival sync", expires_at=NEXT + timedelta(days=2, hours=1))
    with time_machine.travel(NEXT + timedelta(hours=1), tick=False):
        assert weekly_summary.run() == "workspaces summed up: 1"
        outbox.promise("expiring", mallory.workspace.id, key.id, "7d", key=key)
    with time_machine.travel(NEXT + timedelta(hours=12), tick=False):
        send_mail.run()
    [mail] = mailbox.to("ada@example.com")
    assert mail.subject == f"API key “Rival sync” of {mallory.workspace.name} expires in 37 hours"
    assert "Nov 16 to Nov 22" in mail.text
