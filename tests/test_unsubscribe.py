"""Stopping the daily mail: with a page that only asks, and with the one click of RFC 8058. Security mail stays."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from jobs import send_mail
from models import AuditEvent, MailChoice, TeamAddress, database, outbox
from models.database import now
from models.mail_kinds import DIGESTS
from tests.support.cast import Person, make_key
from tests.support.keys import aged
from tests.support.mailbox import Mailbox
from tests.support.team import confirmed_team

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def digest(mailbox: Mailbox, ada: Person) -> Callable[[str], str]:
    """digest("ada@example.com"): the path in the head of their digest."""
    with outbox.quiet():
        key = aged(make_key(ada)[0])
    confirmed_team(ada, "team@example.com", ["unused", "key_leaked"])
    outbox.promise("unused", ada.workspace.id, key.id, "90d", key=key)
    with database.at(now() + timedelta(days=1)):
        send_mail.run()

    def path(address: str) -> str:
        [mail] = mailbox.to(address)
        found = re.fullmatch(r"<http://localhost(/unsubscribe/[^>]+)>", str(mail.message["List-Unsubscribe"]))
        assert found, mail.message["List-Unsubscribe"]
        assert found[1] in mail.text
        return found[1]

    return path


def off(person: Person) -> frozenset[str]:
    return MailChoice.off_for(person.member.id)


def test_the_link_only_asks(client: FlaskClient, ada: Person, digest: Callable[[str], str]) -> None:
    answer = client.get(digest("ada@example.com"))
    assert answer.status_code == 200
    assert "Stop the daily mail?" in answer.text
    assert "ada@example.com" in answer.text
    assert client.head(digest("ada@example.com")).status_code == 200
    assert off(ada) == frozenset()


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://mail.example.net"}, {"Origin": "null"}]
)
def test_one_click_stops_the_digest_and_nothing_else(
    client: FlaskClient, ada: Person, digest: Callable[[str], str], mailbox: Mailbox, headers: dict[str, str]
) -> None:
    answer = client.post(digest("ada@example.com"), data=ONE_CLICK, headers=headers)
    assert answer.status_code == 200
    assert "The daily mail is stopped" in answer.text
    assert off(ada) == set(DIGESTS)
    assert client.post(digest("ada@example.com"), data=ONE_CLICK).status_code == 200, "again changes nothing"
    assert "mail.unsubscribed" in [event.action for event in AuditEvent.about(ada.workspace.id, ada.member.id)]
    mailbox.arrived.clear()
    key, _ = make_key(ada)
    assert outbox.promise("unused", ada.workspace.id, key.id, "x", key=key) == 1, "the team still wants it"
    send_mail.run()
    assert [each.to for each in mailbox.arrived] == [("ada@example.com",)]


def test_a_team_address_stops_for_itself(client: FlaskClient, ada: Person, digest: Callable[[str], str]) -> None:
    assert client.post(digest("team@example.com"), data=ONE_CLICK).status_code == 200
    [team] = TeamAddress.listed(ada.workspace.id)
    assert team.kinds == ("key_leaked",)
    assert off(ada) == frozenset()


def test_a_link_of_another_key_or_without_one_stops_nothing(
    app: Flask, client: FlaskClient, ada: Person, digest: Callable[[str], str]
) -> None:
    path = digest("ada@example.com")
    forged = [path[:-1], path + "x", "/unsubscribe/x", "/unsubscribe/%FF", f"/unsubscribe/{ada.user.id}"]
    for each in forged:
        for answer in (client.get(each), client.post(each, data=ONE_CLICK)):
            assert answer.status_code == 404, each
    assert off(ada) == frozenset()


def test_a_link_outlives_the_removal_of_its_address(
    client: FlaskClient, ada: Person, digest: Callable[[str], str]
) -> None:
    path = digest("team@example.com")
    TeamAddress.listed(ada.workspace.id)[0].remove(by=ada.actor)
    assert client.get(path).status_code == 200
    assert client.post(path, data=ONE_CLICK).status_code == 200
