"""Senders that are killed anywhere, and senders that work side by side: nothing is lost, and no one is told twice."""

import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from jobs import send_mail
from models import Mail, Notice, database, outbox
from models.database import now
from tests.support.artifacts import ROOT
from tests.support.cast import Person, make_key
from tests.support.keys import aged
from tests.support.mailbox import Mailbox
from tests.support.threads import at_once

MOST_STATEMENTS = 60


def send_and_die(url: str, mailbox: Mailbox, statement: int) -> bool:
    """Whether it came to die."""
    command = [sys.executable, "-m", "tests.support.killed_sender", url, str(mailbox.port), str(statement)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert done.returncode in (0, -9), done.stderr
    return done.returncode == -9


def run_after_the_lease(minutes: int = 6) -> str:
    with database.at(now() + timedelta(minutes=minutes)):
        return send_mail.run()


def test_a_sender_killed_anywhere_loses_nothing_and_repeats_at_most_one_message(
    mailbox: Mailbox, connected: str, ada: Person
) -> None:
    deaths = repeats = 0
    for statement in range(0, MOST_STATEMENTS, 2 if "sqlite" in connected else 3):
        mailbox.arrived.clear()
        key, _ = make_key(ada, name=f"Killed {statement}")
        died = send_and_die(connected, mailbox, statement)
        run_after_the_lease()
        run_after_the_lease(30)
        [notice] = outbox.notices_of(key)
        assert notice.status == "sent", statement
        assert 1 <= len(mailbox.arrived) <= 1 + died, statement
        assert len({each.raw for each in mailbox.arrived}) == 1, "word for word"
        deaths += died
        repeats += len(mailbox.arrived) - 1
        key.revoke(by=ada.actor)
        if not died:
            break
    assert deaths > 3
    assert not died, "the loop saw every statement"
    assert repeats <= 2, "only between the answer and its note"


def test_two_senders_at_once_send_each_message_once(mailbox: Mailbox, connected: str, ada: Person) -> None:
    for number in range(8):
        make_key(ada, name=f"Of two {number}")
    said = at_once(4, lambda _: send_mail.run())
    assert not [each for each in said if isinstance(each, Exception)]
    send_mail.run()
    assert len(mailbox.arrived) == 8
    assert set(mailbox.copies().values()) == {1}
    assert {notice.status for notice in Notice.select(Notice, Mail).join(Mail)} == {"sent"}


def test_a_digest_that_two_gather_at_once_is_one_message(mailbox: Mailbox, connected: str, ada: Person) -> None:
    with outbox.quiet():
        keys = [aged(make_key(ada, name=f"Unused {number}", expires_at=None)[0]) for number in range(20)]
    for key in keys:
        outbox.promise("unused", ada.workspace.id, key.id, "90d", key=key)
    with database.at(now() + timedelta(days=1)):
        moment = now()

    def run(_: int) -> str:
        with database.at(moment):
            return send_mail.run()

    at_once(4, run)
    run_after_the_lease(60 * 24)
    assert len(mailbox.arrived) == 1
    assert all(f"Unused {number}" in mailbox.arrived[0].text for number in range(20))


def killed() -> Any:
    raise KeyboardInterrupt


def test_a_killed_gatherer_leaves_nothing_behind(
    mailbox: Mailbox, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The envelope is there, half of the notices are in it, and its lease is not over."""
    with outbox.quiet():
        keys = [aged(make_key(ada, name=f"Unused {number}")[0]) for number in range(6)]
    for key in keys:
        outbox.promise("unused", ada.workspace.id, key.id, "90d", key=key)
    monkeypatch.setattr("models.mail_gather.CHUNK", 3)
    chunks = iter([database.transaction])
    monkeypatch.setattr("models.mail_gather.transaction", lambda: next(chunks, killed)())
    tomorrow = now() + timedelta(days=1)
    with database.at(tomorrow), pytest.raises(KeyboardInterrupt):
        send_mail.run()
    monkeypatch.setattr("models.mail_gather.transaction", database.transaction)
    with database.at(tomorrow + timedelta(minutes=1)):
        assert send_mail.run() == "", "somebody may still be at it"
    with database.at(tomorrow + timedelta(minutes=6)):
        assert send_mail.run() == "1 sent"
    [mail] = mailbox.arrived
    assert all(f"Unused {number}" in mail.text for number in range(6))
