"""The digest: once a day at each person's hour, true at the moment it is sent, and one after a long silence."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs import send_mail
from models import ApiKey, User, database, mail_kinds, mail_preferences, outbox
from models.database import now
from models.digest_time import next_digest
from models.mail_choice import MailChoice
from tests.support.cast import Person, joined, make_key
from tests.support.keys import aged
from tests.support.mailbox import Mailbox

from zoneinfo import ZoneInfo  # isort: skip

START = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
EIGHT = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


@pytest.fixture
def key(mailbox: Mailbox, ada: Person) -> ApiKey:
    with database.at(START), outbox.quiet():
        return aged(make_key(ada, name="CRM sync", expires_at=START + timedelta(days=7))[0])


def promise(key: ApiKey, kind: str, threshold: str = "", **facts: Any) -> int:
    with database.at(START):
        return outbox.promise(kind, key.workspace_id, key.id, threshold, key=key, facts=facts)


def run_at(moment: datetime) -> str:
    with database.at(moment):
        return send_mail.run()


def test_what_is_promised_is_in_one_digest_at_eight(mailbox: Mailbox, ada: Person, key: ApiKey) -> None:
    assert promise(key, "expiring", "7d") == 1
    assert promise(key, "rotation_due", "90d") == 1
    assert promise(key, "expiring", "7d") == 0, "it was promised before"
    assert run_at(EIGHT - timedelta(seconds=1)) == ""
    assert outbox.notices_of(key)[0].at == EIGHT
    assert run_at(EIGHT) == "1 sent"
    [mail] = mailbox.arrived
    assert mail.subject == "API key “CRM sync” of Fieldstone expires in 6 days", "the most urgent of what it tells"
    assert mail.text.startswith("1 API key needs a look, Fieldstone")
    assert "Expires in 6 days, on Dec 1, 2026, 15:00 UTC. Never used." in mail.text
    assert f"/api-keys/{key.id}/edit" in mail.text
    assert f"/api-keys/{key.id}/rotate" in mail.text
    assert "<http://localhost/unsubscribe/" in str(mail.message["List-Unsubscribe"])
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert run_at(EIGHT + timedelta(days=1)) == ""


@pytest.mark.parametrize(
    ("kind", "heading"),
    [("expiring", "An API key expires soon"), ("rotation_due", "An API key is due for rotation")],
)
def test_a_digest_about_one_thing_is_headed_by_it(
    mailbox: Mailbox, ada: Person, key: ApiKey, kind: str, heading: str
) -> None:
    promise(key, kind, "7d")
    run_at(EIGHT)
    [mail] = mailbox.arrived
    assert mail.text.startswith(f"{heading}, Fieldstone")
    assert f">{heading}</h1>" in mail.html


@pytest.mark.parametrize(
    ("others", "more"), [(1, "1 more needs a look"), (2, "2 more need a look"), (20, "20 more need a look")]
)
def test_the_subject_of_many_things_names_the_most_urgent_key(
    mailbox: Mailbox, ada: Person, key: ApiKey, others: int, more: str
) -> None:
    with database.at(START), outbox.quiet():
        trials = [aged(make_key(ada, name=f"Trial {number}")[0]) for number in range(others)]
    for trial in trials:
        promise(trial, "unused", "90d")
    promise(key, "expiring", "7d")
    run_at(EIGHT)
    [mail] = mailbox.arrived
    assert mail.subject == f"API key “CRM sync” expires in 6 days, {more}"


def test_there_is_one_digest_a_day(mailbox: Mailbox, ada: Person, key: ApiKey) -> None:
    promise(key, "expiring", "7d")
    run_at(EIGHT)
    with database.at(EIGHT + timedelta(minutes=1)):
        outbox.promise("unused", key.workspace_id, key.id, "90d", key=key)
        mail_preferences.choose(ada.member, User.get_by_id(ada.user.id), mail_kinds.DIGESTS, 10)
    assert run_at(EIGHT + timedelta(hours=3)) == ""
    assert run_at(EIGHT + timedelta(hours=26)) == "1 sent"
    assert len(mailbox.arrived) == 2


def test_a_digest_that_comes_late_does_not_take_the_place_of_the_next(
    mailbox: Mailbox, ada: Person, key: ApiKey
) -> None:
    """Planned for 23:00 and sent after midnight, it is still the one of the day before."""
    with database.at(START):
        mail_preferences.choose(ada.member, User.get_by_id(ada.user.id), mail_kinds.DIGESTS, 23)
    promise(key, "expiring", "7d")
    late = START.replace(hour=23) + timedelta(minutes=90)
    assert run_at(late) == "1 sent"
    with database.at(late + timedelta(hours=1)):
        outbox.promise("unused", key.workspace_id, key.id, "90d", key=key)
    assert run_at(START.replace(hour=23) + timedelta(hours=24)) == "1 sent"
    assert len(mailbox.arrived) == 2


@pytest.mark.parametrize(
    ("kind", "meanwhile", "reason"),
    [
        ("expiring", lambda key, ada: key.revoke(by=ada.actor), "The key was revoked meanwhile."),
        ("rotation_due", lambda key, ada: key.rotate(by=ada.actor), "The key was rotated meanwhile."),
        ("maker_left", lambda key, ada: None, "Whoever made the key manages keys again."),
        ("expired", lambda key, ada: None, "The key was extended meanwhile."),
        (
            "unused",
            lambda key, ada: ApiKey.update(last_used_at=now()).where(ApiKey.id == key.id).execute(),
            "The key was used meanwhile.",
        ),
        (
            "expiring",
            lambda key, ada: ApiKey.update(expires_at=EIGHT + timedelta(days=90)).where(ApiKey.id == key.id).execute(),
            "The key was extended meanwhile.",
        ),
        ("expiring", lambda key, ada: MailChoice.choose(ada.member.id, ["unused"]), "Turned off meanwhile."),
    ],
)
def test_what_is_not_true_any_more_is_dropped_with_its_reason(
    mailbox: Mailbox, ada: Person, key: ApiKey, kind: str, meanwhile: Callable[..., object], reason: str
) -> None:
    promise(key, kind, "x", expires_at=key.expires_at)
    with database.at(START + timedelta(hours=1)):
        meanwhile(ApiKey.get_by_id(key.id), ada)
    assert run_at(EIGHT) == "1 dropped"
    assert mailbox.arrived == []
    [notice] = outbox.notices_of(key)
    assert (notice.status, notice.why) == ("dropped", reason)


def test_a_rotation_that_was_undone_leaves_it_due(mailbox: Mailbox, ada: Person, key: ApiKey) -> None:
    promise(key, "rotation_due", "x")
    with database.at(START + timedelta(hours=1)):
        key.rotate(by=ada.actor, overlap="24h")
        key.undo_rotation(by=ada.actor)
    assert run_at(EIGHT) == "1 sent"
    assert [mail.subject for mail in mailbox.arrived] == ["API key “CRM sync” of Fieldstone is due for rotation"]


def test_after_days_of_silence_one_digest_tells_the_truth(mailbox: Mailbox, ada: Person, key: ApiKey) -> None:
    for threshold in ("14d", "7d", "1d"):
        promise(key, "expiring", threshold)
    assert run_at(START + timedelta(days=6, hours=22)) == "1 sent"
    [mail] = mailbox.arrived
    assert mail.text.count("CRM sync  (") == 1, "one line, not three"
    assert "Expires in 2 hours" in mail.text


def test_what_has_ended_during_the_silence_is_told_as_ended(mailbox: Mailbox, ada: Person, key: ApiKey) -> None:
    promise(key, "expiring", "1d")
    promise(key, "expired")
    assert run_at(START + timedelta(days=8)) == "1 sent"
    [mail] = mailbox.arrived
    assert "Expired on Dec 1, 2026" in mail.text
    assert "Expires in" not in mail.text
    statuses = {notice.kind: notice.status for notice in outbox.notices_of(key)}
    assert statuses == {"expiring": "dropped", "expired": "sent"}


def test_days_without_a_server_make_one_digest(mailbox: Mailbox, ada: Person, key: ApiKey) -> None:
    mailbox.everything = "450"
    promise(key, "expiring", "7d")
    assert run_at(EIGHT) == "1 refused"
    with database.at(EIGHT + timedelta(hours=1)):
        outbox.promise("rotation_due", key.workspace_id, key.id, "90d", key=key)
    run_at(EIGHT + timedelta(days=1))
    mailbox.everything = ""
    assert run_at(EIGHT + timedelta(days=2)) == "1 sent"
    [mail] = mailbox.arrived
    assert "Expires in 4 days" in mail.text
    assert "old." in mail.text


def test_a_person_in_two_workspaces_gets_one_digest(
    mailbox: Mailbox, ada: Person, mallory: Person, key: ApiKey
) -> None:
    with database.at(START), outbox.quiet():
        other = aged(make_key(mallory, name="Rival sync")[0])
        from models import Member
        from models.database import new_id

        Member.create(
            id=new_id("mem"), workspace=mallory.workspace, user=ada.user, name="Ada", email=ada.user.email, role="admin"
        )
    promise(key, "unused")
    promise(other, "unused")
    assert run_at(EIGHT) == "2 sent"
    [mine] = mailbox.to("ada@example.com")
    assert mine.subject == "2 API keys of 2 workspaces are unused"
    [theirs] = mailbox.to("mallory@example.com")
    assert "CRM sync" not in theirs.text + theirs.html
    assert "Fieldstone" not in theirs.raw.decode()


def test_everybody_is_told_at_their_own_hour(mailbox: Mailbox, ada: Person, key: ApiKey) -> None:
    tokyo = joined(ada.workspace, "Ken Ito", "admin")
    User.update(time_zone="Asia/Tokyo", digest_hour=7).where(User.id == tokyo.user.id).execute()
    promise(key, "unused")
    assert run_at(datetime(2026, 11, 24, 22, 0, tzinfo=UTC)) == "1 sent"
    assert [each.to for each in mailbox.arrived] == [("ken@example.com",)]
    assert "Nov 25, 2026" in mailbox.arrived[0].text
    assert run_at(EIGHT) == "1 sent"


@pytest.mark.parametrize(
    ("after", "zone", "hour", "expected"),
    [
        ("2026-03-28T12:00", "Europe/Berlin", 2, "2026-03-29T01:00"),  # 02:00 is left out
        ("2026-10-24T12:00", "Europe/Berlin", 2, "2026-10-25T00:00"),  # 02:00 comes twice
        ("2026-10-25T00:00", "Europe/Berlin", 2, "2026-10-26T01:00"),
        ("2026-06-01T00:00", "Pacific/Kiritimati", 8, "2026-06-01T18:00"),
        ("2026-06-01T00:00", "Asia/Kathmandu", 8, "2026-06-01T02:15"),
        ("2026-06-01T02:15", "Asia/Kathmandu", 8, "2026-06-02T02:15"),
    ],
)
def test_the_hour_is_one_of_the_persons_clock(after: str, zone: str, hour: int, expected: str) -> None:
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)
    assert next_digest(moment, ZoneInfo(zone), hour) == datetime.fromisoformat(expected).replace(tzinfo=UTC)
