"""What could hold up all mail, and does not: servers that say nothing or never stop, and a message that breaks."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from jobs import mail_smtp, mail_words, send_mail
from models import ApiKey, Mail, Webhook, database
from models.database import now
from models.mail_settings import Smtp
from models.mail_truth import Told
from models.settings import Settings
from tests.support.cast import Person, make_key
from tests.support.mailbox import Mailbox
from tests.support.smtp_script import Line, served


def silent(line: Line, done: threading.Event) -> None:
    done.wait(30)


def endless(line: Line, done: threading.Event) -> None:
    """A greeting without end: no single wait is long."""
    while not done.wait(0.05):
        line.sendall(b"220-and another line\r\n")


def closing(line: Line, done: threading.Event) -> None:
    line.sendall(b"421 4.3.2 Too many connections\r\n")


@pytest.mark.parametrize("talk", [silent, endless, closing])
def test_a_server_that_never_gets_ready_loses_nothing(
    mailbox: Mailbox, settings: Settings, ada: Person, talk: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_smtp, "LONGEST_ATTEMPT", 1.0)
    make_key(ada)
    with served(talk) as port:
        slow = replace(mailbox.settings(settings), smtp=Smtp("127.0.0.1", port, "none", timeout=0.5))
        send_mail.use(slow)
        assert send_mail.run() == "1 waiting"
    [mail] = Mail.select()
    assert (mail.status, mail.in_doubt, mail.attempts) == ("failed", False, 0)
    assert "cannot be reached" in mail.error
    send_mail.use(mailbox.settings(settings))
    assert send_mail.run() == "1 sent"
    assert len(mailbox.arrived) == 1


@pytest.mark.parametrize("answer", ["hang", "cut"])
def test_what_was_left_without_an_answer_is_sent_once_more_word_for_word(
    mailbox: Mailbox, settings: Settings, ada: Person, answer: str
) -> None:
    key, _ = make_key(ada, name="Before")
    mailbox.plans["ada@example.com"] = [answer]
    # Only the end of a silence is waited for, and what comes before it must not take so long on any machine.
    send_mail.use(mailbox.settings(settings, timeout=3.0))
    assert send_mail.run() == "1 unanswered"
    send_mail.use(mailbox.settings(settings))
    ApiKey.update(name="After").where(ApiKey.id == key.id).execute()
    with database.at(now() + timedelta(hours=1)):
        assert send_mail.run() == "1 sent"
    first, second = mailbox.arrived
    assert first.raw == second.raw
    assert first.id == second.id
    with database.at(now() + timedelta(days=1)):
        assert send_mail.run() == ""


def test_a_refusal_does_not_undo_the_doubt_about_an_earlier_attempt(
    mailbox: Mailbox, settings: Settings, ada: Person
) -> None:
    key, _ = make_key(ada, name="Before")
    mailbox.plans["ada@example.com"] = ["cut", "450"]
    send_mail.use(mailbox.settings(settings))
    assert send_mail.run() == "1 unanswered"
    ApiKey.update(name="After").where(ApiKey.id == key.id).execute()
    with database.at(now() + timedelta(hours=1)):
        assert send_mail.run() == "1 refused"
    with database.at(now() + timedelta(hours=2)):
        assert send_mail.run() == "1 sent"
    first, second = mailbox.arrived
    assert first.raw == second.raw


@pytest.mark.parametrize("end", ["sent", "dropped"])
def test_what_may_have_arrived_is_kept_until_it_is_over(
    mailbox: Mailbox, settings: Settings, ada: Person, end: str
) -> None:
    hook, _ = Webhook.add(ada.workspace, url="https://example.com/", events=["*"], by=ada.actor)
    hook.disable(reason="gone")
    mailbox.plans["ada@example.com"] = ["cut"]
    assert send_mail.run() == "1 unanswered"
    assert Mail.get().kept() == mailbox.arrived[0].raw
    if end == "dropped":
        hook.enable(by=ada.actor)
    with database.at(now() + timedelta(hours=1)):
        assert send_mail.run() == f"1 {end}"
    assert (Mail.get().status, Mail.get().message) == (end, None)


def test_a_message_that_cannot_be_put_together_keeps_no_other_waiting(
    mailbox: Mailbox, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Good one", "Poison", "Good two"):
        make_key(ada, name=name)
    real = mail_words.item

    def item(told: Told, place: mail_words.Place) -> mail_words.Item:
        if told.key.name == "Poison":
            raise KeyError("facts of another version")
        return real(told, place)

    with monkeypatch.context() as patched:
        patched.setattr(mail_words, "item", item)
        assert send_mail.run() == "1 not put together, 2 sent"
    with database.at(now() + timedelta(hours=1)):
        assert send_mail.run() == "1 sent"
    assert set(mailbox.copies().values()) == {1}
