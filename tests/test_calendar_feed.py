"""The calendar that a person subscribes to: what is in it, and who can read it for how long."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import icalendar
import pytest
from flask.testing import FlaskClient

from models import AuditEvent, CalendarFeed, Member, database
from models.calendar_text import Entry, folded, write
from models.database import now
from tests.support import ledger
from tests.support.cast import Person, make_key
from tests.support.clients import Browser
from tests.support.key_pages import words
from tests.support.policies import rule

Browse = Callable[[Person], Browser]


def make(person: Person, browse: Browse) -> str:
    """The path of a new feed, through the page."""
    answer = browse(person).post(person.settings("notifications/calendar"))
    assert answer.status_code == 201
    [path] = set(re.findall(r"/calendar/[\w-]+\.ics", answer.text))
    ledger.note(path.removeprefix("/calendar/").removesuffix(".ics"), "calendar token")
    return path


def events(client: FlaskClient, path: str) -> dict[str, Any]:
    """By summary, as a calendar reads them."""
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.content_type == "text/calendar; charset=utf-8"
    calendar = icalendar.Calendar.from_ical(answer.data)
    assert not calendar.errors
    assert calendar["VERSION"] == "2.0"
    found = list(calendar.walk("VEVENT"))
    assert not [error for each in found for error in each.errors]
    assert len({str(each["UID"]) for each in found}) == len(found)
    return {str(each["SUMMARY"]): each for each in found}


def test_it_has_each_expiry_and_each_rotation_due(ada: Person, browse: Browse, client: FlaskClient) -> None:
    begun = now().replace(microsecond=0)
    name = "Übertrag; nightly, the \\long one \N{HOT BEVERAGE} " + "x" * 40
    key, secret = make_key(ada, name=name, expires_at=begun + timedelta(days=200))
    short, _ = make_key(ada, name="Short", expires_at=begun + timedelta(days=20))
    gone, _ = make_key(ada, name="Revoked")
    gone.revoke(by=ada.actor)
    path = make(ada, browse)
    found = events(client, path)
    assert set(found) == {f"API key expires: {name}", f"Rotate API key: {name}", "API key expires: Short"}
    expiry = found[f"API key expires: {name}"]
    assert expiry["DTSTART"].dt == key.expires_at
    assert expiry["DTEND"].dt > expiry["DTSTART"].dt
    assert str(expiry["URL"]).endswith(ada.settings(f"api-keys/{key.id}"))
    due = found[f"Rotate API key: {name}"]["DTSTART"].dt
    assert abs(due - (begun + timedelta(days=90))) < timedelta(minutes=2)
    text = client.get(path).text
    assert secret not in text
    assert secret[-8:] not in text
    assert short.id in text


def test_a_change_keeps_the_event_and_raises_its_sequence(ada: Person, browse: Browse, client: FlaskClient) -> None:
    key, _ = make_key(ada, name="Sync", expires_at=now() + timedelta(days=200))
    path = make(ada, browse)
    before = events(client, path)
    with database.at(now() + timedelta(days=10)):
        key.rotate(by=ada.actor)
    key.change({"expires_at": key.expires_at + timedelta(days=30)}, disabled=None, by=ada.actor)
    after = events(client, path)
    for summary in ("API key expires: Sync", "Rotate API key: Sync"):
        assert after[summary]["UID"] == before[summary]["UID"]
        assert after[summary]["SEQUENCE"] > before[summary]["SEQUENCE"]
        assert after[summary]["DTSTART"].dt > before[summary]["DTSTART"].dt


def test_another_policy_moves_rotations_and_raises_their_sequence(
    ada: Person, browse: Browse, client: FlaskClient
) -> None:
    """A calendar may pass over an event that it has in the same or a higher sequence (RFC 5546, 2.1.5)."""
    make_key(ada, name="Sync", expires_at=now() + timedelta(days=200))
    path = make(ada, browse)
    before = events(client, path)
    for days in (30, 60, 90):
        rule(ada, rotation_days=days)
        after = events(client, path)
        assert after["Rotate API key: Sync"]["SEQUENCE"] > before["Rotate API key: Sync"]["SEQUENCE"]
        assert after["API key expires: Sync"]["SEQUENCE"] == before["API key expires: Sync"]["SEQUENCE"]
        before = after


def test_an_undone_rotation_is_due_when_it_was_before(ada: Person, browse: Browse, client: FlaskClient) -> None:
    with database.at(now() - timedelta(days=80)):
        key, _ = make_key(ada, name="Sync")
    path = make(ada, browse)
    before = events(client, path)["Rotate API key: Sync"]
    key.rotate(by=ada.actor, overlap="24h")
    meanwhile = events(client, path)["Rotate API key: Sync"]
    key.undo_rotation(by=ada.actor)
    after = events(client, path)["Rotate API key: Sync"]
    assert meanwhile["DTSTART"].dt > before["DTSTART"].dt == after["DTSTART"].dt
    assert before["SEQUENCE"] < meanwhile["SEQUENCE"] < after["SEQUENCE"]


def test_of_more_keys_than_it_holds_it_has_those_that_end_first(
    ada: Person, browse: Browse, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, days in (("Last", 80), ("First", 5), ("Second", 40)):
        make_key(ada, name=name, expires_at=now() + timedelta(days=days))
    make_key(ada, name="Never")
    monkeypatch.setattr("models.calendar_feed.MOST", 2)
    assert set(events(client, make(ada, browse))) == {"API key expires: First", "API key expires: Second"}


def test_its_address_answers_as_a_secret_should(ada: Person, browse: Browse, client: FlaskClient) -> None:
    path = make(ada, browse)
    token = path.removeprefix("/calendar/").removesuffix(".ics")
    answer = client.get(path)
    assert answer.headers.getlist("Cache-Control") == ["no-store"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers
    assert len(token) >= 43
    assert token.encode() not in bytes(CalendarFeed.get().digest)
    assert token not in browse(ada).get(ada.settings("notifications")).text
    assert "Last read" in words(browse(ada).get(ada.settings("notifications")))
    assert not [row for row in AuditEvent.select() if token in row.details]


def test_the_log_names_the_route_alone(
    ada: Person, browse: Browse, client: FlaskClient, capfd: pytest.CaptureFixture[str]
) -> None:
    path = make(ada, browse)
    capfd.readouterr()
    client.get(path)
    written = capfd.readouterr().err
    assert "/calendar/<token>.ics" in written
    assert path not in written


def test_a_replaced_and_a_revoked_address_answer_as_if_they_never_were(
    ada: Person, browse: Browse, client: FlaskClient
) -> None:
    first = make(ada, browse)
    second = make(ada, browse)
    assert client.get(second).status_code == 200
    browse(ada).post(ada.settings("notifications/calendar/revoke"))
    assert "Off" in words(browse(ada).get(ada.settings("notifications")))
    answers = [client.get(path) for path in (first, second, "/calendar/never.ics", f"/calendar/{'x' * 43}.ics")]
    assert {each.status_code for each in answers} == {404}
    assert len({re.sub(r"req_\w+", "", each.text) for each in answers}) == 1
    actions = [each.action for each in AuditEvent.about(ada.workspace.id, ada.member.id)]
    assert actions[:3] == ["calendar.revoked", "calendar.replaced", "calendar.created"]


@pytest.mark.parametrize("how", ["removed", "member", "contact"])
def test_who_left_or_lost_the_role_reads_nothing(
    ada: Person, olga: Person, browse: Browse, client: FlaskClient, how: str
) -> None:
    path = make(olga, browse)
    assert client.get(path).status_code == 200
    person = Member.get_by_id(olga.member.id)
    if how == "removed":
        person.remove(by=ada.actor)
    else:
        person.change({"role": how}, by=ada.actor)
    assert client.get(path).status_code == 404


def test_it_is_of_one_workspace_and_for_those_who_manage_keys(
    ada: Person, bob: Person, mallory: Person, browse: Browse, client: FlaskClient
) -> None:
    make_key(mallory, name="Rival's", expires_at=now() + timedelta(days=9))
    assert events(client, make(ada, browse)) == {}
    assert set(events(client, make(mallory, browse))) == {"API key expires: Rival's"}
    assert browse(bob).post(ada.settings("notifications/calendar")).status_code == 403


def test_what_is_long_over_is_left_out(ada: Person, browse: Browse, client: FlaskClient) -> None:
    with database.at(now() - timedelta(days=100)):
        make_key(ada, name="Long over", expires_at=now() + timedelta(days=60))
        make_key(ada, name="Just over", expires_at=now() + timedelta(days=80))
    assert set(events(client, make(ada, browse))) == {"API key expires: Just over"}


def test_lines_are_folded_between_characters() -> None:
    for text in ("x" * 75, "x" * 76, "ü" * 200, "\N{HOT BEVERAGE}\N{PILE OF POO}" * 90, ""):
        parts = list(folded(text))
        assert all(len(part.encode()) <= 75 for part in parts)
        assert parts[0] + "".join(part[1:] for part in parts[1:]) == text
        assert all(part.startswith(" ") for part in parts[1:])


def test_no_name_can_add_a_line() -> None:
    at = datetime.fromisoformat("2026-12-01T10:00:00+00:00")
    name = "a\r\nEND:VEVENT\nATTACH:x"
    text = write("t\r\nX:y", [Entry("u", "expiry", at, name, "key_1", 1)], key_url="https://k/{}", host="k", moment=at)
    calendar = icalendar.Calendar.from_ical(text)
    [event] = calendar.walk("VEVENT")
    assert "ATTACH" not in event
    assert "X" not in calendar
    assert text.count("END:VEVENT\r\n") == 1
    assert "\n" not in text.replace("\r\n", "")
