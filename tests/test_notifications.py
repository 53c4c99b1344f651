"""Notifications: what a person takes and when, team addresses, mail that is stuck, and the proof on a key's page."""

from collections.abc import Callable

import pytest

from jobs import send_mail
from models import AuditEvent, Mail, MailChoice, Notice, TeamAddress, User, mail_kinds, outbox
from models.database import now
from models.mail_choice import MOST_ADDRESSES
from tests.support.cast import Person, make_key
from tests.support.clients import Browser
from tests.support.key_pages import words
from tests.support.mailbox import Mailbox

Browse = Callable[[Person], Browser]
PAGE = "notifications"


def actions(person: Person, subject: str) -> list[str]:
    return [event.action for event in AuditEvent.about(person.workspace.id, subject)]


def test_a_person_chooses_kinds_and_hour(ada: Person, browse: Browse) -> None:
    browser = browse(ada)
    assert browser.get(ada.settings(PAGE)).text.count(" checked") >= 5
    form = {"kinds": ["expiring", "expired"], "hour": "17"}
    assert browser.post(ada.settings(PAGE), form).status_code == 303
    assert "Your mail is set." in browser.get(ada.settings(PAGE)).text
    assert MailChoice.off_for(ada.member.id) == set(mail_kinds.DIGESTS) - {"expiring", "expired"}
    assert User.get_by_id(ada.user.id).digest_hour == 17
    shown = browser.get(ada.settings(PAGE)).text
    assert 'value="expiring" aria-describedby="mine-expiring-hint" checked' in shown
    assert 'value="unused" aria-describedby="mine-unused-hint">' in shown
    assert 'selected value="17"' in shown
    key, _ = make_key(ada)
    assert outbox.promise("unused", ada.workspace.id, key.id, key=key) == 0
    assert outbox.promise("expired", ada.workspace.id, key.id, key=key) == 1


def test_another_hour_or_zone_plans_what_waits_anew(ada: Person, browse: Browse) -> None:
    key, _ = make_key(ada)
    outbox.promise("expired", ada.workspace.id, key.id, key=key)
    browser = browse(ada)
    browser.post(ada.settings(PAGE), {"kinds": "expired", "hour": "17"})
    [notice] = Notice.select().where(Notice.kind == "expired")
    assert (notice.due_at.hour, notice.due_at.minute) == (17, 0)
    browser.post("/account/time-zone", {"time_zone": "Asia/Kathmandu"})
    [notice] = Notice.select().where(Notice.kind == "expired")
    assert (notice.due_at.hour, notice.due_at.minute) == (11, 15)


@pytest.mark.parametrize("hour", ["", "24", "-1", "x", "²", "8.5", "1000"])
def test_an_hour_that_is_none_comes_back_with_what_to_do(ada: Person, browse: Browse, hour: str) -> None:
    answer = browse(ada).post(ada.settings(PAGE), {"kinds": "unused", "hour": hour})
    assert answer.status_code == 422
    assert "Choose an hour of the day." in answer.text
    assert "<title>Error: Notifications" in answer.text
    assert MailChoice.off_for(ada.member.id) == frozenset()


def test_owners_add_change_and_remove_team_addresses(ada: Person, browse: Browse, mailbox: Mailbox) -> None:
    browser = browse(ada)
    form = {"address": " Team@Example.com ", "kinds": ["key_created", "expiring", "made_up"]}
    assert browser.post(ada.settings(f"{PAGE}/team"), form).status_code == 303
    [team] = TeamAddress.listed(ada.workspace.id)
    assert (team.address, team.kinds) == ("team@example.com", ("key_created", "expiring"))
    TeamAddress.update(confirmed_at=now()).execute()
    make_key(ada)
    send_mail.run()
    [mail] = mailbox.to("team@example.com")
    assert "This address is a team address of Fieldstone." in mail.text
    assert browser.post(ada.settings(f"{PAGE}/team/{team.id}"), {"kinds": "expired"}).status_code == 303
    assert TeamAddress.get_by_id(team.id).kinds == ("expired",)
    answer = browser.post(ada.settings(f"{PAGE}/team/{team.id}"), {})
    assert answer.status_code == 422
    assert "Choose at least one kind of mail." in answer.text
    make_key(ada)
    assert browser.post(ada.settings(f"{PAGE}/team/{team.id}/remove")).status_code == 303
    send_mail.run()
    assert len(mailbox.to("team@example.com")) == 1
    assert TeamAddress.listed(ada.workspace.id) == []
    assert actions(ada, team.id) == ["team_address.removed", "team_address.changed", "team_address.added"]


@pytest.mark.parametrize(
    ("form", "words_shown"),
    [
        ({"address": "nobody", "kinds": "expired"}, "Enter an e-mail address"),
        ({"address": "team@example.com"}, "Choose at least one kind of mail."),
        ({"address": "team@example.com\r\nBcc: e@example.com", "kinds": "expired"}, "Enter an e-mail address"),
    ],
)
def test_a_team_address_that_is_wrong_comes_back(
    ada: Person, browse: Browse, form: dict[str, str], words_shown: str
) -> None:
    answer = browse(ada).post(ada.settings(f"{PAGE}/team"), form)
    assert answer.status_code == 422
    assert words_shown in answer.text
    assert TeamAddress.listed(ada.workspace.id) == []


def test_team_addresses_are_unique_and_few(ada: Person, browse: Browse) -> None:
    for number in range(MOST_ADDRESSES):
        TeamAddress.add(ada.workspace, f"team{number}@example.com", ["expired"], by=ada.actor)
    post = browse(ada).post
    again = {"address": "team1@example.com", "kinds": "expired"}
    assert f"at most {MOST_ADDRESSES}" in post(ada.settings(f"{PAGE}/team"), again | {"address": "x@example.com"}).text
    TeamAddress.listed(ada.workspace.id)[0].remove(by=ada.actor)
    assert "on the list already" in post(ada.settings(f"{PAGE}/team"), again).text


def test_admins_see_team_addresses_and_cannot_change_them(ada: Person, olga: Person, browse: Browse) -> None:
    team = TeamAddress.add(ada.workspace, "team@example.com", ["expired"], by=ada.actor)
    browser = browse(olga)
    shown = browser.get(olga.settings(PAGE)).text
    assert "team@example.com" in shown
    assert "Owners add and change team addresses." in shown
    for path in ("team", f"team/{team.id}", f"team/{team.id}/remove"):
        answer = browser.post(olga.settings(f"{PAGE}/{path}"), {"address": "x@example.com", "kinds": "unused"})
        assert answer.status_code == 403, path
    assert [each.kinds for each in TeamAddress.listed(ada.workspace.id)] == [("expired",)]


def test_members_have_nothing_to_set(ada: Person, bob: Person, browse: Browse) -> None:
    TeamAddress.add(ada.workspace, "team@example.com", ["expired"], by=ada.actor)
    shown = browse(bob).get(bob.settings(PAGE)).text
    assert "There is nothing to set for you." in shown
    assert "team@example.com" not in shown
    assert browse(bob).post(bob.settings(PAGE), {"hour": "3"}).status_code == 403


def test_a_dead_letter_is_shown_and_sent_again(ada: Person, olga: Person, browse: Browse, mailbox: Mailbox) -> None:
    key, _ = make_key(ada, name="Told twice")
    mailbox.plans["ada@example.com"] = ["550"]
    send_mail.run()
    shown = browse(olga).get(olga.settings(PAGE)).text
    assert "Not delivered" in shown
    assert "550 5.1.1 No such user" in shown
    [mail] = Mail.select().where(Mail.status == "dead")
    on_key = words(browse(olga).get(olga.settings(f"api-keys/{key.id}")))
    assert "ada@example.com Not delivered" in on_key
    path = ada.settings(f"{PAGE}/mail/{mail.id}/send-again")
    assert browse(olga).post(path).status_code == 303
    assert browse(olga).post(path).status_code == 409
    send_mail.run()
    assert len(mailbox.to("ada@example.com")) == 1
    assert actions(ada, mail.id) == ["mail.sent_again"]
    assert "None" in browse(olga).get(olga.settings(PAGE)).text
    assert "ada@example.com Sent" in words(browse(olga).get(olga.settings(f"api-keys/{key.id}")))


def test_a_keys_page_tells_what_is_planned_dropped_and_failed(ada: Person, browse: Browse, mailbox: Mailbox) -> None:
    key, _ = make_key(ada)
    outbox.promise("expiring", ada.workspace.id, key.id, "2026-12-01T00:00Z/7d", key=key)
    mailbox.plans["ada@example.com"] = ["450"]
    send_mail.run()
    shown = words(browse(ada).get(ada.settings(f"api-keys/{key.id}")))
    assert "Expires soon 7 days" in shown
    assert "ada@example.com Planned" in shown
    assert "ada@example.com Will be tried again" in shown
    assert "450 4.2.1 Busy" in shown


def test_strangers_see_no_mail_of_others(ada: Person, mallory: Person, browse: Browse, mailbox: Mailbox) -> None:
    make_key(ada)
    mailbox.plans["ada@example.com"] = ["550"]
    send_mail.run()
    [mail] = Mail.select().where(Mail.status == "dead")
    assert browse(mallory).get(ada.settings(PAGE)).status_code == 404
    assert "ada@example.com" not in browse(mallory).get(mallory.settings(PAGE)).text
    assert browse(mallory).post(mallory.settings(f"{PAGE}/mail/{mail.id}/send-again")).status_code == 404
    assert Mail.get_by_id(mail.id).status == "dead"
