"""A key that was found in public is told of by mail, at once and once, over a real mail server."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from jobs import send_mail
from models import ApiKey, AuditEvent, Workspace, database, leak_report, outbox
from models.database import now
from models.tenancy import choose_leak_policy
from tests.support.cast import Person
from tests.support.github import Send, github, match, send
from tests.support.key_pages import put_on_plan
from tests.support.keys import reread
from tests.support.mailbox import Mailbox
from tests.support.statements import sent

MakeKey = Callable[..., tuple[ApiKey, str]]

__all__ = ["github", "send"]


@pytest.fixture
def made(mailbox: Mailbox, make_key: MakeKey) -> MakeKey:
    """Like make_key, after the mail about the new key."""

    def ready(person: Person, **settings: object) -> tuple[ApiKey, str]:
        found = make_key(person, **settings)
        send_mail.run()
        mailbox.arrived.clear()
        return found

    return ready


def told(mailbox: Mailbox) -> list[tuple[str, str]]:
    """To whom, and what about."""
    send_mail.run()
    found = sorted((each.to[0].partition("@")[0], each.subject) for each in mailbox.arrived)
    mailbox.arrived.clear()
    return found


def test_whoever_manages_keys_hears_of_a_leak_once(
    mailbox: Mailbox, ada: Person, olga: Person, bob: Person, mallory: Person, made: MakeKey, send: Send
) -> None:
    _, text = made(ada, name="Nightly report")
    send(match(text), match(text, url="https://github.com/octo/another"))
    send_mail.run()
    [mail] = mailbox.to("ada@example.com")
    assert "https://github.com/octo/site/blob/1f/app.py#L3" in mail.text
    assert "GitHub secret scanning" in mail.text
    assert text not in mail.raw.decode()
    subject = "Leaked API key “Nightly report” of Fieldstone is revoked"
    assert told(mailbox) == [("ada", subject), ("olga", subject)]
    send(match(text), match(text, url="https://github.com/octo/a-third"))
    assert told(mailbox) == []


def test_nobody_hears_again_of_a_key_that_had_ended(mailbox: Mailbox, ada: Person, made: MakeKey, send: Send) -> None:
    key, text = made(ada)
    key.revoke(by=ada.actor, reason="unneeded")
    assert send(match(text)).get_json()[0]["label"] == "true_positive"
    assert told(mailbox) == []
    assert [notice.kind for notice in outbox.notices_of(key)] == ["key_created"]


def test_an_old_secret_is_told_of_as_such_and_the_next_one_too(
    mailbox: Mailbox, ada: Person, made: MakeKey, send: Send
) -> None:
    key, first = made(ada, name="CI")
    second = key.rotate(by=ada.actor).reveal()
    key.rotate(by=ada.actor)
    subject = "Old secret of “CI” in Fieldstone was found in public"
    for text in (first, second):
        send(match(text), match(text))
        send_mail.run()
        assert f"CI  (gr_{text[3:7]}…{text[-2:]})" in mailbox.arrived[0].text
        assert told(mailbox) == [("ada", subject)]


def test_what_is_no_longer_so_is_not_told(mailbox: Mailbox, ada: Person, made: MakeKey, send: Send) -> None:
    key, text = made(ada)
    key.rotate(by=ada.actor)
    send(match(text))
    key.revoke(by=ada.actor, reason="unneeded")
    assert told(mailbox) == []


def test_a_key_that_was_told_of_and_then_revoked_is_told_of_twice(
    mailbox: Mailbox, ada: Person, made: MakeKey, send: Send
) -> None:
    _, text = made(ada, name="CI")
    choose_leak_policy(ada.workspace, "tell", by=ada.actor)
    send(match(text))
    assert told(mailbox) == [("ada", "Leaked API key “CI” of Fieldstone still works")]
    choose_leak_policy(Workspace.get_by_id(ada.workspace.id), "revoke", by=ada.actor)
    send(match(text))
    assert told(mailbox) == [("ada", "Leaked API key “CI” of Fieldstone is revoked")]


def test_many_keys_at_once_are_one_mail(mailbox: Mailbox, ada: Person, made: MakeKey, send: Send) -> None:
    texts = [made(ada)[1] for _ in range(15)]
    assert len(send(*map(match, texts)).get_json()) == 15
    assert told(mailbox) == [("ada", "15 leaked API keys of Fieldstone")]


def test_an_alert_of_many_keys_is_one_mail_for_each_person_and_each_key_has_its_proof(
    mailbox: Mailbox, ada: Person, olga: Person, make_key: MakeKey, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leak_report, "AT_ONCE", 20)
    monkeypatch.setattr(leak_report, "EACH", timedelta(hours=1))
    put_on_plan(ada, "business")
    with outbox.quiet():
        made = [make_key(ada, name=f"Job {number:02}") for number in range(45)]
    alert = [match(text) for _, text in made]
    assert all(each["label"] == "true_positive" for each in send(*alert, *alert).get_json())
    send_mail.run()
    assert mailbox.arrived == [], "as long as more keys may follow"
    with database.at(now() + leak_report.LONGEST):
        send_mail.run()
    assert sorted(each.to for each in mailbox.arrived) == [("ada@example.com",), ("olga@example.com",)]
    assert mailbox.arrived[0].subject == "45 leaked API keys of Fieldstone"
    assert "Job 24" in mailbox.arrived[0].text and "And 20 other keys" in mailbox.arrived[0].text
    for key, text in made:
        ended = reread(key)
        assert (ended.revoked_by, ended.revoke_reason) == ("GitHub secret scanning", "leaked")
        history = AuditEvent.about(ada.workspace.id, key.id)
        assert [event.action for event in history] == ["api_key.revoked", "api_key.leaked", "api_key.created"]
        proof = outbox.notices_of(key)
        assert [(each.kind, each.status) for each in proof] == [("key_leaked", "sent")] * 2
        assert text not in str([each.facts for each in proof])


def test_more_keys_in_an_alert_take_no_more_statements(
    ada: Person, olga: Person, make_key: MakeKey, send: Send
) -> None:
    put_on_plan(ada, "business")

    def statements(count: int) -> int:
        alert = [match(make_key(ada)[1]) for _ in range(count)]
        with sent() as found:
            send(*alert)
        return len(found)

    assert statements(2) == statements(30)
