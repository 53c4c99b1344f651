"""The mails of the clean-up in stages: what they say, where they lead, and that they are true when they are sent."""

from collections.abc import Callable
from datetime import timedelta

from jobs import flag_keys, send_mail
from models import ApiKey, database, outbox
from models.database import now
from models.outbox import Notice
from tests.support.cast import Person, make_key
from tests.support.key_pages import fresh
from tests.support.mailbox import Mailbox
from tests.support.policies import rule
from tests.support.stages import DAY, run_at

MakeKey = Callable[..., tuple[ApiKey, str]]


def quiet_key(ada: Person) -> ApiKey:
    rule(ada, staged_cleanup=True, rotation_days=3000)
    with outbox.quiet():
        return make_key(ada, name="Looker trial")[0]


def test_each_stage_is_told_with_its_day_and_where_it_is_stopped(mailbox: Mailbox, ada: Person) -> None:
    key, start = quiet_key(ada), now() + timedelta(minutes=5)
    said = []
    for day in (30, 44, 58):
        run_at(start + day * DAY)
        with database.at(start + (day + 1) * DAY):
            assert send_mail.run() == "1 sent"
        said.append(" ".join(mailbox.arrived[-1].text.split()))
    assert f"/api-keys/{key.id}/keep" in said[0]
    in_quarantine, end = start + 44 * DAY, start + 58 * DAY
    assert f"It will be put in quarantine on {in_quarantine:%b} {in_quarantine.day}, {in_quarantine.year}," in said[0]
    assert f"It will be revoked on {end:%b} {end.day}, {end.year}, unless it is woken." in said[1]
    assert f"/api-keys/{key.id}/wake" in said[1]
    assert "Nobody woke it within 14 days of quarantine, so it is revoked." in said[2]
    assert f"/api-keys/new?copy={key.id}" in said[2]


def test_nothing_is_told_of_a_key_that_was_kept_meanwhile(mailbox: Mailbox, ada: Person) -> None:
    key, start = quiet_key(ada), now() + timedelta(minutes=5)
    run_at(start + 30 * DAY)
    fresh(key).exempt("For emergencies", by=ada.actor)
    with database.at(start + 31 * DAY):
        assert send_mail.run() == "1 dropped"
    assert mailbox.arrived == []
    assert Notice.get(Notice.kind == "unused").reason == "The key was used, woken or kept meanwhile."


def test_a_key_that_is_spared_in_quarantine_is_not_said_to_be_revoked(mailbox: Mailbox, ada: Person) -> None:
    key, start = quiet_key(ada), now() + timedelta(minutes=5)
    for day in (30, 44):
        run_at(start + day * DAY)
    fresh(key).exempt("For emergencies", by=ada.actor)
    with database.at(start + 45 * DAY):
        assert send_mail.run() == "1 sent"
    said = " ".join(mailbox.arrived[-1].text.split())
    assert "Requests with it are refused. It stays so until it is woken." in said
    assert "It will be revoked" not in said


def test_the_day_of_quarantine_is_told_though_it_was_told_before_that_nobody_uses_the_key(
    mailbox: Mailbox, ada: Person
) -> None:
    """As in every workspace that switches the stages on later; and once more when they are switched on again."""
    key, start = quiet_key(ada), now() + timedelta(minutes=5)
    rule(ada, staged_cleanup=False)
    with database.at(start + 30 * DAY):
        assert "unused: 1" in flag_keys.run()
    with database.at(start + 31 * DAY):
        assert send_mail.run() == "1 sent"
    assert "put in quarantine on" not in " ".join(mailbox.arrived[-1].text.split())
    for day in (40, 60):
        rule(ada, staged_cleanup=True)
        assert run_at(start + day * DAY) == "flagged: 1"
        with database.at(start + (day + 1) * DAY):
            assert send_mail.run() == "1 sent"
        asleep = start + (day + 14) * DAY
        said = " ".join(mailbox.arrived[-1].text.split())
        assert f"It will be put in quarantine on {asleep:%b} {asleep.day}, {asleep.year}," in said
        rule(ada, staged_cleanup=False)
    assert [notice.threshold_shown for notice in outbox.notices_of(key)] == [""] * 3
