"""A team address gets nothing but a question until whoever reads it says yes, and nobody can be pestered so."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from jobs import send_mail
from models import AuditEvent, Mail, Notice, TeamAddress, TeamHour, database, mail_recipients, outbox, team_confirmation
from models.database import now
from models.errors import Invalid
from tests.support.cast import Person, make_key
from tests.support.clients import Browser
from tests.support.key_pages import words
from tests.support.mailbox import Mailbox
from tests.support.team import confirmed_team

Browse = Callable[[Person], Browser]
TEAM = "team@example.com"
LINK = re.compile(r"http://localhost(/team-address/[\w-]+)")


@pytest.fixture
def stranger(app: Flask) -> Browser:
    """A browser that nobody is signed in with, with the token of a form."""
    browser = Browser(app)
    browser.get("/login")
    return browser


def add(browser: Browser, person: Person, address: str = TEAM) -> str:
    """What the page says then."""
    form = {"address": address, "kinds": ["key_created", "expired"]}
    answer = browser.post(person.settings("notifications/team"), form)
    return words(answer if answer.status_code == 422 else browser.get(person.settings("notifications")))


def link(mailbox: Mailbox) -> str:
    """The one in the newest mail to the team."""
    send_mail.run()
    found = LINK.search(mailbox.to(TEAM)[-1].text)
    assert found
    assert found[0] in mailbox.to(TEAM)[-1].html
    return found[1]


def team() -> TeamAddress:
    return TeamAddress.get(TeamAddress.address == TEAM)


def test_a_team_address_gets_nothing_but_a_question_until_it_is_confirmed(
    ada: Person, browse: Browse, mailbox: Mailbox, stranger: Browser
) -> None:
    browser = browse(ada)
    assert f"{TEAM} is asked by mail. It gets nothing else before somebody there confirms." in add(browser, ada)
    path = link(mailbox)
    [question] = mailbox.to(TEAM)
    assert question.subject == f"Confirm “{TEAM}” for mail of Fieldstone"
    assert "Ada" in question.text and "Then do nothing" in question.text
    assert "/settings/" not in question.text, "they have no account"
    assert "List-Unsubscribe" not in question.message
    make_key(ada, name="Before")
    send_mail.run()
    assert len(mailbox.to(TEAM)) == 1
    assert "Waiting for confirmation" in words(browser.get(ada.settings("notifications")))

    shown = stranger.get(path)
    assert shown.status_code == 200
    assert "Fieldstone wants to send mail about its API keys to team@example.com" in words(shown)
    assert team().confirmed_at is None, "to look at a link answers nothing"
    assert "gets mail about the API keys of Fieldstone from now on" in words(stranger.post(path))
    assert team().confirmed_at is not None
    make_key(ada, name="After")
    send_mail.run()
    assert [mail.subject for mail in mailbox.to(TEAM)[1:]] == ["New API key “After” in Fieldstone"]
    assert "Waiting for confirmation" not in words(browser.get(ada.settings("notifications")))
    history = [(event.action, event.actor_name) for event in AuditEvent.about(ada.workspace.id, team().id)]
    assert history == [("team_address.confirmed", TEAM), ("team_address.added", "Ada Byron")]


def test_a_link_works_once_for_a_week_and_only_the_newest(
    ada: Person, browse: Browse, mailbox: Mailbox, stranger: Browser
) -> None:
    browser = browse(ada)
    add(browser, ada)
    first = link(mailbox)
    assert browser.post(ada.settings(f"notifications/team/{team().id}/ask-again")).status_code == 303
    newest = link(mailbox)
    for path in (first, "/team-address/x", "/team-address/" + "x" * 5000, "/team-address/%ED%A0%80"):
        assert (stranger.get(path).status_code, stranger.post(path).status_code) == (404, 404), path
    with time_machine.travel(now() + timedelta(days=7, minutes=1), tick=False):
        assert (stranger.get(newest).status_code, stranger.post(newest).status_code) == (404, 404)
    assert team().confirmed_at is None
    assert stranger.post(newest).status_code == 200
    assert "This link does not work It was used already" in words(stranger.post(newest))
    assert browser.post(ada.settings(f"notifications/team/{team().id}/ask-again")).status_code == 409


def test_the_token_is_kept_nowhere(ada: Person, browse: Browse, mailbox: Mailbox) -> None:
    """Neither in its row nor, while nobody knows whether it arrived, in the message."""
    add(browse(ada), ada)
    mailbox.plans[TEAM] = ["cut"]
    token = link(mailbox).rpartition("/")[2]
    waiting = Mail.get(Mail.recipient == team().id)
    assert waiting.in_doubt and waiting.message
    for row in (team(), waiting, *Notice.select()):
        assert token not in str(row.__data__) and token.encode() not in bytes(waiting.message)
    with database.at(now() + timedelta(minutes=2)):
        send_mail.run()
    first, again = mailbox.to(TEAM)
    assert (again.raw, again.id) == (first.raw, first.id)


def test_who_does_not_want_it_takes_the_address_off(
    ada: Person, browse: Browse, mailbox: Mailbox, stranger: Browser
) -> None:
    add(browse(ada), ada)
    path = link(mailbox)
    assert "gets no mail from Fieldstone" in words(stranger.post(f"{path}/decline"))
    assert TeamAddress.select().count() == 0
    assert stranger.post(path).status_code == 404
    assert AuditEvent.select().where(AuditEvent.action == "team_address.declined").count() == 1


def test_an_address_that_is_removed_is_not_asked_and_its_link_is_over(
    ada: Person, browse: Browse, mailbox: Mailbox, stranger: Browser
) -> None:
    browser = browse(ada)
    add(browser, ada)
    path = link(mailbox)
    browser.post(ada.settings(f"notifications/team/{team().id}/ask-again"))
    browser.post(ada.settings(f"notifications/team/{team().id}/remove"))
    send_mail.run()
    assert len(mailbox.to(TEAM)) == 1
    assert stranger.post(path).status_code == 404


def test_nobody_can_be_pestered(ada: Person, mallory: Person, browse: Browse, mailbox: Mailbox) -> None:
    browser, rival = browse(ada), browse(mallory)
    for _ in range(2):
        add(browser, ada)
        browser.post(ada.settings(f"notifications/team/{team().id}/remove"))
    add(rival, mallory)
    assert "asked 3 times within a day" in add(browser, ada)
    ask_again = f"notifications/team/{team().id}/ask-again"
    answer = rival.post(mallory.settings(ask_again))
    assert answer.status_code == 422 and "asked 3 times within a day" in words(answer)
    for days in (2, 4, 6, 8):
        with database.at(now() + timedelta(days=days)):
            team_now = team()
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("models.team_confirmation.MOST_A_DAY", 99)
                outcome = _ask(team_now, mallory)
        assert outcome == ("" if days < 8 else "asked 6 times within 30 days"), days


def _ask(team: TeamAddress, by: Person) -> str:
    try:
        team_confirmation.ask_again(team, by=by.actor)
    except Invalid as problem:
        found = re.search(r"asked \d+ times within [\w ]+", str(problem))
        assert found
        return found[0]
    return ""


def test_the_hour_of_team_addresses_is_one_of_the_workspace(ada: Person, browse: Browse, mailbox: Mailbox) -> None:
    confirmed_team(ada, TEAM, ["expired"])
    key, _ = make_key(ada)
    with database.at(now().replace(hour=0, minute=30)):
        outbox.promise("expired", ada.workspace.id, key.id, key=key)
    browser, path = browse(ada), ada.settings("notifications/team-hour")

    def due() -> tuple[int, int]:
        notice = Notice.get(Notice.kind == "expired", Notice.recipient == team().id)
        return notice.due_at.hour, notice.due_at.minute

    assert due() == (8, 0)
    assert "Daily, at 08:00 in UTC" in words(browser.get(ada.settings("notifications")))
    assert browser.post(path, {"hour": "6", "time_zone": "Asia/Kathmandu"}).status_code == 303
    assert due() == (0, 15)
    assert "Daily, at 06:00 in Asia/Kathmandu" in words(browser.get(ada.settings("notifications")))
    [recipient] = [each for each in mail_recipients.of(ada.workspace.id, "expired") if each.id.startswith("team_")]
    assert (recipient.hour, str(recipient.zone)) == (6, "Asia/Kathmandu")
    for wrong in ({"hour": "24", "time_zone": "UTC"}, {"hour": "5", "time_zone": "Mars/Olympus"}):
        answer = browser.post(path, wrong)
        assert answer.status_code == 422 and "Choose a" in words(answer)
    assert TeamHour.of(ada.workspace.id).hour == 6
    last = AuditEvent.select().where(AuditEvent.action == "team_address.hour_changed").get()
    assert last.facts == {"hour": [8, 6], "time_zone": ["UTC", "Asia/Kathmandu"]}
